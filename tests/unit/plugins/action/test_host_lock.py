"""Whether a run has ended, what a refusal says, and how a host's lock changes hands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.selvedge.fabric.plugins.action.host_lock import (
    ActionModule,
    holder_of,
    is_dead,
    refusal,
    start_of,
)
from ansible_collections.selvedge.fabric.plugins.modules import host_lock
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner

# What a worker takes for its run: the process that started it.
OWN = holder_of(os.getppid(), "site")


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


class Host(ActionModule):
    """The plugin in front of this machine: what it hands over runs here, and ``calls`` has it.

    ``meanwhile`` happens after the first call.
    """

    def __init__(self, module: ModuleRunner, path: Path, check: bool) -> None:
        self._task = SimpleNamespace(args={"path": str(path)}, check_mode=check, async_val=0, diff=False)
        self._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        self._module, self.calls = module, list[dict[str, Any]]()
        self.meanwhile: Callable[[], object] = lambda: None

    def _execute_module(
        self, module_name: str, module_args: dict[str, Any], **_unused: Any
    ) -> dict[str, Any]:
        assert module_name == "selvedge.fabric.host_lock"
        self.calls.append(module_args)
        result = self._module(host_lock.main, **module_args)
        if len(self.calls) == 1:
            self.meanwhile()
        return result


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "run.lock"


@pytest.fixture
def host(capsys: pytest.CaptureFixture[str], lock: Path) -> Callable[..., Host]:
    return lambda check=False: Host(ModuleRunner(capsys), lock, check)


@pytest.fixture
def living() -> Iterator[dict[str, str]]:
    """What another run, which is still at work, has written of itself."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield holder_of(process.pid, "stop")
    process.kill()
    process.wait()


@pytest.fixture
def dead() -> dict[str, str]:
    """What a run that has ended had written of itself."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    record = holder_of(process.pid, "upgrade")
    process.kill()
    process.wait()
    return record


def holds(lock: Path) -> str:
    return str(json.loads(lock.read_text())["run"])


def test_a_free_lock_is_taken_for_the_process_of_the_run(host: Callable[..., Host], lock: Path) -> None:
    found = host().run(task_vars={"ansible_play_name": "site"})
    assert holds(lock) == OWN["run"]
    assert found["ansible_facts"] == {"selvedge_run": OWN["run"]}
    assert {key: value for key, value in json.loads(lock.read_text()).items() if key in OWN} == OWN
    # Its own lock is none to be refused for.
    assert host().run(task_vars={})["refused"] is False


def test_the_lock_of_a_run_at_work_is_refused_by_name(
    host: Callable[..., Host], lock: Path, living: dict[str, str]
) -> None:
    lock.write_text(json.dumps(living))
    asked = host()
    with pytest.raises(
        AnsibleActionFail, match=rf"at work here \({lock}\): 'stop' by .* {living['process']}\."
    ):
        asked.run(task_vars={})
    assert holds(lock) == living["run"]
    assert len(asked.calls) == 1


def test_the_lock_of_a_run_that_died_is_taken_over(
    host: Callable[..., Host], lock: Path, dead: dict[str, str]
) -> None:
    lock.write_text(json.dumps(dead))
    found = host().run(task_vars={})
    assert found["former"] == [dead["run"]]
    assert found["ansible_facts"] == {"selvedge_run": OWN["run"]}
    assert holds(lock) == OWN["run"]


def test_who_was_quicker_to_take_over_a_dead_runs_lock_keeps_it(
    host: Callable[..., Host], lock: Path, dead: dict[str, str], living: dict[str, str]
) -> None:
    """What is broken is the lock of the run that was found dead, not whatever lies there by then."""
    lock.write_text(json.dumps(dead))
    late = host()
    late.meanwhile = lambda: lock.write_text(json.dumps(living))
    with pytest.raises(AnsibleActionFail, match="'stop' by"):
        late.run(task_vars={})
    assert holds(lock) == living["run"]
    assert [call.get("break_lock") for call in late.calls] == [None, dead["run"]]


def test_check_mode_asks_nobody_and_still_names_the_run(host: Callable[..., Host], lock: Path) -> None:
    asked = host(check=True)
    assert asked.run(task_vars={})["ansible_facts"] == {"selvedge_run": OWN["run"]}
    assert asked.calls == []
    assert not lock.exists()
