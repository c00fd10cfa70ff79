"""One run at a time: the lock's file, and processes of runs that died."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.modules import host_lock
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner


def holder(run: str) -> dict[str, str]:
    return {
        "run": run,
        "controller": "here 1",
        "process": "1",
        "started": "2",
        "user": "ann",
        "playbook": "site",
    }


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "new" / "run.lock"


@pytest.fixture
def leftover(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that a run left behind."""
    env = {**os.environ, host_lock.VARIABLE: "dead"}
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=env)
    yield process
    process.kill()
    process.wait()


def take(run_module: ModuleRunner, lock: Path, run: str, **options: Any) -> dict[str, Any]:
    return run_module(host_lock.main, path=str(lock), holder=holder(run), **options)


def test_the_first_gets_it_and_may_take_it_again(run: ModuleRunner, lock: Path) -> None:
    assert not take(run, lock, "a")["refused"]
    assert not take(run, lock, "a")["refused"]
    assert json.loads(lock.read_text())["run"] == "a"


def test_the_second_is_told_who_has_it(run: ModuleRunner, lock: Path) -> None:
    take(run, lock, "a")
    result = take(run, lock, "b")
    assert result["refused"]
    assert (result["other"]["user"], result["other"]["playbook"]) == ("ann", "site")
    assert json.loads(lock.read_text())["run"] == "a"


def test_only_its_holder_gives_it_back(run: ModuleRunner, lock: Path) -> None:
    take(run, lock, "a")
    take(run, lock, "b", state="released")
    assert lock.exists()
    take(run, lock, "a", state="released")
    assert not lock.exists()
    assert not take(run, lock, "b")["refused"]


def test_check_mode_leaves_no_trace(run: ModuleRunner, lock: Path) -> None:
    take(run, lock, "a", check=True)
    assert not lock.parent.exists()


def test_a_named_lock_can_be_broken_and_another_one_not(run: ModuleRunner, lock: Path) -> None:
    take(run, lock, "a")
    assert take(run, lock, "b", break_lock="c")["refused"]
    assert take(run, lock, "b", break_lock="a")["former"] == ["a"]


def test_what_a_dead_run_left_is_waited_for(
    run: ModuleRunner, lock: Path, leftover: subprocess.Popen[bytes]
) -> None:
    take(run, lock, "dead")
    result = take(run, lock, "b", break_lock="dead", wait=0)
    assert f"process {leftover.pid}: {sys.executable}" in result["msg"]
    assert result["msg"].endswith("Next: wait for it or end it, then run again")
    # The run that gave up is no reason to forget what it waited for.
    assert f"process {leftover.pid}" in take(run, lock, "c", break_lock="b", wait=0)["msg"]
    leftover.kill()
    leftover.wait()
    assert take(run, lock, "d", break_lock="c")["waited_for"] == []
    assert take(run, lock, "d")["former"] == []


def test_processes_of_other_runs_are_nobodys_business(
    run: ModuleRunner, lock: Path, leftover: subprocess.Popen[bytes]
) -> None:
    take(run, lock, "a")
    assert take(run, lock, "b", break_lock="a", wait=0)["waited_for"] == []


def test_a_torn_record_locks_nobody_out(run: ModuleRunner, lock: Path) -> None:
    lock.parent.mkdir()
    lock.write_text('{"run": "a", ')
    assert not take(run, lock, "b")["refused"]
