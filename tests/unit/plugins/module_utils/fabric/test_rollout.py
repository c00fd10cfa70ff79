"""Waiting for a chaincode, with peers as plain functions."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import lifecycle, rollout
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.chaincode import Wanted
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.definition import Definition
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.signers import signer

DEFINITION = Definition.desired("assets", "1.0")


class Store:
    def read(self, path: str) -> dict[str, str] | None:
        who = signer()
        return {"tls_ca_cert": "CA", "sign_cert": who.cert_pem, "sign_key": who.key_pem}


@pytest.fixture
def topology() -> Topology:
    organization = {"name": "Org1", "msp_id": "Org1MSP", "mount": "org1", "role": "peer"}
    peers = [
        {
            "name": name,
            "organization": "Org1",
            "address": "x:1",
            "operations_address": "x:1",
            "endpoint": "x:1",
        }
        for name in ("peer0", "peer1")
    ]
    return Topology.from_option({"organizations": [organization], "orderers": [], "peers": peers}, Store())


def wait(topology: Topology, timeout: float) -> None:
    goal = Wanted("demo", DEFINITION, {}, tuple(topology.peers))
    rollout.wait(topology, goal, 2, timeout)


def test_waits_for_the_sequence_and_then_for_an_answer(
    topology: Topology, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[Any]] = {"peer0": [], "peer1": []}
    committed = {"peer0": [DEFINITION.at(2)], "peer1": [None, DEFINITION.at(1), DEFINITION.at(2)]}
    answers = {"peer0": [NotReadyError("starting"), None], "peer1": [None]}

    def ask(endpoint: Any, *args: Any) -> Definition | None:
        found = committed[endpoint.server_name].pop(0)
        seen[endpoint.server_name].append(found.sequence if found else 0)
        return found

    def answer(endpoint: Any, *args: Any) -> None:
        error = answers[endpoint.server_name].pop(0)
        seen[endpoint.server_name].append("no" if error else "yes")
        if error:
            raise error

    monkeypatch.setattr(lifecycle, "committed", ask)
    monkeypatch.setattr(rollout, "require_answer", answer)
    wait(topology, 5)
    assert seen == {"peer0": [2, "no", "yes"], "peer1": [0, 1, 2, "yes"]}


def test_names_every_peer_that_lags(topology: Topology, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "committed", lambda *args: DEFINITION.at(1))
    with pytest.raises(NotReadyError, match=r"peer0 has not committed.*peer1 has not committed"):
        wait(topology, 0.3)
