"""What containers of a host have used, as their control groups tell, and the switch of those that can be spared.

Runs on hosts, handed over standard input: plain Python, nothing of the collection.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

_FORMAT = "{{.Name}} {{.State.Pid}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}"


def groups(text: str) -> dict[str, str]:
    """Controller to path below its hierarchy, from ``/proc/PID/cgroup``; of cgroup v2 the controller is ``""``."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        _number, controllers, path = line.split(":", 2)
        found |= dict.fromkeys(controllers.split(","), path.lstrip("/"))
    return found


def used(place: dict[str, str], root: Path) -> tuple[float, int]:
    """Seconds of processor time since the group was made, and bytes of memory less the files that could be dropped.

    :param place: ``groups``
    :param root: where the hierarchies are mounted
    """
    if "cpuacct" in place:  # cgroup v1
        memory = root / "memory" / place["memory"]
        nanoseconds = int((root / "cpuacct" / place["cpuacct"] / "cpuacct.usage").read_text())
        held = int((memory / "memory.usage_in_bytes").read_text())
        return nanoseconds / 1e9, held - _counts(memory / "memory.stat")["total_inactive_file"]
    folder = root / place[""]
    microseconds = _counts(folder / "cpu.stat")["usage_usec"]
    held = int((folder / "memory.current").read_text())
    return microseconds / 1e6, held - _counts(folder / "memory.stat")["inactive_file"]


def _counts(file: Path) -> dict[str, int]:
    return {key: int(count) for key, count in (line.split() for line in file.read_text().splitlines())}


def look(names: list[str], root: Path, proc: Path) -> dict[str, dict[str, Any]]:
    """By container ``pid`` (0 when it does not run), ``health``; of one that runs also ``cpu_s`` and ``memory``."""
    found: dict[str, dict[str, Any]] = {}
    for line in _run("docker", "inspect", "--format", _FORMAT, *names).splitlines():
        name, pid, health = line.split()
        found[name.lstrip("/")] = item = {"pid": int(pid), "health": health}
        if item["pid"]:
            item["cpu_s"], item["memory"] = used(groups((proc / pid / "cgroup").read_text()), root)
    return found


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])} failed: {done.stderr.strip()}")
    return done.stdout


def main(request: dict[str, Any]) -> None:
    """Do what is asked and print, as JSON, what ``look`` says after it.

    :param request: ``do`` (``look``, ``start``, ``stop``), ``names`` of containers to do it with, ``units`` that some
        of them belong to
    """
    names, do = request["names"], request["do"]
    if do in ("start", "stop"):
        # Units first, so that systemd knows; then those that belong to a unit that has to go on.
        _run("systemctl", do, *request["units"])
        _run("docker", do, *names)
    print(json.dumps(look(names, Path("/sys/fs/cgroup"), Path("/proc"))))
