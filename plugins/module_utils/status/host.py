"""What a host tells of itself for the status report. Runs on hosts, standard library only."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.preflight import engine, system

_TIMEOUT_S = 10
# Single fields: an environment, a command or the output of a healthcheck is nobody's business here.
_INSPECT = (
    '{"name":{{json .Name}},"state":{{json .State.Status}},"image":{{json .Config.Image}},'
    '"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}""{{end}},'
    '"started":{{json .State.StartedAt}},"exit_code":{{.State.ExitCode}},"oom_killed":{{.State.OOMKilled}},'
    '"restarts":{{.RestartCount}},"project":{{json (index .Config.Labels "com.docker.compose.project")}}}'
)


def describe(network: str, paths: list[str], version_file: str) -> dict[str, Any]:
    """Everything, in one call.

    :param network: name of the network; its Compose projects begin with it
    :param paths: whose file systems are told of
    :returns: ``distribution``, ``version`` (of Selvedge, that last configured the host; may be empty), ``uptime`` in
        seconds, ``load`` (of one minute, a processor), ``memory`` (``total`` and ``available`` bytes), ``disks``
        (each once), ``failed_units``, ``engine`` (``present``, ``version``, ``compose``, ``error``), ``containers``
    """
    told = engine.describe()
    return {
        "distribution": system.distribution(system.read("/etc/os-release"))["name"],
        "version": system.read(version_file).strip(),
        "uptime": float((system.read("/proc/uptime").split() or ["0"])[0]),
        "load": round(os.getloadavg()[0] / (os.cpu_count() or 1), 2),
        "memory": memory(system.read("/proc/meminfo")),
        "disks": system.disks(paths),
        "failed_units": failed_units(
            _run("systemctl", "list-units", "--state=failed", "--no-legend", "--plain", "selvedge-*")
        ),
        "engine": {
            "present": told["present"],
            "version": told.get("version", ""),
            "compose": told.get("compose", ""),
            "error": told.get("error", ""),
        },
        "containers": containers(network) if told.get("version") else [],
    }


def containers(network: str) -> list[dict[str, Any]]:
    """The network's containers, stopped ones too, by name."""
    ids = _run("docker", "ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project").split()
    return from_inspect(_run("docker", "inspect", "--format", _INSPECT, *ids), network) if ids else []


def from_inspect(text: str, network: str) -> list[dict[str, Any]]:
    """From a line of JSON for each container, as ``docker inspect`` writes them. What is not whole is left out."""
    found = []
    for line in text.splitlines():
        try:
            item = json.loads(line)
        except ValueError:
            continue
        if item["project"].startswith(f"{network}-"):
            stack = item.pop("project")[len(network) + 1 :]
            found.append({**item, "name": item["name"].lstrip("/"), "stack": stack})
    return sorted(found, key=lambda item: str(item["name"]))


def memory(meminfo: str) -> dict[str, int]:
    """``total`` and ``available`` bytes, from the text of /proc/meminfo."""
    fields = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    names = {"total": "MemTotal", "available": "MemAvailable"}
    return {key: int(fields.get(name, "0").split()[0]) * 1024 for key, name in names.items()}


def failed_units(text: str) -> list[str]:
    """Names, from lines of ``systemctl list-units --plain``."""
    return [line.split()[0] for line in text.splitlines() if line.strip()]


def _run(*command: str) -> str:
    return system.output(*command, timeout_s=_TIMEOUT_S)
