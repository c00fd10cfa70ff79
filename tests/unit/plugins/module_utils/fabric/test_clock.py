"""Whose clock is off, from the time in an answer."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.clock import Clock, clock_of
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.health_samples import (
    HEALTHZ_FAILED,
    HEALTHZ_OK,
    STORE_SEALED,
)

# What stands in HEALTHZ_OK, in seconds since 1970.
TOLD = 1795356003.817793
DATE = "Sun, 22 Nov 2026 14:00:03 GMT"


def found(
    body: bytes, key: str = "time", date: str = "", moment: tuple[float, float] = (TOLD, TOLD)
) -> Clock:
    clock = clock_of(body, key, date, moment)
    assert clock
    return clock


@pytest.mark.parametrize(("ours", "skew"), [(TOLD, 0), (TOLD - 120, 120), (TOLD + 7.5, -7.5)])
def test_time_in_the_answer(ours: float, skew: float) -> None:
    clock = found(HEALTHZ_OK, moment=(ours - 0.1, ours + 0.1))
    assert clock.skew == pytest.approx(skew, abs=1e-3)
    assert clock.uncertainty == pytest.approx(0.1, abs=1e-3)
    assert clock.source == "time in its answer"


def test_a_node_that_is_not_well_tells_it_too() -> None:
    assert found(HEALTHZ_FAILED).skew == pytest.approx(-0.01, abs=0.01)


def test_the_stores_answer_has_whole_seconds() -> None:
    clock = found(STORE_SEALED, "server_time_utc", moment=(1795356005.9, 1795356006.1))
    assert (clock.skew, clock.uncertainty) == (pytest.approx(-0.5), pytest.approx(0.6))
    assert clock.certain == 0


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"time": "yesterday"}', b'{"time": null}'])
def test_the_header_where_the_body_does_not_tell(body: bytes) -> None:
    clock = found(body, date=DATE)
    assert (clock.source, clock.uncertainty) == ("header Date of its answer", 0.5)
    assert clock.certain == 0
    assert clock_of(body, "time", "", (TOLD, TOLD)) is None
    assert clock_of(body, "time", "not a date", (TOLD, TOLD)) is None


def test_what_is_certain() -> None:
    assert Clock(-10, 1, "").certain == 9
    assert Clock(0.5, 1, "").certain == 0
    assert Clock(1.23456, 0.00049, "x").as_dict() == {"skew": 1.235, "uncertainty": 0.0, "source": "x"}
