"""The contributor's pages name all that there is: scenarios, roles, folders, helper programs; nothing that is gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "docs" / "contributor"
NAME = re.compile(r"`([\w./-]+)`")


def first_cells(page: str, head: str) -> set[str]:
    """What stands between backticks in the first column of the table whose first column is called ``head``."""
    lines = iter((PAGES / page).read_text().splitlines())
    for line in lines:
        if line.startswith(f"| {head} |"):
            break
    next(lines, "")
    found = set()
    for line in lines:
        if not line.startswith("|"):
            break
        found |= set(NAME.findall(line.split("|")[1]))
    return found


def folders(place: str, holds: str = "*") -> set[str]:
    """The folders below ``place`` that have a file ``holds``; Python's own leavings are none."""
    return {
        path.parent.name for path in (ROOT / place).glob(f"*/{holds}") if path.parent.name != "__pycache__"
    }


def missing_and_gone(there: set[str], named: set[str]) -> tuple[list[str], list[str]]:
    return sorted(there - named), sorted(named - there)


def test_every_scenario_is_in_the_table() -> None:
    named = first_cells("tests.md", "scenario") | {"default"}
    assert missing_and_gone(folders("molecule", "molecule.yml"), named) == ([], [])


def test_every_role_is_in_the_layout() -> None:
    (row,) = re.findall(r"^\| `roles/` \|(.*)\|$", (PAGES / "layout.md").read_text(), flags=re.MULTILINE)
    assert missing_and_gone(folders("roles"), set(NAME.findall(row))) == ([], [])


@pytest.mark.parametrize("place", [".", "plugins", "plugins/module_utils", "inventory", "tests"])
def test_every_folder_is_in_the_layout(place: str) -> None:
    """Or a folder above it is: of what lies below, the layout says as much as it likes."""
    prefix = "" if place == "." else f"{place}/"
    own = {"changelogs", "docs", "meta"} if place == "." else set()  # what every collection has
    named = {name.rstrip("/") for name in first_cells("layout.md", "where")}
    parts = {str(parent) for name in named for parent in [Path(name), *Path(name).parents]}
    there = {name for name in folders(place) if not name.startswith(".")} - own
    assert sorted(name for name in there if f"{prefix}{name}" not in parts) == []


def test_every_folder_of_the_layout_exists() -> None:
    assert sorted(name for name in first_cells("layout.md", "where") if not (ROOT / name).is_dir()) == []


def test_every_helper_program_is_in_the_table() -> None:
    named = first_cells("images.md", "program")
    assert missing_and_gone(folders("images/helper/cmd"), named) == ([], [])


def test_a_table_is_read_to_its_end() -> None:
    assert "make lint" not in first_cells("tests.md", "command"), "two words are no name"
    assert first_cells("tests.md", "no such head") == set()
