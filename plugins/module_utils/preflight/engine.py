"""The container engine of this machine. Runs on hosts, standard library only."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any

ROOT = "/var/lib/docker"
_TIMEOUT_S = 10
_PS = '{{.Names}}\t{{.Label "com.docker.compose.project"}}\t{{.Ports}}'


def describe() -> dict[str, Any]:
    """What the engine says of itself.

    :returns: ``present``; then ``error`` when it does not answer, else ``version``, ``compose`` (empty without Compose
        v2), ``driver``, ``memory_limit``, ``pids_limit``, ``live_restore``, ``runtimes``, ``security``, ``root``, and
        the running ``containers`` with ``name``, ``project`` and published ``ports``
    """
    if shutil.which("docker") is None:
        return {"present": False}
    with ThreadPoolExecutor(3) as pool:
        info, compose, containers = pool.map(
            _run,
            (
                ["docker", "info", "--format", "{{json .}}"],
                ["docker", "compose", "version", "--short"],
                ["docker", "ps", "--format", _PS],
            ),
        )
    found = {"present": True, **from_info(*info)}
    if not found.get("error"):
        found["compose"] = compose[0].strip().lstrip("v")
        found["containers"] = from_ps(containers[0])
    return found


def from_info(text: str, errors: str) -> dict[str, Any]:
    """From what ``docker info`` prints as JSON, and what it complains of."""
    try:
        info: dict[str, Any] = json.loads(text)
    except ValueError:
        info = {}
    complaint = "; ".join(info.get("ServerErrors") or []) or errors.strip()
    if not info.get("ServerVersion"):
        return {"error": complaint or "it does not say its version, as Docker's engine does"}
    return {
        "version": info["ServerVersion"],
        "driver": info.get("Driver", ""),
        "memory_limit": bool(info.get("MemoryLimit")),
        "pids_limit": bool(info.get("PidsLimit")),
        "live_restore": bool(info.get("LiveRestoreEnabled")),
        "runtimes": sorted(info.get("Runtimes") or {}),
        "security": list(info.get("SecurityOptions") or []),
        "root": info.get("DockerRootDir") or ROOT,
    }


def from_ps(text: str) -> list[dict[str, Any]]:
    """From lines of name, Compose project and ports, as ``docker ps`` writes them."""
    rows = [(line.split("\t") + ["", ""])[:3] for line in text.splitlines()]
    return [{"name": name, "project": project, "ports": published(ports)} for name, project, ports in rows]


def published(text: str) -> list[int]:
    """TCP ports of the host in ``0.0.0.0:7050-7051->7050-7051/tcp, [::]:9443->9443/tcp``."""
    found: set[int] = set()
    for first, last in re.findall(r":(\d+)(?:-(\d+))?->[\d-]+/tcp", text):
        found.update(range(int(first), int(last or first) + 1))
    return sorted(found)


def _run(command: list[str]) -> tuple[str, str]:
    """What a command prints and what it complains of."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return "", f"'{' '.join(command[:2])}' does not answer in {_TIMEOUT_S} s"
    except OSError as error:
        return "", str(error)
    return done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
