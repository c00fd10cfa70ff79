"""From what came back to the table, as a play has it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar
from ansible_collections.selvedge.fabric.plugins.action.preflight_report import ActionModule, message
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.preflight.samples import (
    CA,
    healthy,
    sights,
)


def report(results: dict[str, Any], **options: Any) -> dict[str, Any]:
    loader, task = DataLoader(), Task()
    task.args = {"results": results, "ca_cert": CA.cert_pem, **options}
    action = ActionModule(
        task=task,
        connection=connection_loader.get("local", PlayContext()),
        play_context=PlayContext(),
        loader=loader,
        templar=Templar(loader=loader),
        shared_loader_obj=None,
    )
    return dict(action.run(task_vars={}))


@pytest.fixture
def results() -> dict[str, Any]:
    """What ``preflight_info`` returned for host1 and the controller."""
    return {
        name: {"expected": sight.expected, "evidence": sight.evidence, "error": "", "where": sight.where}
        for name, sight in sights({"host1": healthy()}).items()
    }


def test_all_well(results: dict[str, Any]) -> None:
    found = report(results)
    assert (found["fit"], found["changed"], found["message"]) == (True, False, "")
    assert found["table"] == "host1       26 ok\ncontroller  4 ok"
    assert found["findings"]["controller"][0] == {
        "check": "reachable",
        "status": "ok",
        "what": "local",
        "remedy": "",
    }


def test_options_may_come_from_the_command_line(results: dict[str, Any]) -> None:
    """There they are text."""
    found = report(results, min_disk="100000", everything="true")
    assert found["fit"] is False
    assert "wanted are 100000.0 GiB" in found["table"]
    assert "host1       python        ok" in found["table"]
    assert found["message"] == (
        "1 check(s) failed (1 on host1); the table above says of each what it is and what to do"
    )


def test_a_host_that_ran_out_of_time_has_only_ansibles_words(results: dict[str, Any]) -> None:
    results["host1"] = {"failed": True, "msg": "Task failed: Timed out after 60 second(s)."}
    found = report(results)
    assert found["fit"] is False
    assert "the host does not answer (Task failed: Timed out after 60 second(s))" in found["table"]


def test_failures_are_counted_by_host() -> None:
    assert message({"a": 2, "b": 1}).startswith("3 check(s) failed (2 on a, 1 on b); ")
