"""The network as modules are given it, in a run and in check mode before the store is there."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.arguments import failures, open_topology
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.planned import NewStore, Planned
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets import registry
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import Secret, SecretsError

TOPOLOGY: dict[str, Any] = {
    "organizations": [{"name": "org1", "msp_id": "Org1MSP", "mount": "one", "role": "peer"}],
    "orderers": [],
    "peers": [
        {
            "name": "peer0.org1",
            "organization": "org1",
            "address": "x:1",
            "operations_address": "x:2",
            "endpoint": "x:3",
        }
    ],
}
MSP = {"ca_cert": "one ca", "tls_ca_cert": "one tls"}


class Store(NewStore):
    """Has the organisation's certificates, and nobody enrolled."""

    def get(self, path: str) -> Secret | None:
        return Secret(MSP, 1) if path == "one/msp" else None


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The settings of every store that was opened."""
    settings: list[dict[str, Any]] = []

    def backend(options: dict[str, Any]) -> Store:
        settings.append(options)
        return Store()

    monkeypatch.setitem(registry.BACKENDS, "sample", backend)
    return settings


PARAMS = {"topology": TOPOLOGY, "store": {"backend": "sample", "url": "https://store"}}


def test_a_run_reads_the_store_and_misses_what_is_missing(opened: list[dict[str, Any]]) -> None:
    topology = open_topology(PARAMS)
    assert opened == [{"url": "https://store"}]
    assert topology.msp("org1") == MSP
    assert not topology.planned.silent("peer0.org1")
    with pytest.raises(FabricError, match="missing in the store.*one/nodes/peer0.org1"):
        topology.node_secret(topology.peers[0])


def test_check_mode_makes_up_what_is_not_enrolled_and_nothing_else(opened: list[dict[str, Any]]) -> None:
    topology = open_topology(PARAMS, Planned(new=frozenset({"peer0.org1"})))
    assert len(opened) == 1
    assert topology.planned.silent("peer0.org1")
    assert topology.msp("org1") == MSP
    assert "BEGIN CERTIFICATE" in topology.node_secret(topology.peers[0])["tls_cert"]
    assert topology.signer("org1").msp_id == "Org1MSP"


def test_a_store_that_is_only_planned_is_not_opened(opened: list[dict[str, Any]]) -> None:
    topology = open_topology(PARAMS, Planned(new=frozenset({"store"})))
    assert "BEGIN CERTIFICATE" in topology.msp("org1")["ca_cert"]
    assert opened == []


@pytest.mark.parametrize("planned", [None, Planned()])
@pytest.mark.parametrize("wrong", [{}, {"organizations": [{"name": "org1", "colour": "red"}]}])
def test_a_topology_that_is_none_is_an_error_of_the_option(planned: Planned | None, wrong: Any) -> None:
    with pytest.raises(FabricError, match="the topology option is wrong.*collection's own filter"):
        open_topology({**PARAMS, "topology": wrong}, planned)


def test_typed_errors_become_the_modules_failure_and_others_stay() -> None:
    said: list[str] = []

    class Module:
        def fail_json(self, msg: str, **_unused: Any) -> None:
            said.append(msg)

    for error in (FabricError("no leader", "orderer1", "wait"), SecretsError("sealed", "store", "unseal it")):
        with failures(Module()):
            raise error
        assert said[-1] == str(error)
    with pytest.raises(ZeroDivisionError), failures(Module()):
        raise ZeroDivisionError
    assert len(said) == 2
