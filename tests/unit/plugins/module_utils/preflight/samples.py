"""Evidence for tests: what the three hosts of a deployed lab said, captured from them, and ways to spoil it."""

from __future__ import annotations

import copy
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import make_root
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.preflight_view import (
    controller_preflight_view,
    preflight_view,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.findings import Finding, Limits
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.verdict import Sight, judge
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    lab_model,
)

_CAPTURED = json.loads(Path(__file__).with_name("lab_evidence.json").read_text())
LIMITS = Limits(distributions=("Debian-13", "Ubuntu-24"))
CA = make_root("lab bootstrap CA", "Selvedge", 1)


# The ports that the lab had when the evidence was captured, by kind and by node where a host has two.
_PORTS = {
    "ca": {"port": 7054, "operations_port": 9444},
    "orderers": {"port": 7050, "admin_port": 7053, "operations_port": 9443},
    "peers": {"port": 7051, "operations_port": 9445},
}
_SECOND = {"port": 7061, "operations_port": 9455}


@cache
def network() -> Network:
    """The lab's model with those ports."""
    model = lab_model()
    for org in model["organizations"]:
        org["ca"].update(_PORTS["ca"])
        for kind in ("orderers", "peers"):
            for node in org.get(kind, []):
                second = (org["name"], node["name"]) == ("org2", "peer0")
                node.update(_SECOND if second else _PORTS[kind])
    return load(model, LAB_HOSTS)


def expected(host: str) -> dict[str, Any]:
    return preflight_view(network(), host)


def healthy(host: str = "host1") -> dict[str, Any]:
    """Evidence of a deployed, healthy lab host, free to be spoilt; it trusts ``CA``."""
    evidence: dict[str, Any] = copy.deepcopy(_CAPTURED[host]["evidence"])
    evidence["files"] = dict.fromkeys(evidence["files"], fingerprint(CA.cert_pem))
    return evidence


def bare(host: str = "host1") -> dict[str, Any]:
    """The same host before `bootstrap.yml`: no engine, nothing of ours, nothing that listens."""
    evidence = healthy(host)
    evidence.update(engine={"present": False}, stacks=[], listeners={})
    evidence["files"] = dict.fromkeys(evidence["files"], "")
    evidence["system"]["yaml"] = False
    evidence["knocks"] = dict.fromkeys(evidence["knocks"], "refused")
    evidence["endpoints"] = {name: {"connection": "refused"} for name in evidence["endpoints"]}
    return evidence


def fingerprint(pem: str) -> str:
    return hashlib.sha256(pem.strip().encode()).hexdigest()


def controller(connection: str = "open") -> dict[str, Any]:
    """Evidence of the controller."""
    view = controller_preflight_view(network())
    answer = {"connection": connection, **({"status": 200} if connection == "open" else {})}
    return {
        "knocks": {
            f"{other['address']}:{item['port']}": connection
            for other in view["neighbours"]
            for item in other["ports"]
        },
        "endpoints": {item["name"]: dict(answer) for item in view["endpoints"]},
        "errors": {},
    }


def sights(hosts: dict[str, dict[str, Any]], of_controller: dict[str, Any] | None = None) -> dict[str, Sight]:
    """What came back from hosts and the controller."""
    found = {
        name: Sight(expected(name), evidence, where=_CAPTURED[name]["where"])
        for name, evidence in hosts.items()
    }
    view = controller_preflight_view(network())
    return {**found, "controller": Sight(view, of_controller or controller(), where="local")}


def judged(evidence: dict[str, Any], ca_cert: str = CA.cert_pem, limits: Limits = LIMITS) -> list[Finding]:
    """What is found of host1 with this evidence."""
    return judge(sights({"host1": evidence}), ca_cert, limits)["host1"]


def bad(findings: list[Finding]) -> list[tuple[str, str, str, str]]:
    """What is not well: check, status, what and remedy."""
    return [
        (item.check, str(item.status), item.what, item.remedy)
        for item in findings
        if item.status in ("warning", "failed")
    ]
