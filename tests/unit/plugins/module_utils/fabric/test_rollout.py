"""Asking for a chaincode and waiting for it, with peers as plain functions."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import lifecycle, rollout
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.chaincode import Wanted
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.definition import Definition
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.lifecycle import Approval
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.package import ccaas_package
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.planned import Planned
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


PACKAGE = ccaas_package("assets_1.0", "assets.{{.peername}}:9999")
WANTED_OF = {"Org1": PACKAGE, "Org2": PACKAGE}
OLD = {"peer0": 1, "peer1": 2, "peer2": 1}


class Peers:
    """Two organisations' peers that answer, and a record of who was asked what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: dict[str, list[str]] = {}
        monkeypatch.setattr(lifecycle, "installed", lambda at, *_unused: self._note(at, "installed", ["old"]))
        monkeypatch.setattr(
            lifecycle,
            "committed",
            lambda at, *_unused: self._note(at, "committed", DEFINITION.at(OLD[at.server_name])),
        )
        monkeypatch.setattr(
            lifecycle,
            "approved",
            lambda at, *_unused: self._note(at, "approved", Approval(DEFINITION, "old")),
        )

    def _note(self, at: Any, what: str, answer: Any) -> Any:
        self.asked.setdefault(what, []).append(at.server_name)
        return answer

    def read(self, new: str = "", stopped: str = "") -> Any:
        planned = Planned(frozenset(new.split()), frozenset(stopped.split()))
        organizations = [
            {"name": name, "msp_id": f"{name}MSP", "mount": name, "role": "peer"} for name in ("Org1", "Org2")
        ]
        where = {"address": "x:1", "operations_address": "x:1", "endpoint": "x:1"}
        peers = [
            {"name": name, "organization": organization, **where}
            for name, organization in (("peer0", "Org1"), ("peer1", "Org1"), ("peer2", "Org2"))
        ]
        option = {"organizations": organizations, "orderers": [], "peers": peers}
        network = Topology.from_option(option, Store(), planned)
        self.asked = {}
        return rollout.read(network, Wanted("demo", DEFINITION, WANTED_OF, tuple(network.peers)), 5)


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> Peers:
    return Peers(monkeypatch)


def test_one_peer_of_each_organisation_is_asked_for_the_definition(peers: Peers) -> None:
    actual = peers.read()
    assert {what: sorted(names) for what, names in peers.asked.items()} == {
        "installed": ["peer0", "peer1", "peer2"],
        "committed": ["peer0", "peer2"],
        "approved": ["peer0", "peer2"],
    }
    assert actual.installed == dict.fromkeys(("peer0", "peer1", "peer2"), frozenset({"old"}))


def test_another_peer_stands_in_for_one_that_does_not_run_yet(peers: Peers) -> None:
    actual = peers.read(new="peer0")
    assert {what: sorted(names) for what, names in peers.asked.items()} == {
        "installed": ["peer1", "peer2"],
        "committed": ["peer1", "peer2"],
        "approved": ["peer1", "peer2"],
    }
    assert actual.committed == DEFINITION.at(2)
    assert actual.installed["peer0"] == frozenset()


def test_a_peer_that_is_only_stopped_has_its_package(peers: Peers) -> None:
    actual = peers.read(new="peer1", stopped="peer0")
    assert actual.installed == {
        "peer0": frozenset({PACKAGE.package_id}),
        "peer1": frozenset(),
        "peer2": frozenset({"old"}),
    }
    assert actual.approvals["Org1"] is None
    assert "peer0" not in peers.asked["installed"]


def test_peers_that_are_all_new_are_asked_nothing_and_have_nothing(peers: Peers) -> None:
    actual = peers.read(new="peer0 peer1 peer2")
    assert peers.asked == {}
    assert (actual.committed, actual.target) == (None, DEFINITION.at(1))
    assert actual.approvals == {"Org1": None, "Org2": None}
    assert set(actual.installed.values()) == {frozenset()}
