"""What a play registered, in the words of the next module. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def told_by(results: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What hosts answered to ``host_info`` or ``status_info``, as ``network_health`` takes it.

    :param results: by name of the host, as a play registers them; one that was not asked is left out
    """
    found = []
    for name, result in results.items():
        told = result.get("host", result)
        if "disks" in told:
            found.append({"name": name, "disks": told["disks"], "clock": result.get("clock") or {}})
        elif result.get("unreachable") or result.get("failed"):
            how = "cannot be reached" if result.get("unreachable") else "could not be looked at"
            said = str(result.get("msg") or "it gave no answer").strip().removeprefix("Task failed: ")
            found.append({"name": name, "error": f"{how}: {said.rstrip('.')}"})
    return found


def answering(
    chaincode: Mapping[str, Any], health: Mapping[str, Any], topology: Mapping[str, Any]
) -> dict[str, list[str]]:
    """The peers of a chaincode that answer, and their organisations: a silent one would be the whole answer."""
    alive = {
        str(result["subject"])
        for result in health.get("results") or []
        if chaincode["channel"] in result["facts"].get("channels", {})
    }
    peers = [name for name in chaincode["peers"] if name in alive]
    known = {node["name"]: node["organization"] for node in topology["peers"]}
    names = [name for name in chaincode["organizations"] if name in {known[peer] for peer in peers}]
    return {"organizations": names, "peers": peers}
