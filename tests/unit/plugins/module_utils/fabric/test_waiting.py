"""Waiting by asking again."""

from __future__ import annotations

import time

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.waiting import Deadline


def test_returns_when_ready() -> None:
    answers = [NotReadyError("not yet"), NotReadyError("not yet"), None]
    begin = time.monotonic()

    def call() -> str:
        answer = answers.pop(0)
        if answer:
            raise answer
        return "ready"

    assert Deadline(5).retry(call) == "ready"
    assert 0.15 < time.monotonic() - begin < 1


def test_raises_the_last_answer_in_time() -> None:
    def call() -> None:
        raise NotReadyError("still starting")

    begin = time.monotonic()
    with pytest.raises(NotReadyError, match="still starting"):
        Deadline(0.3).retry(call)
    assert time.monotonic() - begin < 1


def test_other_errors_are_not_waited_for() -> None:
    calls = []

    def call() -> None:
        calls.append(1)
        raise FabricError("refused")

    with pytest.raises(FabricError, match="refused"):
        Deadline(5).retry(call)
    assert calls == [1]


def test_remaining() -> None:
    assert Deadline(100).remaining(10) == 10
    assert 1 < Deadline(2).remaining(10) <= 2
    assert Deadline(0).remaining(10) == 0.5
