"""The real promtool and amtool, which say whether a configuration is right and what a rule does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[5]


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run ``prometheus/promtool`` or ``alertmanager/amtool``; skips the test, by name, where it was not built."""
    path = ROOT / ".cache" / "oracle" / program
    if not path.is_file():
        pytest.skip(f"{program} is not built: run `make oracles`")
    command = [str(path), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def accepted(program: str, *arguments: str | Path) -> str:
    """What it printed; fails the test with that where it found something wrong."""
    done = run(program, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
