"""Pairs of the same load with something and without it, and what their medians say. Pure.

A machine gets slower and faster while it runs. Halves of a pair follow each other at once, every other pair the other
way round, and only halves of one pair are compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

LEDGER = "ledger"
# What one host's ``usage.look`` says.
Look = Mapping[str, Mapping[str, Any]]


class NotComparable(Exception):
    """Something happened meanwhile that makes the numbers mean something else."""


@dataclass(frozen=True)
class Timing:
    """One transaction; times are of one clock, in seconds.

    :param due: when it was to be sent
    :param begun: when it was
    :param submitted: when it was endorsed and went to the ordering service
    :param committed: when its peer said that it is committed
    :param error: why it is not; then the last two are nothing
    """

    due: float
    begun: float
    submitted: float = 0.0
    committed: float = 0.0
    error: str = ""

    @property
    def late(self) -> float:
        return self.begun - self.due

    @property
    def endorsing(self) -> float:
        return self.submitted - self.begun

    @property
    def latency(self) -> float:
        return self.committed - self.submitted


@dataclass(frozen=True)
class Window:
    """What was used between two looks.

    :param seconds: from one look to the other
    :param cpu: seconds of processor time by kind of container, LEDGER among them
    :param memory: bytes at the second look, by kind
    :param machine_cpu: seconds of processor time of everything on this machine, but of the bench itself
    """

    seconds: float
    cpu: Mapping[str, float]
    memory: Mapping[str, float]
    machine_cpu: float = 0.0

    @property
    def ledger_cpu(self) -> float:
        return self.cpu[LEDGER]

    @property
    def watching_cpu(self) -> float:
        """Of everything that is not the ledger."""
        return sum(seconds for kind, seconds in self.cpu.items() if kind != LEDGER)


@dataclass(frozen=True)
class Half:
    """One load.

    :param watched: whether the monitoring ran
    """

    watched: bool
    timings: Sequence[Timing] = field(repr=False)
    window: Window

    @property
    def committed(self) -> list[Timing]:
        return [timing for timing in self.timings if not timing.error]

    @property
    def errors(self) -> list[str]:
        return [timing.error for timing in self.timings if timing.error]

    def latency(self, percent: float) -> float:
        return percentile([timing.latency for timing in self.committed], percent)

    def endorsing(self, percent: float) -> float:
        return percentile([timing.endorsing for timing in self.committed], percent)

    def late(self, percent: float) -> float:
        return percentile([timing.late for timing in self.timings], percent)

    def per_thousand(self, amount: float) -> float:
        """For every thousand transactions that were committed."""
        return amount * 1000 / len(self.committed)


@dataclass(frozen=True)
class Pair:
    watched: Half
    alone: Half

    def ratio(self, measure: Callable[[Half], float]) -> float:
        return measure(self.watched) / measure(self.alone)


def order(pairs: int) -> list[tuple[bool, bool]]:
    """For each pair whether its halves are watched: the first way round, the other, and so on."""
    return [(True, False) if number % 2 == 0 else (False, True) for number in range(pairs)]


def pair_of(first: Half, second: Half) -> Pair:
    """Two halves, whichever was first."""
    if first.watched == second.watched:
        raise ValueError("a pair is one half with the monitoring and one without it")
    return Pair(first, second) if first.watched else Pair(second, first)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of the values do not exceed (nearest rank)."""
    if not values:
        raise NotComparable("no transaction was committed")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def median_ratio(pairs: Sequence[Pair], measure: Callable[[Half], float]) -> float:
    """The median of the pairs' ratios, watched to alone."""
    return median(pair.ratio(measure) for pair in pairs)


def between(
    kinds: Mapping[str, str],
    before: Look,
    after: Look,
    seconds: float,
    watched: bool,
    machine_cpu: float = 0.0,
) -> Window:
    """What containers used between two looks.

    :param kinds: every container to its kind; LEDGER for the ledger's
    :param watched: whether those of other kinds are to run; otherwise none of them may

    Raises NotComparable when a container does not run that should, runs that should not, or was restarted.
    """
    cpu: dict[str, float] = {}
    memory: dict[str, float] = {}
    for name, kind in kinds.items():
        first, second = before[name], after[name]
        wanted = watched or kind == LEDGER
        for item in (first, second):
            if bool(item["pid"]) != wanted:
                state = "runs" if item["pid"] else "does not run"
                raise NotComparable(f"{name} {state} in a half {'with' if watched else 'without'} monitoring")
        if not wanted:
            continue
        if first["pid"] != second["pid"]:
            raise NotComparable(f"{name} was restarted while it was measured; look at its log")
        cpu[kind] = cpu.get(kind, 0.0) + second["cpu_s"] - first["cpu_s"]
        memory[kind] = memory.get(kind, 0.0) + second["memory"]
    return Window(seconds, cpu, memory, machine_cpu)


def machine_seconds(stat: str, ticks: int) -> float:
    """Seconds that the machine's processors were busy since it was started, from ``/proc/stat``.

    :param ticks: ``SC_CLK_TCK``
    """
    words = stat.split("\n", 1)[0].split()[1:8]
    user, nice, system, _idle, _iowait, irq, softirq = (int(word) for word in words)
    return (user + nice + system + irq + softirq) / ticks
