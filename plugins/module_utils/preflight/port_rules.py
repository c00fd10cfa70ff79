"""Whether the model's ports are free on a host, or held by the containers that they are for: pure rules."""

from __future__ import annotations

from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.findings import (
    Finding,
    failed,
    listed,
    ok,
    skipped,
    warning,
)

# In whose name a container's port is held. Which container, only the engine knows.
_ENGINE = ("docker-proxy", "dockerd", "")


def judge_ports(
    expected: dict[str, Any],
    listeners: dict[str, list[dict[str, Any]]],
    containers: list[dict[str, Any]] | None,
) -> list[Finding]:
    """One finding for each port that is in other hands; else one that all is well.

    :param expected: ``ports`` and ``projects`` of the host, see ``model/preflight_view.py``
    :param listeners: port to its holders
    :param containers: the engine's, with published ports; None when it does not say
    """
    owners = {port: item for item in containers or [] for port in item["ports"]}
    wrong: list[Finding] = []
    own, free, unknown = [], [], []
    for item in expected["ports"]:
        owner = owners.get(item["port"])
        holders = listeners.get(str(item["port"]), [])
        if owner and owner["name"] == item["service"]:
            own.append(item["port"])
        elif holders and containers is None and all(holder["process"] in _ENGINE for holder in holders):
            unknown.append(item["port"])
        elif owner or holders:
            wrong.append(_taken(item, owner, holders, expected["projects"]))
        else:
            free.append(item["port"])
    if unknown:
        wrong.append(skipped("ports", f"the engine does not say whose {listed(unknown, 12)} are"))
    if wrong:
        return wrong
    parts = [
        f"{listed(ports, 12)} {what}"
        for ports, what in ((own, "held by their services"), (free, "free"))
        if ports
    ]
    return [ok("ports", "; ".join(parts) or "none wanted")]


def _taken(
    item: dict[str, Any],
    owner: dict[str, Any] | None,
    holders: list[dict[str, Any]],
    projects: list[str],
) -> Finding:
    port = f"{item['port']} ({item['service']})"
    other = f"give the service another port in the model ({item['key']})"
    if owner and owner["project"] in projects:
        return warning(
            "ports",
            f"{port} is held by {owner['name']}, another container of this network",
            "site.yml moves or removes that container first; if it says that the port is taken, run it again",
        )
    if owner:
        of = f" of the Compose project {owner['project']}" if owner["project"] else ""
        return failed(
            "ports",
            f"{port} is held by container {owner['name']}{of}",
            f"docker stop {owner['name']}, or {other}",
        )
    seen = [f"{holder['process']} (pid {holder['pid']})" for holder in holders if holder["pid"]]
    return failed(
        "ports",
        f"{port} is held by {listed(seen) or 'a process that this user may not see'}",
        f"stop it, or {other}",
    )
