"""Modules in their task's own process, and what of a module's process they must not lose."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.selvedge.fabric.plugins.module_utils.runs import start_of
from ansible_collections.selvedge.fabric.plugins.plugin_utils import local_module
from ansible_collections.selvedge.fabric.plugins.plugin_utils.local_module import ModuleAction
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import ROOT

HERE = {"ansible_python_interpreter": sys.executable}


class Words(str):
    """Text that says more than its letters, as Ansible's does."""


def answer(module: Any) -> None:
    """A module that tells what it was given; ``fail`` has it fail."""
    told = {
        "given": module.params,
        "check": module.check_mode,
        "variable": os.environ.get("SELVEDGE_TEST"),
        "folder": os.getcwd(),
    }
    if module.params["fail"]:
        module.fail_json(msg=f"no: {module.params['token']}", **told)
    if module.params["leave"]:
        sys.exit(3)
    if not module.params["silent"]:
        module.exit_json(changed=True, types=type(module.params["name"]).__name__, **told)


LIBRARY = SimpleNamespace(
    __name__="library",
    ARGUMENTS={
        "name": {"type": "str", "required": True},
        "number": {"type": "int", "default": 3},
        "token": {"type": "str", "no_log": True, "default": "hunter2hunter2"},
        "fail": {"type": "bool", "default": False},
        "silent": {"type": "bool", "default": False},
        "leave": {"type": "bool", "default": False},
    },
    RULES={"mutually_exclusive": [("fail", "silent")]},
    run=answer,
)


class Action(ModuleAction):
    """The action of LIBRARY, by the name of this file, on a connection that the test describes.

    ``packed`` has what went Ansible's usual way.
    """

    def __init__(self, connection: dict[str, Any], task: dict[str, Any], arguments: dict[str, Any]) -> None:
        self._connection = SimpleNamespace(
            **{"transport": "local", "become": None, **connection},
            _shell=SimpleNamespace(tmpdir=None, env_prefix=lambda **_unused: ""),
        )
        known = {"async_val": 0, "check_mode": False, "delegate_to": None, "diff": False, "environment": None}
        self._task = SimpleNamespace(args=arguments, **{**known, **task})
        self._templar = SimpleNamespace(template=lambda value: value)
        self._loader = SimpleNamespace(get_basedir=lambda: "/usr")
        self.packed: list[str] = []

    def _execute_module(self, module_name: str, **_unused: Any) -> dict[str, Any]:
        self.packed.append(module_name)
        return {"usual": True}


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's own process does not die with a run, and has no such module on its disk."""
    monkeypatch.setattr(local_module, "_end_with_the_run", lambda: None)
    monkeypatch.setattr(local_module, "import_module", lambda _unused: LIBRARY)


def do(
    variables: dict[str, Any] | None = None,
    connection: dict[str, Any] | None = None,
    task: dict[str, Any] | None = None,
    **arguments: Any,
) -> tuple[dict[str, Any], list[str]]:
    action = Action(connection or {}, task or {}, {"name": "one", **arguments})
    return action.run(task_vars=HERE if variables is None else variables), action.packed


def test_it_is_given_what_a_module_is_given() -> None:
    result, packed = do(name=Words("one"), number="5", task={"check_mode": True})
    assert packed == []
    assert (result["given"]["name"], result["given"]["number"], result["types"]) == ("one", 5, "str")
    assert (result["check"], result["changed"], result["given"]["fail"]) == (True, True, False)


def test_a_secret_option_is_in_no_answer() -> None:
    result, _unused = do(token="correct horse battery", fail=True)
    assert (result["failed"], result["msg"]) == (True, "no: ********")
    assert "correct horse" not in repr(result)
    assert "hunter2" not in repr(do(fail=True)[0]), "nor one that was not stated"


def test_all_that_is_wrong_with_its_options_is_said() -> None:
    with pytest.raises(AnsibleActionFail) as refused:
        do(number="many", colour="blue")
    assert "number" in str(refused.value)
    assert "Unsupported parameters: colour" in str(refused.value)
    with pytest.raises(AnsibleActionFail) as refused:
        do(token="correct horse battery", number="correct horse battery")
    assert "correct horse" not in str(refused.value), "nor does one that is wrong show a secret"
    with pytest.raises(AnsibleActionFail, match="mutually exclusive: fail\\|silent"):
        do(fail=True, silent=True)


def test_a_module_that_says_nothing_has_not_succeeded() -> None:
    with pytest.raises(AnsibleActionFail, match="without an answer"):
        do(silent=True)
    with pytest.raises(AnsibleActionFail, match="ended with 3"):
        do(leave=True)


def test_the_tasks_environment_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELVEDGE_TEST", "before")
    assert do()[0]["variable"] == "before"
    assert do(task={"environment": [{"SELVEDGE_TEST": "of the play"}, {}]})[0]["variable"] == "of the play"
    assert do()[0]["variable"] == "before", "another item of a loop has another"


def test_relative_paths_are_the_playbooks() -> None:
    here = os.getcwd()
    assert do()[0]["folder"] == "/usr"
    assert os.getcwd() == here


@pytest.mark.parametrize(
    ("variables", "connection", "task"),
    [
        ({}, {}, {}),
        ({"ansible_python_interpreter": "/usr/bin/other"}, {}, {}),
        (HERE, {"transport": "ssh"}, {}),
        (HERE, {"become": SimpleNamespace(name="sudo")}, {}),
        (HERE, {}, {"async_val": 60}),
        ({**HERE, "ansible_delegated_vars": {"localhost": {}}}, {}, {"delegate_to": "localhost"}),
    ],
    ids=[
        "no Python stated",
        "another Python",
        "another machine",
        "another user",
        "in the background",
        "delegated",
    ],
)
def test_elsewhere_it_is_a_module_as_any(
    variables: dict[str, Any], connection: dict[str, Any], task: dict[str, Any]
) -> None:
    result, packed = do(variables, connection, task)
    assert packed == ["selvedge.fabric.test_local_module"]
    assert result["usual"]


def test_who_delegates_to_here_is_asked_for_the_python_of_here() -> None:
    remote = {"ansible_python_interpreter": "/usr/bin/other"}
    _unused, packed = do(
        {**remote, "ansible_delegated_vars": {"localhost": HERE}}, task={"delegate_to": "localhost"}
    )
    assert packed == []


@pytest.mark.parametrize(
    "name",
    [
        path.stem
        for path in sorted((ROOT / "plugins/action").glob("*.py"))
        if "ModuleAction" in path.read_text()
    ],
)
def test_every_action_of_its_kind_has_such_a_module(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    module = local_module.import_module(f"{local_module._MODULES}.{name}")
    assert "topology" in module.ARGUMENTS or "store" in module.ARGUMENTS
    assert callable(module.run)


def children(process: int) -> list[int]:
    """Processes that ``process`` has started, and that have not ended."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == process and state not in "ZX":
            found.append(int(folder.name))
    return found


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run whose task takes a lock of the controller, and waits for somebody who never lets it in."""
    playbook = tmp_path / "play.yml"
    playbook.write_text(
        "- hosts: elsewhere\n  gather_facts: false\n  tasks:\n"
        f"    - selvedge.fabric.host_lock: {{path: {tmp_path}/run.lock}}\n      delegate_to: localhost\n"
    )
    with (tmp_path / "run.lock.guard").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        run = subprocess.Popen(
            ["ansible-playbook", "-i", "elsewhere,", str(playbook)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield run
        finally:
            run.kill()
            run.wait()


def test_it_ends_with_its_run(waiting: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """The next run waits for the modules of one that was killed; for a worker it would not."""
    guard = tmp_path / "run.lock.guard"
    worker = until(lambda: [child for child in children(waiting.pid) if has_open(child, guard)])[0]
    assert children(worker) == [], "it works in this process"
    waiting.send_signal(signal.SIGKILL)
    waiting.wait()
    until(lambda: not start_of(worker))


def has_open(process: int, path: Path) -> bool:
    with suppress(OSError):
        return any(Path(os.readlink(file)) == path for file in Path(f"/proc/{process}/fd").iterdir())
    return False


def until(happens: Any, seconds: float = 30) -> Any:
    """What ``happens`` says at last, when it is true."""
    deadline = time.monotonic() + seconds
    while not (said := happens()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return said
