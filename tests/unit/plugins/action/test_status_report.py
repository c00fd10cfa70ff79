"""From what modules returned to the table and the file, as a play has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar
from ansible_collections.selvedge.fabric.plugins.action.status_report import ActionModule
from ansible_collections.selvedge.fabric.plugins.module_utils.version import VERSION
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.status.samples import inputs


def tell(name: str = "well", check: bool = False, **options: Any) -> dict[str, Any]:
    loader, task = DataLoader(), Task()
    task.args = {**vars(inputs(name)), **options}
    task.check_mode = check
    action = ActionModule(
        task=task,
        connection=connection_loader.get("local", PlayContext()),
        play_context=PlayContext(),
        loader=loader,
        templar=Templar(loader=loader),
        shared_loader_obj=None,
    )
    return dict(action.run(task_vars={}))


def test_a_table_and_a_file(tmp_path: Path) -> None:
    page = tmp_path / "status.html"
    found = tell(page=str(page))
    assert (found["status"], found["headline"], found["concerns"]) == ("healthy", "All is well", [])
    assert found["table"].startswith("Network lab: All is well (20")
    assert found["page"] == str(page) and f"by Selvedge {VERSION}" in page.read_text()
    assert found["changed"] is False


def test_what_is_not_well_does_not_fail_and_is_told_for_machines() -> None:
    found = tell("faults")
    assert not found.get("failed") and (found["status"], found["page"]) == ("unhealthy", "")
    assert {tuple(item) for item in found["concerns"]} == {("subject", "kind", "status", "reasons", "remedy")}
    assert found["concerns"][0]["subject"] in found["table"].splitlines()[2]


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    found = tell(page=str(tmp_path / "status.html"), check=True)
    assert found["table"] and found["page"] == "" and not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        AnsibleActionFail, match=r"none/x.html cannot be written: No such file.* -e status_page=FILE"
    ):
        tell(page=str(tmp_path / "none" / "x.html"))
