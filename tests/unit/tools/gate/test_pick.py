"""Which jobs a choice by name or by changed paths comes to."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.tools.gate.jobs import Job, JobsError, Table
from ansible_collections.selvedge.fabric.tools.gate.pick import matches, pick_all, pick_changed, pick_named


def job(name: str, kind: str = "", **more: object) -> Job:
    return Job(name=name, kind=kind or name, command=("true",), minutes=1, **more)  # type: ignore[arg-type]


JOBS = [
    job("lint", also=("**/*.py",)),
    job("build"),
    job("unit", needs=("build",), paths=("tests/unit/**", "tools/gate/**"), also=("plugins/**",)),
    job("docs", part_of="unit", paths=("docs/**", "*.md")),
    job("scenario default", "scenarios", needs=("build",), paths=("molecule/default/**",)),
    job(
        "scenario hosts",
        "scenarios",
        needs=("build",),
        paths=("molecule/hosts/**", "playbooks/preflight.yml"),
    ),
]
TABLE = Table({item.name: item for item in JOBS}, ("plugins/module_utils/model/**",))
ALL = ["lint", "build", "unit", "scenario default", "scenario hosts"]


@pytest.mark.parametrize(
    ("changed", "picked"),
    [
        (["docs/operator/day.md"], ["docs"]),
        (["README.md", "docs/index.md"], ["docs"]),
        (["docs/index.md", "tests/unit/test_a.py"], ["lint", "build", "unit"]),
        (["molecule/hosts/tests/test_a.py"], ["lint", "build", "scenario hosts"]),
        (["playbooks/preflight.yml"], ["build", "scenario hosts"]),
        (["molecule/hosts/x", "molecule/default/x"], ["build", "scenario default", "scenario hosts"]),
        (["plugins/module_utils/model/view.py"], ALL),
        (["plugins/modules/new.py"], ALL),
        (["somewhere/new"], ALL),
        (["docs/index.md", "somewhere/new"], ALL),
        ([], []),
    ],
)
def test_changed_paths_call_for_jobs(changed: list[str], picked: list[str]) -> None:
    assert list(pick_changed(TABLE, changed).reasons) == picked


def test_it_says_what_each_path_called_for_and_why_a_job_runs() -> None:
    choice = pick_changed(
        TABLE, ["tests/unit/a.py", "tests/unit/b.py", "plugins/modules/new.py", "docs/a.md"]
    )
    assert choice.paths["tests/unit/a.py"] == "lint, unit"
    assert choice.paths["plugins/modules/new.py"] == "everything: no job accounts for this path"
    assert choice.reasons["lint"] == "plugins/modules/new.py and 2 more"
    assert choice.left_out == {"docs": "unit runs all of it"}
    shared = pick_changed(TABLE, ["plugins/module_utils/model/view.py"])
    assert list(shared.paths.values()) == ["everything: all of it stands on this"]
    assert pick_changed(TABLE, ["docs/a.md"]).left_out["unit"] == "nothing calls for it"


def test_what_runs_all_of_a_part_of_a_part_is_named() -> None:
    whole = Table({"coverage": job("coverage"), **TABLE.jobs, "unit": job("unit", part_of="coverage")}, ())
    choice = pick_all(whole)
    assert [name for name in choice.reasons if name in ("coverage", "unit", "docs")] == ["coverage"]
    assert choice.left_out == dict.fromkeys(["unit", "docs"], "coverage runs all of it")
    assert list(pick_named(whole, ["unit"], []).reasons) == ["unit"]


def test_everything_leaves_out_what_another_job_runs() -> None:
    assert list(pick_all(TABLE).reasons) == ALL


@pytest.mark.parametrize(
    ("kinds", "scenarios", "picked"),
    [
        (["lint"], [], ["lint"]),
        (["unit", "lint"], [], ["lint", "build", "unit"]),
        (["docs", "unit"], [], ["build", "unit", "docs"]),
        (["scenarios"], [], ["build", "scenario default", "scenario hosts"]),
        ([], ["hosts"], ["build", "scenario hosts"]),
        (["scenarios"], ["hosts"], ["build", "scenario hosts"]),
        (["lint"], ["hosts", "default"], ["lint", "build", "scenario default", "scenario hosts"]),
    ],
)
def test_jobs_by_kind_and_scenarios_by_name(
    kinds: list[str], scenarios: list[str], picked: list[str]
) -> None:
    choice = pick_named(TABLE, kinds, scenarios)
    assert list(choice.reasons) == picked
    if "build" in picked:
        assert "needs it" in choice.reasons["build"]


@pytest.mark.parametrize(
    ("kinds", "scenarios", "said"),
    [
        (["lnt"], [], "there is no job 'lnt'; did you mean 'lint'?"),
        ([], ["defualt"], "there is no scenario 'defualt'; did you mean 'default'?"),
        (["zzz"], [], "There are lint, build, unit, docs, scenarios"),
    ],
)
def test_a_wrong_name_is_refused_with_the_nearest(kinds: list[str], scenarios: list[str], said: str) -> None:
    with pytest.raises(JobsError) as refused:
        pick_named(TABLE, kinds, scenarios)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("path", "glob", "fits"),
    [
        ("a/b.py", "**/*.py", True),
        ("b.py", "**/*.py", True),
        ("docs/a/b.md", "*.md", False),
        ("docs/a/b.md", "docs/**", True),
        ("docsx/a", "docs/**", False),
        ("a.py", "a?py", True),
        ("axpy", "a.py", False),
    ],
)
def test_patterns(path: str, glob: str, fits: bool) -> None:
    assert matches(path, [glob]) is fits
