"""A ``systemctl`` that keeps its units in files: no test starts units on the machine that it runs on.

It answers as systemd 257 does, and notes every command that changes something. With ``silent_not_found`` it answers
as systemd before 255: of a unit that it does not know it says nothing on standard output.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_SCRIPT = """#!/bin/sh
cd {folder}
command=$1; shift
[ "$1" = --now ] && {{ now=1; shift; }}
[ "$1" = --quiet ] && {{ quiet=1; shift; }}
case $command in
is-enabled) for unit; do cat "$unit.enabled" 2>/dev/null || {{ {unknown}; }}; done ;;
is-active)
    for unit; do
        state=$(cat "$unit.active" 2>/dev/null || echo inactive)
        [ -n "$quiet" ] || echo "$state"
        [ "$state" = active ] || code=3
    done
    exit ${{code:-0}} ;;
*)
    echo "$command${{now:+ --now}}${{*:+ $*}}" >> commands
    [ -e refuse ] && {{ echo "Job failed" >&2; exit 1; }}
    for unit; do
        case $command in
        enable) echo enabled > "$unit.enabled"; [ -z "$now" ] || echo active > "$unit.active" ;;
        disable) echo disabled > "$unit.enabled"; [ -z "$now" ] || echo inactive > "$unit.active" ;;
        restart|start) echo active > "$unit.active" ;;
        # A failed unit stays failed.
        stop) grep -qs failed "$unit.active" || echo inactive > "$unit.active" ;;
        esac
    done ;;
esac
"""


class Systemctl:
    """Stands first in PATH."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, silent_not_found: bool = False) -> None:
        self._folder = folder
        folder.mkdir()
        unknown = 'echo "no $unit" >&2' if silent_not_found else "echo not-found"
        program = folder / "systemctl"
        program.write_text(_SCRIPT.format(folder=folder, unknown=unknown))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def unit(self, name: str, enabled: str, active: str) -> None:
        (self._folder / f"{name}.enabled").write_text(f"{enabled}\n")
        (self._folder / f"{name}.active").write_text(f"{active}\n")

    def refuse(self) -> None:
        (self._folder / "refuse").touch()

    def commands(self) -> list[str]:
        """What was asked to change, since the last time."""
        log = self._folder / "commands"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines
