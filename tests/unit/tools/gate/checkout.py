"""A small checkout with a table of jobs of its own, for gates that are run for real."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[4]


def make(root: Path, jobs: dict[str, Any], scenarios: dict[str, Any] | None = None, **more: Any) -> Path:
    """Write a jobs.yml, and a folder for each scenario with the text of its tools/scenario.sh to be run."""
    file = root / "tools/gate/jobs.yml"
    file.parent.mkdir(parents=True)
    table = {"everything": ["shared/**"], "jobs": jobs, "scenarios": {"minutes": 1}, **more}
    file.write_text(yaml.safe_dump(table))
    script = root / "tools/scenario.sh"
    cases = "".join(f"{name}) {text} ;;\n" for name, text in (scenarios or {}).items())
    script.write_text(f'#!/bin/bash\nset -e\ncase "$1-${{2:-test}}" in\n{cases}esac\n')
    script.chmod(0o755)
    for name in scenarios or {}:
        folder = root / "molecule" / name.rsplit("-", 1)[0]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "molecule.yml").write_text("---\n{}\n")
    return root


def shell(text: str, **more: Any) -> dict[str, Any]:
    """A job that runs a shell's text."""
    return {"command": ["bash", "-c", text], "minutes": 1, **more}


def pytest_job(root: Path, name: str, text: str) -> dict[str, Any]:
    """A job that runs a real pytest on ``text``."""
    (root / f"test_{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"test_{name}.py"]
    return {"command": command, "minutes": 1, "tests": True}


def start(root: Path, *options: str) -> subprocess.Popen[str]:
    """The gate of this repository, started on another checkout."""
    return subprocess.Popen(
        [sys.executable, "-m", "tools.gate", "--root", str(root), *options],
        cwd=ROOT,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def gate(root: Path, *options: str) -> tuple[int, str]:
    """Run it to its end; exit code and what it said."""
    process = start(root, *options)
    said = process.communicate(timeout=120)[0]
    return process.returncode, said
