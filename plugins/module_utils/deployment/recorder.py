"""Listens to a run, and says at its end what it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.selvedge.fabric.plugins.module_utils.deployment.run import (
    About,
    Counts,
    Failure,
    Kind,
    Outcome,
    Run,
    Stage,
    Task,
)

Interval = tuple[float, float]


@dataclass
class _Noted:
    """A failure of which nobody says yet whether it was rescued. ``at`` is its place among the host's events."""

    task: _TaskNotes
    host: str
    message: str
    at: int


@dataclass
class _TaskNotes:
    stage: str
    name: str
    intervals: list[Interval] = field(default_factory=list)
    # Whether a result has come since the last interval began.
    answered: bool = False
    counts: Counts = field(default_factory=Counts)
    retries: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def heard(self) -> bool:
        return self.counts != Counts()


class Recorder:
    """Takes what happens, in order, as Ansible's callbacks tell it.

    :param about: what is known of the run before it begins
    :param clock: seconds that only go forward
    :param wall: seconds since the epoch
    """

    def __init__(
        self,
        about: About,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.about = about
        self._clock, self._wall = clock, wall
        self._began, self._started = clock(), wall()
        self._tasks: dict[str, _TaskNotes] = {}
        self._stages: dict[str, None] = {}
        self._hosts: dict[str, Counts] = {}
        self._events: dict[str, int] = {}
        self._noted: list[_Noted] = []
        self._last = ""

    def task_started(self, task: str, stage: str, name: str) -> None:
        """``task`` tells tasks apart. One may start again: for more hosts, or as a handler that is run again."""
        now = self._clock()
        self._stages.setdefault(stage)
        notes = self._tasks.setdefault(task, _TaskNotes(stage, name))
        if notes.intervals and not notes.answered:
            notes.intervals[-1] = (notes.intervals[-1][0], now)
        notes.intervals.append((now, now))
        notes.answered = False
        self._last = task

    def finished(self, task: str, host: str, changed: bool) -> None:
        self._result(task, host, "ok", *(["changed"] if changed else []))

    def skipped(self, task: str, host: str) -> None:
        self._result(task, host, "skipped")

    def failed(self, task: str, host: str, message: str, ignored: bool, changed: bool = False) -> None:
        """Whether a failure was rescued, only the end tells."""
        if ignored:
            self._result(task, host, "ok", "ignored", *(["changed"] if changed else []))
            self._tasks[task].failures.append(Failure(Kind.IGNORED, host, message))
        else:
            self._result(task, host)
            self._noted.append(_Noted(self._tasks[task], host, message, self._events[host]))

    def unreachable(self, task: str, host: str, message: str, ignored: bool) -> None:
        self._result(task, host, *(["ok", "ignored"] if ignored else ["unreachable"]))
        kind = Kind.IGNORED if ignored else Kind.UNREACHABLE
        self._tasks[task].failures.append(Failure(kind, host, message))

    def retried(self, task: str) -> None:
        self._tasks[task].retries += 1

    def rename(self, task: str, name: str) -> None:
        """For a task whose name, with its variables filled in, must not be told."""
        self._tasks[task].name = name

    def _result(self, task: str, host: str, *names: str) -> None:
        notes, now = self._tasks[task], self._clock()
        notes.intervals[-1] = (notes.intervals[-1][0], now)
        notes.answered = True
        self._events[host] = self._events.get(host, 0) + 1
        self._hosts.setdefault(host, Counts()).add(*names)
        notes.counts.add(*names)

    def finish(self, failures: Mapping[str, int] | None) -> Run:
        """The run. Nothing is taken after this.

        :param failures: number of failed tasks by host, without those that were rescued, as Ansible counted them;
            None when the run did not come to its end, and then a failure after which the host went on was rescued
        """
        now = self._clock()
        self._settle(failures)
        last = self._tasks.get(self._last)
        if failures is None and last and not last.answered:
            last.intervals[-1] = (last.intervals[-1][0], now)
        totals = Counts.total(self._hosts.values())
        if failures is None:
            outcome = Outcome.ABORTED
        else:
            outcome = Outcome.FAILED if totals.failed or totals.unreachable else Outcome.SUCCESS
        # What gave no answer was no work: `meta`, or what a dynamic include stands for.
        heard = [notes for notes in self._tasks.values() if notes.heard or notes.failures]
        if failures is None and last and not (last.heard or last.failures):
            heard.append(last)
        return Run(
            about=self.about,
            outcome=outcome,
            started=self._started,
            ended=self._wall(),
            seconds=now - self._began,
            hosts=dict(sorted(self._hosts.items())),
            stages=tuple(self._stage(name, heard) for name in self._stages if _of(name, heard)),
            tasks=tuple(_task(notes) for notes in heard),
            last_task=_task(last) if failures is None and last else None,
            totals=totals,
        )

    def _settle(self, failures: Mapping[str, int] | None) -> None:
        for host in dict.fromkeys(item.host for item in self._noted):
            noted = [item for item in self._noted if item.host == host]
            if failures is None:
                lasting = sum(item.at == self._events[host] for item in noted)
            else:
                lasting = min(failures.get(host, 0), len(noted))
            # A host that failed for good does not go on, so what was rescued came before.
            for place, item in enumerate(noted):
                kind = Kind.RESCUED if place < len(noted) - lasting else Kind.FAILED
                item.task.counts.add(str(kind))
                self._hosts[host].add(str(kind))
                item.task.failures.append(Failure(kind, host, item.message))

    def _stage(self, name: str, tasks: Sequence[_TaskNotes]) -> Stage:
        mine = _of(name, tasks)
        intervals = [interval for notes in mine for interval in notes.intervals]
        return Stage(name, covered(intervals), Counts.total(notes.counts for notes in mine), len(mine))


def _of(stage: str, tasks: Iterable[_TaskNotes]) -> list[_TaskNotes]:
    return [notes for notes in tasks if notes.stage == stage]


def _task(notes: _TaskNotes) -> Task:
    return Task(
        notes.stage,
        notes.name,
        covered(notes.intervals),
        notes.counts,
        notes.retries,
        # Hosts answer in any order; what is told of them has one.
        tuple(sorted(notes.failures, key=lambda failure: failure.host)),
    )


def covered(intervals: Iterable[Interval]) -> float:
    """Seconds that lie in any of the intervals; tasks of hosts that do not wait for each other overlap."""
    total, until = 0.0, float("-inf")
    for begin, end in sorted(intervals):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total
