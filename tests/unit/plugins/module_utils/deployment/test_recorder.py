"""What a run was, from what happened in it."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.deployment.recorder import covered
from ansible_collections.selvedge.fabric.plugins.module_utils.deployment.run import (
    Counts,
    Kind,
    Outcome,
    clock,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.deployment.samples import (
    recorder,
    sample,
)


def test_a_run_is_counted_by_host_and_by_stage() -> None:
    run = sample()
    assert run.outcome is Outcome.FAILED
    assert (run.seconds, run.ended - run.started) == (100, 100)
    assert [(stage.name, stage.seconds, stage.tasks) for stage in run.stages] == [
        ("ledger", 70, 1),
        ("health", 30, 3),
    ]
    assert run.hosts["host1"] == Counts(ok=1, changed=1, failed=1)
    assert run.hosts["host2"] == Counts(ok=2, skipped=1, rescued=1)
    assert run.hosts["host3"] == Counts(unreachable=1)
    assert run.stages[1].counts == Counts(ok=1, failed=1, skipped=1, rescued=1)
    assert run.totals == Counts.total(run.hosts.values()) == Counts.total(s.counts for s in run.stages)


def test_what_was_rescued_has_not_failed() -> None:
    record, _clock = recorder()
    record.task_started("t1", "s", "fails")
    record.failed("t1", "host1", "x", ignored=False)
    run = record.finish({})
    assert run.outcome is Outcome.SUCCESS
    assert [failure.kind for failure in run.tasks[0].failures] == [Kind.RESCUED]


def test_of_a_rescued_and_a_lasting_failure_the_later_one_lasts() -> None:
    record, _clock = recorder()
    for name in ("first", "second"):
        record.task_started(name, "s", name)
        record.failed(name, "host1", "x", ignored=False)
    run = record.finish({"host1": 1})
    assert [task.failures[0].kind for task in run.tasks] == [Kind.RESCUED, Kind.FAILED]


def test_ignored_failures_are_ok_and_no_failures() -> None:
    record, _clock = recorder()
    record.task_started("t1", "s", "fails")
    record.failed("t1", "host1", "x", ignored=True, changed=True)
    record.unreachable("t1", "host2", "x", ignored=True)
    run = record.finish({})
    assert run.outcome is Outcome.SUCCESS
    assert run.hosts["host1"] == Counts(ok=1, changed=1, ignored=1)
    assert run.hosts["host2"] == Counts(ok=1, ignored=1)


def test_an_aborted_run_says_what_it_was_at_and_for_how_long() -> None:
    record, clock = recorder()
    record.task_started("t1", "s", "done")
    record.finished("t1", "host1", False)
    record.task_started("t2", "s", "under way")
    clock.passes(5)
    run = record.finish(None)
    assert run.outcome is Outcome.ABORTED
    assert run.last_task and (run.last_task.name, run.last_task.seconds) == ("under way", 5)
    assert [(stage.seconds, stage.tasks) for stage in run.stages] == [(5, 2)]


def test_in_an_aborted_run_a_host_that_went_on_was_rescued() -> None:
    record, _clock = recorder()
    record.task_started("t1", "s", "fails")
    record.failed("t1", "host1", "x", ignored=False)
    record.failed("t1", "host2", "x", ignored=False)
    record.task_started("t2", "s", "rescue")
    record.finished("t2", "host1", False)
    run = record.finish(None)
    assert (run.totals.failed, run.totals.rescued) == (1, 1)
    assert run.hosts["host2"].failed == 1


def test_a_run_that_was_aborted_before_its_first_task() -> None:
    run = recorder()[0].finish(None)
    assert (run.outcome, run.stages, run.tasks, run.last_task) == (Outcome.ABORTED, (), (), None)


def test_hosts_that_do_not_wait_for_each_other_do_not_count_time_twice() -> None:
    """Strategy `free`: a task starts once for each host."""
    record, clock = recorder()
    record.task_started("t1", "s", "first")
    clock.passes(1)
    record.task_started("t1", "s", "first")
    clock.passes(1)
    record.finished("t1", "host1", False)
    record.task_started("t2", "s", "second")
    clock.passes(1)
    record.finished("t1", "host2", False)
    record.finished("t2", "host1", False)
    run = record.finish({})
    assert run.stages[0].seconds == 3
    assert [task.seconds for task in run.tasks] == [3, 1]


def test_a_handler_that_runs_twice_does_not_count_what_lies_between() -> None:
    record, clock = recorder()
    for _unused in range(2):
        record.task_started("h", "s", "handler")
        clock.passes(2)
        record.finished("h", "host1", True)
        clock.passes(100)
    run = record.finish({})
    assert (run.tasks[0].seconds, run.hosts["host1"].changed) == (4, 2)


def test_what_gave_no_answer_is_no_work() -> None:
    record, _clock = recorder()
    record.task_started("meta", "s", "meta")
    run = record.finish({})
    assert (run.tasks, run.stages) == ((), ())


@pytest.mark.parametrize(
    ("intervals", "seconds"),
    [([], 0), ([(0, 1), (2, 3)], 2), ([(0, 5), (1, 2)], 5), ([(1, 3), (0, 2)], 3)],
)
def test_covered(intervals: list[tuple[float, float]], seconds: float) -> None:
    assert covered(intervals) == seconds


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (60, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (3720, "1 h 02 min"),
    ],
)
def test_durations_for_people(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_the_json_shape() -> None:
    found = sample().as_dict(1)
    assert set(found) == {
        "schema", "playbook", "network", "collection", "ansible", "check_mode", "limit", "tags", "outcome",
        "started", "ended", "duration", "totals", "hosts", "stages", "slowest", "failures", "last_task",
    }  # fmt: skip
    assert found["schema"] == 1
    assert found["slowest"] == [{"stage": "ledger", "task": "ledger : Converge", "duration": 70}]
    assert {"stage": "health", "task": "health : Wait", "host": "host1", "kind": "failed"} in found[
        "failures"
    ]
    assert "quorum" not in str(found), "a message is for JUnit only"
    assert found["outcome"] == "failed"
