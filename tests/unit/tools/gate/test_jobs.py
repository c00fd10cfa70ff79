"""The repository's own table, and wrong ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.tests.unit.tools.gate.checkout import ROOT, make, shell
from ansible_collections.selvedge.fabric.tools.gate.jobs import JobsError, load
from ansible_collections.selvedge.fabric.tools.gate.pick import matches, pick_changed

TABLE = load(ROOT)
# What another job runs all of is not run twice.
EVERYTHING = {name for name, job in TABLE.jobs.items() if not job.part_of}
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
SKIPPED = {".git", ".venv", ".cache", ".ansible", ".state", "__pycache__"}
FILES = [
    str(path.relative_to(ROOT))
    for top in ROOT.iterdir()
    if top.name not in SKIPPED
    for path in ([top] if top.is_file() else top.rglob("*"))
    if path.is_file() and not SKIPPED & set(path.relative_to(ROOT).parts)
]
GLOBS = sorted(
    {glob for job in TABLE.jobs.values() for glob in (*job.paths, *job.also)} | set(TABLE.everything)
)


@pytest.mark.parametrize("name", [name for name, job in TABLE.jobs.items() if job.command[0] == "make"])
def test_every_make_target_is_there(name: str) -> None:
    assert set(TABLE.jobs[name].command[1:]) <= TARGETS


def recipe(target: str) -> list[str]:
    """The commands of a make target."""
    text = (ROOT / "Makefile").read_text().partition(f"\n{target}:")[2].partition("\n\n")[0]
    return [line.strip() for line in text.splitlines()[1:]]


def test_the_gate_runs_the_unit_tests_once_and_measures_them() -> None:
    """`coverage` does what `unit` does, and judges the limit; changed paths alone call for the quick one."""
    assert TABLE.jobs["unit"].part_of == "coverage"
    measured = [line.replace("coverage run -m pytest", "pytest") for line in recipe("coverage")]
    assert measured == [*recipe("unit"), "coverage report"]
    assert "coverage" not in pick_changed(TABLE, ["tests/unit/docs/test_pages.py"]).reasons


def test_the_gate_judges_what_the_controller_costs_and_the_first_test_command_no_time() -> None:
    assert TABLE.jobs["costs"].command == ("python", "-m", "tools.bench", "controller")
    first = re.search(r"^test: (.*?)  ##", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert first and not {"bench", "gate", "coverage"} & set(first[1].split())


def test_a_job_that_runs_a_scenario_removes_its_lab_when_it_is_ended() -> None:
    assert TABLE.jobs["newest"].cleanup == TABLE.jobs["scenario default"].cleanup


@pytest.mark.parametrize("glob", GLOBS)
def test_every_pattern_fits_a_file(glob: str) -> None:
    assert any(matches(path, [glob]) for path in FILES), f"{glob} fits no file: remove it or correct it"


def test_every_scenario_is_a_job_that_cleans_up() -> None:
    names = [path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")]
    assert names
    for name in names:
        job = TABLE.jobs[f"scenario {name}"]
        assert job.command == ("tools/scenario.sh", name)
        assert job.cleanup == ("tools/scenario.sh", name, "destroy")
        assert f"molecule/{name}/**" in job.paths


@pytest.mark.parametrize(
    ("path", "picked"),
    [
        ("docs/operator/day.md", {"docs"}),
        ("tests/live/test_channel.py", {"lint", "build", "sanity", "live"}),
        ("tools/gate/pick.py", {"lint", "build", "unit", "sanity"}),
        ("plugins/module_utils/model/view.py", EVERYTHING),
        ("plugins/modules/never_seen.py", EVERYTHING),
        ("roles/host/tasks/main.yml", EVERYTHING),
    ],
)
def test_what_this_repository_picks(path: str, picked: set[str]) -> None:
    assert set(pick_changed(TABLE, [path]).reasons) == picked


def test_a_scenario_says_its_paths_and_bound(tmp_path: Path) -> None:
    root = make(tmp_path, {"build": shell("true")}, {"one-test": "true"})
    (root / "molecule/one/gate.yml").write_text("{minutes: 7, needs: [build], paths: [roles/one/**]}\n")
    job = load(root).jobs["scenario one"]
    assert (job.minutes, job.needs, job.tests) == (7, ("build",), False)
    assert job.paths == ("molecule/one/**", "roles/one/**")
    (root / "molecule/one/tests").mkdir()
    (root / "molecule/one/tests/test_it.py").touch()
    assert load(root).jobs["scenario one"].tests


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{path: [a]}", "unknown key path"),
        ("{command: [a]}", "not a scenario's to say"),
        ("{cleanup: [a]}", "not a scenario's to say"),
        ("{needs: [bulid]}", "'bulid'"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str, said: str) -> None:
    root = make(tmp_path, {"build": shell("true")}, {"one-test": "true"})
    (root / "molecule/one/gate.yml").write_text(text)
    with pytest.raises(JobsError) as refused:
        load(root)
    assert said in str(refused.value)
