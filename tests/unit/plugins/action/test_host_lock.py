"""How a host's lock changes hands."""

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
from ansible_collections.selvedge.fabric.plugins.action.host_lock import ActionModule
from ansible_collections.selvedge.fabric.plugins.module_utils import runs
from ansible_collections.selvedge.fabric.plugins.module_utils.runs import booted, holder_of, run_name
from ansible_collections.selvedge.fabric.plugins.modules import host_lock
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner

# What a worker takes for its run: the process that started it.
OWN = run_name(os.getppid())


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine keeps its number."""
    machine_id = tmp_path / "machine-id"
    machine_id.write_text("3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    monkeypatch.setattr(runs, "MACHINE_ID", machine_id)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


class Host(ActionModule):
    """The plugin in front of this machine: what it hands over runs here, and ``calls`` has it.

    ``meanwhile`` happens after the first call.
    """

    def __init__(self, module: ModuleRunner, path: Path, check: bool) -> None:
        self._task = SimpleNamespace(args={"path": str(path)}, check_mode=check, async_val=0, diff=False)
        self._connection = SimpleNamespace(transport="ssh", _shell=SimpleNamespace(tmpdir=None))
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
    assert holds(lock) == OWN
    assert found["ansible_facts"] == {"selvedge_run": OWN}
    record = json.loads(lock.read_text())
    assert record.pop("former") == []
    assert {**record, "taken": ""} == {**holder_of(os.getppid(), "site"), "taken": ""}
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
    assert found["ansible_facts"] == {"selvedge_run": OWN}
    assert holds(lock) == OWN


def test_a_controller_that_lost_power_goes_on(
    host: Callable[..., Host], lock: Path, dead: dict[str, str]
) -> None:
    """Its lock lies on its disk, with the boot that it was taken in."""
    name, _unused, boot = dead["controller"].partition(" ")
    former = {**dead, "controller": f"{name} {boot[::-1]}", "taken": f"{booted() - 60:.3f}"}
    lock.write_text(json.dumps(former))
    assert host().run(task_vars={})["former"] == [dead["run"]]
    assert holds(lock) == OWN


def test_the_refusal_names_the_file_also_where_the_task_does_not(
    host: Callable[..., Host], lock: Path, living: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(host_lock.ARGUMENTS["path"], "default", str(lock))
    lock.write_text(json.dumps(living))
    asked = host()
    asked._task.args = {}
    with pytest.raises(AnsibleActionFail, match=rf"at work here \({lock}\): "):
        asked.run(task_vars={})


def test_a_record_that_says_little_is_refused_in_words(host: Callable[..., Host], lock: Path) -> None:
    lock.write_text('{"run": "x-1-2"}')
    with pytest.raises(
        AnsibleActionFail, match=r"'unknown' by unknown on unknown, .* -e selvedge_break_lock=x-1-2"
    ):
        host().run(task_vars={})
    assert holds(lock) == "x-1-2"


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


def test_check_mode_asks_nobody_and_still_names_the_run(
    host: Callable[..., Host], lock: Path, state: Path
) -> None:
    asked = host(check=True)
    assert asked.run(task_vars={})["ansible_facts"] == {"selvedge_run": OWN}
    assert asked.calls == []
    assert not lock.exists()
    assert not state.exists()
