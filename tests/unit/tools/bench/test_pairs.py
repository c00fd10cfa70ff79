"""What pairs of loads say: medians of ratios, and when they say nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.tools.bench.pairs import (
    LEDGER,
    Half,
    NotComparable,
    Pair,
    Timing,
    Window,
    between,
    machine_seconds,
    median_ratio,
    order,
    pair_of,
    percentile,
)

KINDS = {"peer0": LEDGER, "peer1": LEDGER, "node-exporter-host1": "node-exporter"}


def half(watched: bool, *latencies: float) -> Half:
    timings = [Timing(10, 10.01, 10.1, 10.1 + latency) for latency in latencies]
    return Half(watched, timings, Window(60, {LEDGER: 8.0, "loki": 0.5, "prometheus": 1.5}, {}))


def container(pid: int = 7, cpu_s: float = 0, memory: int = 0) -> dict[str, Any]:
    return {"pid": pid, "health": "healthy", **({"cpu_s": cpu_s, "memory": memory} if pid else {})}


def test_every_other_pair_is_the_other_way_round() -> None:
    assert order(5) == [(True, False), (False, True), (True, False), (False, True), (True, False)]


def test_a_pair_knows_which_half_is_which() -> None:
    watched, alone = half(True, 1), half(False, 1)
    assert pair_of(watched, alone) == pair_of(alone, watched) == Pair(watched, alone)
    with pytest.raises(ValueError, match="one half with the monitoring and one without"):
        pair_of(watched, watched)


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (95, 95), (100, 100), (0, 1), (99.5, 100)])
def test_percentiles_are_values_that_were_there(percent: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == value


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(NotComparable, match="no transaction was committed"):
        percentile([], 50)


def test_the_median_is_of_the_ratios_of_pairs() -> None:
    # The machine was slow during the second pair, and something happened in the third.
    pairs = [
        Pair(half(True, 1.02), half(False, 1.0)),
        Pair(half(True, 3.03), half(False, 3.0)),
        Pair(half(True, 9.0), half(False, 1.0)),
    ]
    assert median_ratio(pairs, lambda item: item.latency(50)) == pytest.approx(1.02)


def test_what_a_half_says_of_itself() -> None:
    found = half(True, 0.2, 0.4, 0.3)
    refused = Half(True, [*found.timings, Timing(10, 12, error="no")], found.window)
    assert (refused.latency(50), refused.errors) == (pytest.approx(0.3), ["no"])
    assert refused.endorsing(50) == pytest.approx(0.09)
    assert (refused.late(50), refused.late(100)) == (pytest.approx(0.01), 2)
    # Three were committed, four sent.
    assert refused.per_thousand(refused.window.watching_cpu) == pytest.approx(2.0 / 3 * 1000)
    assert refused.window.ledger_cpu == 8


def test_what_was_used_between_two_looks() -> None:
    before = {
        "peer0": container(1, 10, 5),
        "peer1": container(2, 20, 5),
        "node-exporter-host1": container(3, 1),
    }
    after = {
        "peer0": container(1, 13, 100),
        "peer1": container(2, 24, 200),
        "node-exporter-host1": container(3, 1.5, 30),
    }
    found = between(KINDS, before, after, 60, True, 9)
    assert found == Window(60, {LEDGER: 7, "node-exporter": 0.5}, {LEDGER: 300, "node-exporter": 30}, 9)


def test_without_monitoring_there_is_only_the_ledger() -> None:
    look = {"peer0": container(1), "peer1": container(2), "node-exporter-host1": container(0)}
    found = between(KINDS, look, look, 60, False)
    assert (found.cpu, found.watching_cpu) == ({LEDGER: 0}, 0)


@pytest.mark.parametrize(
    ("watched", "name", "first", "second", "said"),
    [
        (True, "node-exporter-host1", 0, 0, "does not run in a half with monitoring"),
        (True, "node-exporter-host1", 3, 0, "does not run in a half with monitoring"),
        (False, "node-exporter-host1", 0, 3, "runs in a half without monitoring"),
        (False, "peer1", 2, 0, "does not run in a half without monitoring"),
        (True, "peer1", 2, 4, "was restarted while it was measured"),
    ],
)
def test_what_cannot_be_compared(watched: bool, name: str, first: int, second: int, said: str) -> None:
    right = {
        "peer0": container(1),
        "peer1": container(2),
        "node-exporter-host1": container(3 if watched else 0),
    }
    with pytest.raises(NotComparable, match=f"{name} {said}"):
        between(KINDS, {**right, name: container(first)}, {**right, name: container(second)}, 60, watched)


def test_a_busy_machine() -> None:
    # Debian 12 on two cores; waiting for disks and time of other guests are nobody's work.
    stat = "cpu  1000 200 300 99999 5000 40 60 7000 0 0\ncpu0 500 100 150 50000 2500 20 30 3500 0 0\n"
    assert machine_seconds(stat, 100) == 16
