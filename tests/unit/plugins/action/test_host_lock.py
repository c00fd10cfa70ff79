"""Whether a run has ended, and what a refusal says."""

from __future__ import annotations

import os
import subprocess
import sys

from ansible_collections.selvedge.fabric.plugins.action.host_lock import (
    holder_of,
    is_dead,
    refusal,
    start_of,
)


def test_a_process_that_runs_is_not_dead() -> None:
    assert not is_dead(holder_of(os.getpid(), "site"))


def test_a_process_that_ended_is_dead_even_before_its_parent_noticed() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    record = holder_of(process.pid, "site")
    assert not is_dead(record)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(record)  # a zombie
    process.wait()
    assert is_dead(record)
    assert start_of(process.pid) == ""


def test_another_process_of_the_same_number_does_not_count() -> None:
    assert is_dead({**holder_of(os.getpid(), "site"), "started": "1"})


def test_a_run_on_another_machine_is_never_known_to_be_dead() -> None:
    assert not is_dead({**holder_of(os.getpid(), "site"), "controller": "elsewhere 1", "started": "1"})


def test_the_refusal_names_the_run_and_the_way_out() -> None:
    other = {**holder_of(4711, "Bring the network to the model"), "user": "ann", "run": "box-4711-9"}
    other["controller"] = "box 5a1c"
    assert refusal(other, "/x/run.lock") == (
        "another run is at work here (/x/run.lock): 'Bring the network to the model' by ann on box, process 4711. "
        "Next: wait until it ends. If that machine is gone, run again with -e selvedge_break_lock=box-4711-9"
    )
