"""The plugin around modules that hosts tell of themselves with: the real module, on this machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar
from ansible_collections.selvedge.fabric.plugins.action import host_info, status_info


def action(kind: str = "local") -> host_info.ActionModule:
    task, loader = Task(), DataLoader()
    return host_info.ActionModule(
        task=task,
        connection=connection_loader.get(kind, PlayContext()),
        play_context=PlayContext(),
        loader=loader,
        templar=Templar(loader=loader),
        shared_loader_obj=None,
    )


def test_the_hosts_clock_stands_between_two_looks_at_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    made = action()

    def answer(**_unused: Any) -> dict[str, Any]:
        now = time.time()
        return {"changed": False, "disks": [], "clock": {"start": now, "end": now}}

    monkeypatch.setattr(made, "_execute_module", answer)
    clock = made.run(task_vars={})["clock"]
    assert clock["sent"] <= clock["start"] <= clock["end"] <= clock["received"]


def test_a_failed_call_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    made = action()
    monkeypatch.setattr(made, "_execute_module", lambda **_unused: {"failed": True, "msg": "no Python"})
    assert made.run(task_vars={}) == {"failed": True, "msg": "no Python"}


def test_an_unreachable_host_is_left_to_ansible(monkeypatch: pytest.MonkeyPatch) -> None:
    made = action()

    def answer(**_unused: Any) -> dict[str, Any]:
        raise AnsibleConnectionFailure("refused")

    monkeypatch.setattr(made, "_execute_module", answer)
    with pytest.raises(AnsibleConnectionFailure):
        made.run(task_vars={})


def test_both_modules_have_it() -> None:
    assert status_info.ActionModule is host_info.ActionModule
    modules = Path(host_info.__file__).parents[1] / "modules"
    assert (modules / "host_info.py").is_file() and (modules / "status_info.py").is_file()
