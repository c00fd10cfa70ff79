"""The plugin around the module call. That SSH's failures become answers is tested in tests/live/test_preflight.py."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar
from ansible_collections.selvedge.fabric.plugins.action.preflight_info import ActionModule, failure, where

NOTHING: dict[str, Any] = {"name": "controller", "neighbours": [], "endpoints": []}


def action(kind: str, **options: Any) -> ActionModule:
    connection = connection_loader.get(kind, PlayContext())
    connection.set_options(direct=options)
    task, loader = Task(), DataLoader()
    task.args = {"expected": NOTHING}
    return ActionModule(
        task=task,
        connection=connection,
        play_context=PlayContext(),
        loader=loader,
        templar=Templar(loader=loader),
        shared_loader_obj=None,
    )


def test_the_controllers_clock_is_read_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    made = action("local")

    def answer(**_unused: Any) -> dict[str, Any]:
        now = time.time()
        return {"evidence": {"clock": {"start": now, "end": now}}}

    monkeypatch.setattr(made, "_execute_module", answer)
    found = made.run(task_vars={})
    clock = found["evidence"]["clock"]
    assert clock["sent"] <= clock["start"] <= clock["end"] <= clock["received"]
    assert found == {**found, "changed": False, "expected": NOTHING, "error": "", "where": "local"}


def test_that_a_host_is_unreachable_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    made = action("ssh", host="192.0.2.1", remote_user="lab", port=2222)

    def answer(**_unused: Any) -> dict[str, Any]:
        raise AnsibleConnectionFailure("ssh: connect to host 192.0.2.1 port 2222: Connection refused")

    monkeypatch.setattr(made, "_execute_module", answer)
    found = made.run(task_vars={})
    assert (found["evidence"], found["where"]) == ({}, "ssh lab@192.0.2.1:2222")
    assert found["error"] == "ssh: connect to host 192.0.2.1 port 2222: Connection refused"
    assert "failed" not in found and "unreachable" not in found


def test_a_connection_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """An open one would say that a login works which does not any more. The operator's options come first."""
    made = action("ssh", host="127.0.0.1", port=1, ssh_extra_args="-o Compression=yes")
    monkeypatch.setattr(made, "_execute_module", lambda **_unused: {"evidence": {"clock": {}}})
    made.run(task_vars={})
    assert made._connection.get_option("ssh_extra_args") == (
        "-o Compression=yes -o ControlMaster=no -o ControlPath=none -o ServerAliveInterval=5 -o ServerAliveCountMax=2"
    )


def test_where_it_is_reached() -> None:
    assert where(action("ssh", host="192.0.2.1", remote_user=None)._connection) == "ssh 192.0.2.1:22"
    assert where(action("local")._connection) == "local"


def test_what_a_failed_call_says() -> None:
    assert failure({"evidence": {}}) == ""
    said = {"failed": True, "msg": "MODULE FAILURE", "module_stderr": "sudo: a password is required\n"}
    assert failure(said) == "MODULE FAILURE\nsudo: a password is required"
    assert failure({"failed": True}) == "the module gave no answer"
