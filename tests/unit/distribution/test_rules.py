"""What checks the code: hooks before a commit run what `make lint` runs, and no list of exceptions grows."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
# The only rule of ansible-test sanity that is wrong for us: modules need not be under the GPL.
LICENCE = "validate-modules:missing-gplv3-license # this collection is under Apache-2.0"


def lint() -> list[str]:
    """The commands of `make lint`."""
    recipe = (ROOT / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    return [line.strip() for line in recipe.splitlines()[1:]]


def test_hooks_run_what_make_lint_runs_and_come_from_nowhere_else() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    entries = [hook["entry"] for hook in repos[0]["hooks"]]
    without_files = [re.sub(r" \.$", "", command) for command in lint()]
    for command in without_files:
        assert any(command in entry for entry in entries), f"no hook runs {command}"
    assert len(entries) == len(without_files)


def test_sanity_is_told_of_the_licence_and_of_nothing_else() -> None:
    """A line for each plugin that is checked for one, because ansible-test has none for a whole collection."""
    plugins = sorted(
        str(path.relative_to(ROOT))
        for folder in ("callback", "lookup", "modules")
        for path in (ROOT / "plugins" / folder).glob("*.py")
    )
    files = sorted((ROOT / "tests" / "sanity").glob("ignore-*.txt"))
    assert [path.name for path in files] == ["ignore-2.19.txt"]
    assert sorted(files[0].read_text().splitlines()) == sorted(f"{name} {LICENCE}" for name in plugins)


def test_nothing_is_named_by_a_bare_underscore() -> None:
    """ansible-test reserves it for translations, and takes minutes to say so. It is `_unused` here."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = [
        f"{name}:{node.lineno}"
        for name in listed.stdout.splitlines()
        for node in ast.walk(ast.parse((ROOT / name).read_text()))
        if (isinstance(node, ast.Name) and node.id == "_") or (isinstance(node, ast.arg) and node.arg == "_")
    ]
    assert found == []
