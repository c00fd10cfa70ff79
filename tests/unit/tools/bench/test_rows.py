"""What the bench reads of Ansible's output, and when it says that a budget is not kept."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.tools.bench import controller, large, plays, rows

OUTPUT = """
TASK [Validate the network model] ****
ok: [host1]
ok: [host2]

TASK [Configure the host] ****
ok: [host1]
changed: [host2]

TASK [selvedge.fabric.service : Validating arguments against arg spec 'main' - Bring] ****
ok: [host1]

TASK [selvedge.fabric.service : Converge the stack] ****
skipping: [host1]
ok: [host2]

TASK [selvedge.fabric.identity : Enrol whoever lacks a certificate] ****
ok: [host1 -> localhost]

PLAY RECAP ****
host1 : ok=4    changed=0    unreachable=0    failed=0
host2 : ok=3    changed=1    unreachable=0    failed=0

selvedge.fabric.service ------------------------------------------------- 3.25s
total ------------------------------------------------------------------ 20.00s
"""
REFUSED = f"fatal: the network model has {large.MISTAKES} mistake(s), no host was touched:"


def test_tasks_are_counted_with_those_that_are_skipped() -> None:
    assert plays.count_tasks(OUTPUT) == {"host1": 5, "host2": 3}


def test_modules_are_counted_where_they_run() -> None:
    assert plays.count_modules(OUTPUT) == {"host1": 1, "host2": 2, "controller": 1}
    assert plays.changed_tasks(OUTPUT) == 1
    assert plays.stages(OUTPUT) == [("service", 3.25)]


@pytest.mark.parametrize(
    ("measured", "most", "fits"), [(3, 3, True), (3.1, 3, False), (0, 0, True), (1, 0, False)]
)
def test_a_bound(capsys: pytest.CaptureFixture[str], measured: float, most: float, fits: bool) -> None:
    assert rows.at_most("something", measured, most, "s", 1) is fits
    assert ("OVER" in capsys.readouterr().out) is not fits


@pytest.mark.parametrize(("cpu", "fits"), [(1.9, True), (2.1, False)])
def test_a_refusal_has_a_bound_whatever_else_the_machine_does(cpu: float, fits: bool) -> None:
    assert controller.refusal_row(3, plays.Play(2, 9, cpu, REFUSED)) is fits


def test_validation_has_a_bound_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = large.model_full_of_mistakes()
    monkeypatch.setattr(controller, "VALIDATION_S", 60.0)
    assert controller.validation_row("two in each node", wrong)
    monkeypatch.setattr(controller, "VALIDATION_S", 0.001)
    assert not controller.validation_row("two in each node", wrong)
    assert capsys.readouterr().out.count("two in each node") == 2


@pytest.mark.parametrize(
    ("code", "output"),
    [
        (0, REFUSED),
        (2, "ERROR! something else"),
        (2, REFUSED + "\nTASK [Configure the host] ***\nok: [host1]\n"),
    ],
)
def test_what_is_no_refusal_is_not_timed_as_one(code: int, output: str) -> None:
    with pytest.raises(SystemExit, match="did not refuse"):
        controller.refusal_row(3, plays.Play(code, 1, 1, output))


def test_a_quiet_host_takes_a_module_and_answers(tmp_path: Path) -> None:
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps(large.answer()))
    env = {**os.environ, "SELVEDGE_QUIET_ANSWER": str(answer)}
    done = subprocess.run(
        [controller.QUIET], input="x" * 10**6, env=env, capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout)
    assert said["changed"] is False
    assert "wait-secrets" in said["found"]["/usr/local/lib/selvedge"]
