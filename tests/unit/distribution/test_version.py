"""One version, in galaxy.yml; and what changed since the last one is told in well-formed fragments."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.version import VERSION

ROOT = Path(__file__).resolve().parents[3]
CHANGELOGS = ROOT / "changelogs"
FRAGMENTS = sorted((CHANGELOGS / "fragments").glob("*"))


def stated() -> str:
    return str(yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"])


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def sections() -> set[str]:
    """What a fragment may have."""
    config = yaml.safe_load((CHANGELOGS / "config.yaml").read_text())
    return {name for name, _unused in config["sections"]} | {config["trivial_section_name"]}


def problems(content: Any) -> list[str]:
    """What is wrong with a fragment's content."""
    if not isinstance(content, dict) or not content:
        return ["is no mapping of sections to lists"]
    wrong = []
    for name, entries in content.items():
        if name == "release_summary":
            if not isinstance(entries, str):
                wrong.append("release_summary is no text")
        elif name not in sections():
            wrong.append(f"{name} is no section")
        elif not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            wrong.append(f"{name} is no list of texts; quote what has a colon")
    return wrong


def test_the_collection_says_its_version() -> None:
    assert stated() == VERSION


def test_setup_says_the_same() -> None:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    assert parser["metadata"]["version"] == stated()


def test_the_readme_says_the_same() -> None:
    status = (ROOT / "README.md").read_text().partition("## Status")[2]
    assert re.findall(r"version,? (\d+\.\d+\.\d+)", status)[:1] == [stated()]


def test_the_changelog_ends_before_this_version_or_with_it() -> None:
    released = yaml.safe_load((CHANGELOGS / "changelog.yaml").read_text())["releases"]
    assert max(map(numbers, released)) <= numbers(stated())
    page = (ROOT / "CHANGELOG.md").read_text()
    assert all(f'id="v{version.replace(".", "-")}"' in page for version in released)


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_is_of_this_version_and_well_formed(path: Path) -> None:
    assert re.fullmatch(rf"{re.escape(stated())}-[a-z-]+\.yml", path.name)
    assert problems(yaml.safe_load(path.read_text())) == []


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ({"minor_changes": ["roles - new"]}, []),
        ({"release_summary": "text", "trivial": ["none"]}, []),
        (None, ["is no mapping of sections to lists"]),
        ({"minor_changes": "roles - new"}, ["minor_changes is no list of texts; quote what has a colon"]),
        (
            {"minor_changes": [{"roles": "new"}]},
            ["minor_changes is no list of texts; quote what has a colon"],
        ),
        ({"minor": ["roles - new"]}, ["minor is no section"]),
    ],
)
def test_the_check_itself(content: Any, wrong: list[str]) -> None:
    assert problems(content) == wrong


def test_the_tool_that_makes_the_changelog_agrees() -> None:
    done = subprocess.run(
        ["antsibull-changelog", "lint"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
