"""Running things at the same time, and waiting."""

from __future__ import annotations

import threading
import time
from typing import NoReturn

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.concurrent import together, until_ready
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError


def failing(error: Exception) -> NoReturn:
    raise error


def test_calls_really_overlap_and_results_keep_their_names() -> None:
    barrier = threading.Barrier(3, timeout=5)
    found = together({name: barrier.wait for name in "abc"})
    assert list(found) == ["a", "b", "c"] and sorted(found.values()) == [0, 1, 2]
    assert together({}) == {}


def test_one_failure_is_raised_as_it_is() -> None:
    error = FabricError("no", "peer0", "do")
    with pytest.raises(FabricError) as caught:
        together({"a": lambda: 1, "b": lambda: failing(error)})
    assert caught.value is error


def test_several_failures_are_all_told() -> None:
    calls = {name: lambda name=name: failing(NotReadyError(f"no {name}", name, "wait")) for name in "ab"}
    with pytest.raises(NotReadyError, match=r"a: no a; b: no b \(at a, b\)\. Next: wait$"):
        together(calls)
    with pytest.raises(FabricError, match="c: no c") as caught:
        together({**calls, "c": lambda: failing(FabricError("no c"))})
    assert not isinstance(caught.value, NotReadyError), "trying again does not help all of them"


def test_mistakes_of_the_program_are_not_wrapped() -> None:
    with pytest.raises(ZeroDivisionError):
        together({"a": lambda: 1 // 0, "b": lambda: failing(FabricError("no"))})


def test_waits_until_ready() -> None:
    answers = [NotReadyError("later"), NotReadyError("later"), None]

    def call() -> str:
        error = answers.pop(0)
        return failing(error) if error else "there"

    assert until_ready(call, time.monotonic() + 5, 0.01) == "there"


def test_gives_up_at_the_deadline_and_at_once_for_other_errors() -> None:
    started = time.monotonic()
    with pytest.raises(NotReadyError, match="never"):
        until_ready(lambda: failing(NotReadyError("never")), started + 0.05, 0.01)
    assert time.monotonic() - started < 1
    with pytest.raises(FabricError, match="refused"):
        until_ready(lambda: failing(FabricError("refused")), time.monotonic() + 60)
    assert time.monotonic() - started < 1
