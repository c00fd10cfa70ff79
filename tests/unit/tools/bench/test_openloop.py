"""The load of the bench: what is sent when."""

from __future__ import annotations

import contextvars
import threading
import time

import pytest
from ansible_collections.selvedge.fabric.tools.bench.openloop import new_asset, offer, run
from ansible_collections.selvedge.fabric.tools.bench.pairs import Timing


class Clock:
    """Time passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds


def sent(takes: dict[int, float]) -> list[tuple[int, float, float]]:
    """Number, time due and time sent of six transactions at four a second, where sending some takes a while."""
    clock, found = Clock(), []

    def send(number: int, due: float) -> None:
        found.append((number, due - 100, clock.time - 100))
        clock.time += takes.get(number, 0)

    offer(4, 6, send, clock.now, clock.sleep)
    return found


def test_they_are_sent_at_fixed_times() -> None:
    assert sent({}) == [(number, number / 4, number / 4) for number in range(6)]


def test_what_holds_up_the_loop_does_not_move_the_schedule() -> None:
    assert sent({1: 0.75}) == [
        (0, 0, 0),
        (1, 0.25, 0.25),
        (2, 0.5, 1.0),
        (3, 0.75, 1.0),
        (4, 1.0, 1.0),
        (5, 1.25, 1.25),
    ]


def test_nobody_waits_for_anybody() -> None:
    # Each goes on only when all of them are there.
    everybody = threading.Barrier(20)

    def transact(number: int, due: float) -> Timing:
        everybody.wait(10)
        return Timing(due, time.monotonic(), submitted=number)

    found = run(transact, rate=1000, count=20)
    assert [timing.submitted for timing in found] == list(range(20))
    assert found[-1].due - found[0].due == pytest.approx(0.019)


def test_they_share_what_is_shared_where_they_are_offered() -> None:
    shared: contextvars.ContextVar[str] = contextvars.ContextVar("shared", default="nothing")
    shared.set("connections")
    found = run(lambda number, due: Timing(due, due, error=shared.get()), rate=1000, count=5)
    assert {timing.error for timing in found} == {"connections"}


def test_no_two_assets_have_the_same_name() -> None:
    assert len({new_asset()[1] for _number in range(100)}) == 100
