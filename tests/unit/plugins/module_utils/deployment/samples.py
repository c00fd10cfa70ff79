"""A run that has everything, for what tells of runs."""

from __future__ import annotations

from ansible_collections.selvedge.fabric.plugins.module_utils.deployment.recorder import Recorder
from ansible_collections.selvedge.fabric.plugins.module_utils.deployment.run import About, Run

ABOUT = About("site", "lab", "0.2.0", "2.19.14", check_mode=False)


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


def recorder(about: About = ABOUT) -> tuple[Recorder, Clock]:
    clock = Clock()
    return Recorder(about, clock, lambda: 1_700_000_000 + clock.now), clock


def sample(about: About = ABOUT, ended: bool = True) -> Run:
    """Two stages and 100 s on three hosts: a change, a rescue, a failure, one that cannot be reached."""
    record, clock = recorder(about)
    record.task_started("t1", "ledger", "ledger : Converge")
    clock.passes(60)
    record.finished("t1", "host1", True)
    clock.passes(10)
    record.finished("t1", "host2", False)
    record.unreachable("t1", "host3", "no route", ignored=False)
    record.task_started("t2", "health", "health : Wait")
    clock.passes(20)
    record.retried("t2")
    record.failed("t2", "host1", "quorum <lost> & \x00 gone", ignored=False)
    record.failed("t2", "host2", "", ignored=False)
    record.task_started("t3", "health", "health : Read the logs")
    clock.passes(10)
    record.finished("t3", "host2", False)
    record.task_started("t4", "health", "health : Never needed")
    record.skipped("t4", "host2")
    return record.finish({"host1": 1} if ended else None)
