"""Gates that are run for real, as a process, on jobs of their own."""

from __future__ import annotations

import os
import signal
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.tests.unit.tools.gate.checkout import (
    gate,
    make,
    pytest_job,
    shell,
    start,
)

SKIPS = (
    "import pytest\ndef test_good(): pass\n@pytest.mark.skip(reason='needs gVisor')\ndef test_left(): pass\n"
)


def latest(root: Path, name: str) -> str:
    return (root / ".cache/gate/latest" / name).read_text()


def test_a_green_gate(tmp_path: Path) -> None:
    jobs = {"lint": shell("echo fine"), "unit": pytest_job(tmp_path, "unit", SKIPS)}
    root = make(tmp_path, jobs, {"default-test": "echo deployed"})
    code, said = gate(root)
    assert code == 0, said
    assert "gate green: 3 of 3 passed" in said
    assert "1 passed, 1 skipped" in said and "skipped: test_left (needs gVisor)" in said
    assert "[2/3] unit" in said and "/logs/unit.log" in said
    assert latest(root, "logs/scenario-default.log") == "deployed\n"
    suites = {suite.get("name"): suite for suite in ET.fromstring(latest(root, "junit.xml"))}
    assert [case.get("name") for case in suites["gate"]] == ["lint", "unit", "scenario default"]
    assert [case.get("name") for case in suites["unit"]] == ["test_good", "test_left"]
    assert "Green: 3 of 3 passed" in latest(root, "index.html")


def test_a_red_gate_goes_on_and_shows_the_end_of_the_log(tmp_path: Path) -> None:
    jobs = {
        "build": shell("true"),
        "lint": shell("echo what went wrong; exit 7"),
        "unit": pytest_job(tmp_path, "unit", "def test_bad(): assert 1 == 2\n"),
        "empty": shell("true", tests=True),
        "killed": shell("kill -9 $$"),
        "absent": {"command": ["./nothing"], "minutes": 1},
        "after": shell("true", needs=["lint"]),
        "fine": shell("true", needs=["build"]),
    }
    code, said = gate(make(tmp_path, jobs))
    assert code == 1
    assert "gate RED: 2 of 8 passed" in said
    for line in (
        "FAILED: exit code 7", "what went wrong", "FAILED: 1 of 1 tests failed", "failed: test_bad",
        "ended well, but reported no test", "KILLED: was killed by SIGKILL", "./nothing cannot be started",
        "NOT RUN: lint did not pass",
    ):  # fmt: skip
        assert line in said, said
    assert "assert 1 == 2" in latest(tmp_path, "index.html")


def test_a_scenario_over_its_bound_is_ended_and_removed(tmp_path: Path) -> None:
    scenarios = {
        "slow-test": "echo lab made; sleep 60",
        "slow-destroy": "touch removed",
        "next-test": "ls removed",
    }
    root = make(tmp_path, {"build": shell("true")}, scenarios)
    (root / "molecule/slow/gate.yml").write_text("{minutes: 0.02}\n")
    code, said = gate(root, "--scenarios", "slow,next")
    assert code == 1
    assert "OVER TIME: was ended after its bound of 0.02 minutes" in said
    assert "cleaning up: tools/scenario.sh slow destroy" in said
    assert (root / "removed").is_file()
    assert "lab made" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_gate_is_red_cleans_up_and_reports(tmp_path: Path, number: signal.Signals) -> None:
    scenarios = {"a-test": "touch running; sleep 60", "a-destroy": "touch removed", "b-test": "touch never"}
    root = make(tmp_path, {"lint": shell("true")}, scenarios)
    process = start(root)
    until = time.monotonic() + 60
    while not (root / "running").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert "The gate has not ended" in latest(root, "index.html")
    os.kill(process.pid, number)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 130, said
    assert "scenario a interrupted, scenario b not run" in said
    assert (root / "removed").exists() and not (root / "never").exists()
    assert "Red: 2 of 3 did not pass" in latest(root, "index.html")


def test_a_second_gate_at_once_is_refused_by_name(tmp_path: Path) -> None:
    root = make(tmp_path, {"lint": shell("touch running; sleep 60")})
    first = start(root)
    until = time.monotonic() + 60
    while not (root / "running").exists() and time.monotonic() < until:
        time.sleep(0.05)
    code, said = gate(root)
    first.terminate()
    first.communicate(timeout=60)
    assert code == 2
    assert f"another gate runs here, process {first.pid}" in said


def test_a_wrong_choice_runs_nothing(tmp_path: Path) -> None:
    root = make(tmp_path, {"lint": shell("touch ran")})
    code, said = gate(root, "--jobs", "lnt")
    assert code == 2 and "did you mean 'lint'" in said
    code, said = gate(root, "--jobs", "lint", "--changed", "main")
    assert code == 2 and "give CHANGED alone" in said
    code, said = gate(root, "--show")
    assert code == 0 and "everything is run" in said
    assert not (root / "ran").exists()
