"""Reports of a network of processes, as modules told of it: well, and with an orderer, a peer and a CA stopped.

What is below ``captures`` came out of the modules against real orderers, peers, CAs and a store (``tests/live``), and
out of the engine of a lab host. Only a host's own numbers are made up here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.status.host import from_inspect
from ansible_collections.selvedge.fabric.plugins.module_utils.status.report import Inputs, Report, make

_CAPTURES = Path(__file__).resolve().parent / "captures"
AT, VERSION = "2026-11-24 22:30 UTC", "0.2.0"
GIB = 1 << 30


def capture(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_CAPTURES / f"{name}.json").read_text())
    return found


def inspected() -> str:
    return (_CAPTURES / "containers.jsonl").read_text()


def controller() -> dict[str, Any]:
    """``selvedge_controller`` of that network, with its nodes on two hosts."""
    found = capture("controller")
    topology = found["topology"]
    names = [node["name"] for node in [*topology["orderers"], *topology["peers"]]]
    names += [item["server_name"] for item in found["authorities"]]
    peers = [node["name"] for node in topology["peers"]]
    chaincode = {
        "name": "kv",
        "version": "1.0",
        "channel": "demo",
        "organizations": ["Org1", "Org2"],
        "peers": peers,
    }
    return {
        **found,
        "placement": {name: f"host{place % 2 + 1}" for place, name in enumerate(names)},
        "chaincodes": [chaincode],
    }


def host(**changes: Any) -> dict[str, Any]:
    """What ``status_info`` returns for a host that is well."""
    found = {
        "distribution": "Debian GNU/Linux 13 (trixie)",
        "version": "0.2.0",
        "uptime": 7200.0,
        "load": 0.25,
        "memory": {"total": 4 * GIB, "available": GIB},
        "disks": [
            {
                "mount": "/",
                "paths": ["/var/lib/selvedge"],
                "read_only": False,
                "free": 3 * GIB,
                "total": 4 * GIB,
            }
        ],
        "failed_units": [],
        "engine": {"present": True, "version": "26.1.5+dfsg1", "compose": "2.26.1", "error": ""},
        "containers": from_inspect(inspected(), "operate"),
    }
    return {"changed": False, "host": {**found, **changes}}


def inputs(name: str = "well", **changes: Any) -> Inputs:
    """What was asked; ``name`` is a capture."""
    told, known = capture(name), controller()
    given: dict[str, Any] = {
        "network": "lab",
        "controller": known,
        "health": told["health"],
        "channels": [{**told["channel"], "item": known["channels"][0]}],
        "chaincodes": [{**told["chaincode"], "item": known["chaincodes"][0]}],
        "hosts": {"host1": host(), "host2": host()},
        "all_hosts": ["host1", "host2"],
    }
    return Inputs(**{**given, **changes})


def report(name: str = "well", **changes: Any) -> Report:
    return make(inputs(name, **changes), AT, VERSION)
