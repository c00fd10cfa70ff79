"""What the container with the newest ansible-core gets: the releases of this checkout but for those that are named."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    path = list(sys.path)
    found = runpy.run_path(str(ROOT / "tools" / "newest.py"))
    sys.path[:] = path
    return found


def test_the_named_releases_come_instead_and_nothing_else_changes(tool: dict[str, Any]) -> None:
    base = (
        "# what\nansible==12.1\nansible-core==2.19.1  # why\n\ngrpcio==1.2\n-r requirements.txt\nmypy==2.0\n"
    )
    got = tool["requirements"](base, "# these\nansible-core==2.21.5\n")
    assert got == ["ansible==12.1", "ansible-core==2.21.5", "grpcio==1.2"]


def test_a_release_of_what_nobody_needs_is_refused(tool: dict[str, Any]) -> None:
    with pytest.raises(SystemExit, match=r"requirements-newest\.txt .* ansible-cor$"):
        tool["requirements"]("ansible-core==2.19.1\n", "ansible-cor==2.21.5\n")


def test_the_pinned_releases_are_newer(tool: dict[str, Any]) -> None:
    def pins(name: str) -> dict[str, tuple[int, ...]]:
        found = re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / name).read_text(), flags=re.MULTILINE)
        return {package: tuple(map(int, version.split("."))) for package, version in found}

    usual, newest = pins("requirements.txt"), pins("requirements-newest.txt")
    assert newest and all(version > usual[package] for package, version in newest.items())
