"""What is known of a playbook's run: names, counts and durations. No argument, no variable, no result.

The one text that a task wrote itself is a failure's message, and that is only for JUnit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

# Of the JSON file: goes up when a key goes away or means something else.
SCHEMA = 1


class Outcome(StrEnum):
    """``aborted`` did not come to its end: Ctrl-C, or an error of Ansible itself."""

    SUCCESS = "success"
    FAILED = "failed"
    ABORTED = "aborted"


class Kind(StrEnum):
    """How a task ended that did not go well."""

    FAILED = "failed"
    UNREACHABLE = "unreachable"
    RESCUED = "rescued"
    IGNORED = "ignored"


@dataclass
class Counts:
    """Results of tasks, one a task and host, counted as Ansible's recap does: a loop is one, a retried task too.

    What was rescued or ignored has not failed. What was ignored is among ``ok`` as well.
    """

    ok: int = 0
    changed: int = 0
    failed: int = 0
    unreachable: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0

    def add(self, *names: str) -> None:
        for name in names:
            setattr(self, name, getattr(self, name) + 1)

    @classmethod
    def total(cls, parts: Iterable[Counts]) -> Counts:
        found = list(parts)
        return cls(**{item.name: sum(getattr(part, item.name) for part in found) for item in fields(cls)})


@dataclass(frozen=True)
class Failure:
    """A task that did not go well on a host.

    :param message: what the task says of it; empty where ``no_log`` forbids it
    """

    kind: Kind
    host: str
    message: str


@dataclass(frozen=True)
class Task:
    """:param seconds: while it ran on any host; :param retries: on all hosts"""

    stage: str
    name: str
    seconds: float
    counts: Counts
    retries: int = 0
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Stage:
    """A role as the play names it, with the roles that it includes; or the tasks of a play outside of roles.

    :param seconds: while any of its tasks ran
    """

    name: str
    seconds: float
    counts: Counts
    tasks: int


@dataclass(frozen=True)
class About:
    """What does not change during a run.

    :param playbook: name of its file without the ending
    :param network: the model's name; empty where the inventory has no model
    :param limit: the pattern of ``--limit``
    :param tags: of ``--tags``, none for all
    """

    playbook: str
    network: str
    collection: str
    ansible: str
    check_mode: bool
    limit: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """A playbook's run.

    :param started: seconds since the epoch, as ``ended``
    :param last_task: of an aborted run, what it was at
    """

    about: About
    outcome: Outcome
    started: float
    ended: float
    seconds: float
    hosts: dict[str, Counts]
    stages: tuple[Stage, ...]
    tasks: tuple[Task, ...]
    last_task: Task | None = None
    totals: Counts = field(default_factory=Counts)

    def slowest(self, count: int) -> list[Task]:
        """The tasks that took longest, the longest first."""
        return sorted(self.tasks, key=lambda task: -task.seconds)[:count]

    def as_dict(self, slowest: int) -> dict[str, Any]:
        """The run for machines, plain types only. Durations are seconds, times are seconds since the epoch."""
        return {
            "schema": SCHEMA,
            **asdict(self.about),
            "tags": list(self.about.tags),
            "outcome": str(self.outcome),
            "started": round(self.started, 3),
            "ended": round(self.ended, 3),
            "duration": round(self.seconds, 3),
            "totals": asdict(self.totals),
            "hosts": {name: asdict(counts) for name, counts in self.hosts.items()},
            "stages": [
                {
                    "name": stage.name,
                    "duration": round(stage.seconds, 3),
                    "tasks": stage.tasks,
                    **asdict(stage.counts),
                }
                for stage in self.stages
            ],
            "slowest": [
                {"stage": task.stage, "task": task.name, "duration": round(task.seconds, 3)}
                for task in self.slowest(slowest)
            ],
            "failures": [
                {"stage": task.stage, "task": task.name, "host": failure.host, "kind": str(failure.kind)}
                for task in self.tasks
                for failure in task.failures
            ],
            "last_task": {"stage": self.last_task.stage, "task": self.last_task.name}
            if self.last_task
            else None,
        }


def clock(seconds: float) -> str:
    """A duration for people: ``0.4 s``, ``41 s``, ``2 min 05 s``, ``1 h 02 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
