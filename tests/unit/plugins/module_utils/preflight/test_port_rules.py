"""Ports: free, our own, or in other hands, and whose."""

from __future__ import annotations

from typing import Any

from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.preflight.samples import (
    bad,
    bare,
    healthy,
    judged,
)

PEER = "7051 (peer0.org1.lab.example)"
ELSEWHERE = "give the service another port in the model (organizations[org1].peers[peer0].port)"


def shown(evidence: dict[str, Any]) -> list[str]:
    return [item.what for item in judged(evidence) if item.check == "ports"]


def without(evidence: dict[str, Any], name: str) -> dict[str, Any]:
    """The same host without one of its containers."""
    containers = evidence["engine"]["containers"]
    gone = next(item for item in containers if item["name"] == name)
    containers.remove(gone)
    for port in gone["ports"]:
        del evidence["listeners"][str(port)]
    return evidence


def test_all_held_by_their_own_containers() -> None:
    assert shown(healthy()) == ["5000, 8200, 7054, 9444, 7050, 7053, 9443, 7051, 9445 held by their services"]


def test_all_free() -> None:
    assert shown(bare()) == ["5000, 8200, 7054, 9444, 7050, 7053, 9443, 7051, 9445 free"]


def test_some_of_each() -> None:
    evidence = without(healthy(), "peer0.org1.lab.example")
    assert shown(evidence) == [
        "5000, 8200, 7054, 9444, 7050, 7053, 9443 held by their services; 7051, 9445 free"
    ]


def test_a_program_has_the_port() -> None:
    evidence = bare()
    evidence["listeners"] = {"7051": [{"process": "nginx", "pid": 812}]}
    assert bad(judged(evidence)) == [
        ("ports", "failed", f"{PEER} is held by nginx (pid 812)", f"stop it, or {ELSEWHERE}")
    ]


def test_somebody_elses_process_has_no_name() -> None:
    evidence = bare()
    evidence["listeners"] = {"7051": [{"process": "", "pid": 0}]}
    assert bad(judged(evidence))[0][2] == f"{PEER} is held by a process that this user may not see"


def test_while_the_engine_is_silent_nobody_knows_whose_its_ports_are() -> None:
    evidence = healthy()
    evidence["engine"] = {"present": True, "error": "hangs"}
    evidence["listeners"]["7051"] = [{"process": "nginx", "pid": 812}]
    assert [what for check, _unused, what, _unused in bad(judged(evidence)) if check == "ports"] == [
        f"{PEER} is held by nginx (pid 812)"
    ]
    assert "the engine does not say whose 5000, 8200, 7054, 9444, 7050, 7053, 9443, 9445 are" in shown(
        evidence
    )


def test_a_container_that_is_not_ours_has_the_port() -> None:
    evidence = without(healthy(), "peer0.org1.lab.example")
    evidence["listeners"]["7051"] = [{"process": "docker-proxy", "pid": 99}]
    other = {"name": "old-peer", "project": "", "ports": [7051]}
    evidence["engine"]["containers"].append(other)
    assert bad(judged(evidence)) == [
        (
            "ports",
            "failed",
            f"{PEER} is held by container old-peer",
            f"docker stop old-peer, or {ELSEWHERE}",
        )
    ]
    other["project"] = "legacy"
    assert (
        bad(judged(evidence))[0][2] == f"{PEER} is held by container old-peer of the Compose project legacy"
    )


def test_a_port_that_moves_within_the_network_is_a_warning() -> None:
    evidence = without(healthy(), "peer0.org1.lab.example")
    evidence["engine"]["containers"].append(
        {"name": "peer9.org1.lab.example", "project": "lab-ledger", "ports": [7051]}
    )
    assert bad(judged(evidence)) == [
        (
            "ports",
            "warning",
            f"{PEER} is held by peer9.org1.lab.example, another container of this network",
            "site.yml moves or removes that container first; if it says that the port is taken, run it again",
        )
    ]


def test_every_port_in_other_hands_is_told() -> None:
    evidence = bare()
    evidence["listeners"] = {
        "7051": [{"process": "a", "pid": 1}, {"process": "b", "pid": 2}],
        "5000": [{"process": "c", "pid": 3}],
    }
    assert [what for _unused, _unused, what, _unused in bad(judged(evidence))] == [
        "5000 (registry.lab.example) is held by c (pid 3)",
        f"{PEER} is held by a (pid 1), b (pid 2)",
    ]
