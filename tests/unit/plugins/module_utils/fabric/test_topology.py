"""Who there is, where it listens, and which key is whose."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.planned import (
    Enrolled,
    NewStore,
    Planned,
    open_planned,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import make_root
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import Secret, SecretsError


class Store(NewStore):
    """Has some secrets, and counts how often it is asked."""

    def __init__(self, secrets: dict[str, dict[str, str]]) -> None:
        self.secrets = secrets
        self.asked: list[str] = []

    def get(self, path: str) -> Secret | None:
        self.asked.append(path)
        return Secret(self.secrets[path], 1) if path in self.secrets else None


def node(name: str, organization: str, **more: Any) -> dict[str, Any]:
    address = {"address": f"{name}:1", "operations_address": f"{name}:2", "endpoint": f"{name}:3"}
    return {"name": name, "organization": organization, **address, **more}


OPTION = {
    "organizations": [
        {"name": "ord", "msp_id": "OrdMSP", "mount": "ord", "role": "orderer"},
        {"name": "org1", "msp_id": "Org1MSP", "mount": "one", "role": "peer"},
    ],
    "orderers": [node("orderer1.ord", "ord", admin_address="orderer1.ord:4")],
    "peers": [node("peer0.org1", "org1"), node("peer1.org1", "org1")],
}
MADE = make_root("admin", "Selvedge", 1)
SECRETS = {
    "ord/msp": {"ca_cert": "ord ca", "tls_ca_cert": "ord tls"},
    "one/msp": {"ca_cert": "one ca", "tls_ca_cert": "one tls"},
    "ord/users/admin": {"tls_cert": "cert", "tls_key": "key"},
    "one/users/admin": {"sign_cert": MADE.cert_pem, "sign_key": MADE.key_pem},
    "one/nodes/peer0.org1": {"sign_cert": "its own"},
}


@pytest.fixture
def store() -> Store:
    return Store(SECRETS)


@pytest.fixture
def topology(store: Store) -> Topology:
    return Topology.from_option(OPTION, store)


def test_nodes_and_organizations_are_found_by_name(topology: Topology) -> None:
    assert topology.node("orderer1.ord") is topology.orderers[0]
    assert topology.peer("peer1.org1") is topology.peers[1]
    assert topology.entrance("org1") is topology.peers[0]
    assert topology.organization_of(topology.orderers[0]).msp_id == "OrdMSP"


def test_unknown_names_are_told_the_known_ones(topology: Topology) -> None:
    with pytest.raises(FabricError, match=r"no peer orderer1.ord.*peer0.org1, peer1.org1"):
        topology.peer("orderer1.ord")
    with pytest.raises(FabricError, match=r"ord has no peer.*peer0.org1"):
        topology.entrance("ord")
    with pytest.raises(FabricError, match=r"no organisation org9.*ord, org1"):
        topology.organization("org9")


def test_each_endpoint_has_its_address_and_its_organizations_ca(topology: Topology) -> None:
    orderer = topology.orderers[0]
    admin, operations = topology.admin_endpoint(orderer), topology.operations_endpoint(orderer)
    grpc = topology.grpc_endpoint(topology.peers[0])
    assert [item.address for item in (grpc, operations, admin)] == [
        "peer0.org1:1",
        "orderer1.ord:2",
        "orderer1.ord:4",
    ]
    assert "one tls" in repr(vars(grpc).values()) and "ord tls" in repr(vars(admin).values())


def test_a_signer_is_a_user_of_the_organization(topology: Topology) -> None:
    signer = topology.signer("org1")
    assert (signer.msp_id, signer.cert_pem) == ("Org1MSP", MADE.cert_pem)
    assert topology.node_secret(topology.peers[0]) == {"sign_cert": "its own"}


def test_a_secret_is_read_once_and_must_be_there(topology: Topology, store: Store) -> None:
    for _unused in range(3):
        topology.msp("org1")
    assert store.asked == ["one/msp"]
    with pytest.raises(FabricError, match=r"missing in the store.*one/users/client"):
        topology.signer("org1", "client")


def test_only_check_mode_knows_services_that_do_not_answer() -> None:
    options = {"new_services": ["peer1"], "stopped_services": ["peer2"]}
    planned = Planned.from_options(options, check_mode=True)
    assert [planned.silent(name) for name in ("peer1", "peer2", "peer3")] == [True, True, False]
    assert Planned.from_options(options, check_mode=False) == Planned()


def test_a_store_that_is_only_planned_is_empty_and_stays_so() -> None:
    store = open_planned({}, Planned(new=frozenset({"store"})))
    assert isinstance(store, NewStore)
    assert (store.get("a/b"), store.get_many(["a/b"]), store.list("a")) == (None, {"a/b": None}, [])
    for refused in (lambda: store.write("a/b", {}), lambda: store.delete("a/b")):
        with pytest.raises(SecretsError, match="only planned"):
            refused()
    with pytest.raises(SecretsError, match="no secrets backend 'etcd'"):
        open_planned({"backend": "etcd"}, Planned())


def test_what_is_not_enrolled_yet_has_a_certificate_that_says_so(store: Store) -> None:
    enrolled = Enrolled(store)
    assert enrolled.read("one/msp") == SECRETS["one/msp"]
    made = enrolled.read("one/users/client")
    assert made and made["sign_cert"] == made["tls_cert"] and "PRIVATE KEY" in made["sign_key"]
