"""The hard shell of every service, and what the services are told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model import compose
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import load
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    MODELS,
    all_services,
    lab_model,
    sample,
)

EVERY = [
    pytest.param(name, service, id=f"{model}-{name}")
    for model in MODELS
    for name, service in all_services(sample(model)).items()
]
SECRET_NAME = re.compile(r"PASS|TOKEN|SECRET|CREDENTIAL|_KEY|KEYFILE|PRIVATE", re.IGNORECASE)
# Longer runs of such characters than any name or path of ours has, or a PEM header: a secret's looks.
SECRET_VALUE = re.compile(r"-----BEGIN|[A-Za-z0-9+]{40,}")


LOOKING = ("otel-collector", "fluent-bit", "engine-watch")


@pytest.mark.parametrize(("name", "service"), EVERY)
def test_every_service_is_hardened(name: str, service: dict[str, Any]) -> None:
    # It sees the host's processes and files, so it is not the user whose keys lie among them.
    uid = 10002 if name.startswith("node-exporter") else 10001
    # They read what the engine and the journal keep for root; without a capability root is no more than its files.
    uid = 0 if name.startswith(LOOKING) else uid
    # Upstream made its files for this one.
    uid = 5984 if name.startswith("couchdb.") else uid
    assert service["user"] == f"{uid}:{uid}"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert 16 <= service["pids_limit"] <= 4096
    assert service["logging"] == {
        "driver": "json-file",
        "options": {"max-size": "10m", "max-file": "3", "tag": service["container_name"]},
    }
    assert service["restart"] == "on-failure"
    assert service["runtime"] in ("runc", "crun", "runsc")
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"network_mode", "pid", "ipc", "devices", "env_file"} & set(service) == (
        {"network_mode"} if name.startswith("engine-watch") else set()
    )
    assert service.get("network_mode", "none") == "none"


@pytest.mark.parametrize(("name", "service"), EVERY)
def test_every_image_is_by_digest(name: str, service: dict[str, Any]) -> None:
    if name == "registry":
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", service["image"])
        assert service["pull_policy"] == "never"
    else:
        assert re.fullmatch(r"[0-9.]+:\d+/selvedge/[a-z-]+@sha256:[0-9a-f]{64}", service["image"])


@pytest.mark.parametrize(("name", "service"), EVERY)
def test_no_bind_makes_its_source_and_secrets_are_read_only(name: str, service: dict[str, Any]) -> None:
    assert service["volumes"]
    for mount in service["volumes"]:
        assert mount["type"] == "bind"
        spread = {"propagation": "rslave"} if mount["source"] == "/" else {}
        assert mount["bind"] == {"create_host_path": False, **spread}
        assert mount["source"] != "/" or name.startswith("node-exporter")
        # One that has no network, and lets others only look.
        assert "docker.sock" not in mount["source"] or name.startswith("engine-watch")
        if not mount["source"].startswith("/var/lib/selvedge/"):
            assert mount["read_only"] is True
    secrets = [mount["target"] for mount in service["volumes"]].count("/run/secrets")
    assert secrets == (0 if name.startswith("engine-watch") else 1)


@pytest.mark.parametrize(("name", "service"), EVERY)
def test_no_environment_holds_a_secret(name: str, service: dict[str, Any]) -> None:
    for key, value in service.get("environment", {}).items():
        # CHAINCODE_ID ends in a package's hash.
        assert key == "CHAINCODE_ID" or not SECRET_VALUE.search(value), key
        if SECRET_NAME.search(key):
            assert value.startswith("/run/secrets/"), f"{key} is a path, not a value"
    words = [*service.get("command", []), *service["healthcheck"]["test"]]
    assert not any(SECRET_VALUE.search(word) for word in words)


@pytest.mark.parametrize(("name", "service"), EVERY)
def test_nothing_is_left_for_compose_to_interpolate(name: str, service: dict[str, Any]) -> None:
    assert "$" not in repr(service)


@pytest.mark.parametrize(("name", "service"), EVERY)
def test_container_names_are_unique_and_fully_qualified(name: str, service: dict[str, Any]) -> None:
    for model in MODELS:
        names = [item["container_name"] for item in all_services(sample(model)).values()]
        assert len(names) == len(set(names))
    assert "." in service["container_name"]


def test_limits_are_the_models() -> None:
    services = all_services(sample("wide"))
    peer = services["p1.north-sea.fabric.example.org"]
    assert (peer["mem_limit"], peer["pids_limit"], peer["runtime"]) == ("2g", 900, "runsc")
    assert (services["store"]["mem_limit"], services["store"]["runtime"]) == ("1g", "crun")


def test_a_node_listens_inside_on_the_port_that_it_has_outside() -> None:
    network = sample("wide")
    services = all_services(network)
    for node in [*network.orderers, *network.peers, *network.cas]:
        assert services[node.name]["ports"] == [f"{port}:{port}" for port in node.ports.values()]
    orderer = services["o2.ord.fabric.example.org"]["environment"]
    assert orderer["ORDERER_GENERAL_LISTENPORT"] == "7060"
    assert orderer["ORDERER_ADMIN_LISTENADDRESS"] == "0.0.0.0:7999"
    assert orderer["ORDERER_OPERATIONS_LISTENADDRESS"] == "0.0.0.0:9453"
    peer = services["p2.north-sea.fabric.example.org"]["environment"]
    assert peer["CORE_PEER_LISTENADDRESS"] == "0.0.0.0:17051"
    assert peer["CORE_PEER_ADDRESS"] == "p2.north-sea.fabric.example.org:17051"


def test_operations_and_admin_ask_for_a_client_certificate() -> None:
    network = sample("lab")
    services = all_services(network)
    for node in network.orderers:
        environment = services[node.name]["environment"]
        assert environment["ORDERER_OPERATIONS_TLS_CLIENTAUTHREQUIRED"] == "true"
        assert environment["ORDERER_ADMIN_TLS_CLIENTAUTHREQUIRED"] == "true"
        assert environment["ORDERER_GENERAL_TLS_ENABLED"] == "true"
        assert environment["ORDERER_GENERAL_LOCALMSPID"] == "OrdererMSP"
    for node in network.peers:
        environment = services[node.name]["environment"]
        assert environment["CORE_OPERATIONS_TLS_CLIENTAUTHREQUIRED"] == "true"
        assert environment["CORE_PEER_TLS_ENABLED"] == "true"
        assert environment["CORE_PEER_LOCALMSPID"] == network.organizations[node.organization].msp_id


def test_gossip_begins_with_earlier_peers_so_that_a_later_one_changes_nobodys_definition() -> None:
    services = all_services(sample("wide"))
    begins = {
        name: services[f"{name}.fabric.example.org"]["environment"]["CORE_PEER_GOSSIP_BOOTSTRAP"]
        for name in ("p1.north-sea", "p2.north-sea", "p3.north-sea", "p1.south")
    }
    assert begins == {
        # The first begins with itself.
        "p1.north-sea": "p1.north-sea.fabric.example.org:7051",
        "p2.north-sea": "p1.north-sea.fabric.example.org:7051",
        "p3.north-sea": "p1.north-sea.fabric.example.org:7051 p2.north-sea.fabric.example.org:17051",
        "p1.south": "p1.south.fabric.example.org:7151",
    }


def test_a_peer_that_is_refused_tries_again_soon_and_for_as_long_as_fabrics_own_settings_have_it_try() -> (
    None
):
    network = sample("wide")
    services = all_services(network)
    for peer in network.peers:
        environment = services[peer.name]["environment"]
        pause = int(environment["CORE_PEER_GOSSIP_RECONNECTINTERVAL"].removesuffix("s"))
        assert pause < 5
        # Fabric: every 25 s, 120 times.
        assert pause * int(environment["CORE_PEER_GOSSIP_MAXCONNECTIONATTEMPTS"]) >= 25 * 120


def test_a_peer_more_on_another_host_leaves_every_other_definition_as_it_was() -> None:
    model, hosts = lab_model(), LAB_HOSTS
    before = all_services(load(model, hosts))
    # Where a peer of a later organisation runs, whose ports must stay too.
    model["organizations"][1]["peers"].append({"name": "peer2", "host": "host3"})
    after = all_services(load(model, hosts))
    new = set(after) - set(before)
    assert new == {"peer2.org1.lab.example", "assets.peer2.org1.lab.example"}
    assert {name: after[name] for name in before} == before


def test_names_of_nodes_elsewhere_are_in_the_mounted_file_and_those_here_are_left_to_the_engine() -> None:
    network = sample("lab")
    assert compose.hosts_file(network, "host1").splitlines() == [
        "127.0.0.1 localhost",
        "::1 localhost",
        "172.30.10.12 orderer2.orderers.lab.example",
        "172.30.10.13 orderer3.orderers.lab.example",
        "172.30.10.12 peer1.org1.lab.example",
        "172.30.10.12 peer0.org2.lab.example",
        "172.30.10.13 peer1.org2.lab.example",
    ]
    mounts = {
        node.name: [volume["target"] for volume in all_services(network)[node.name]["volumes"]]
        for node in [*network.orderers, *network.peers]
    }
    assert all("/etc/hosts" in targets for targets in mounts.values())


def test_the_healthcheck_asks_with_the_nodes_own_certificate() -> None:
    services = all_services(sample("lab"))
    probe = services["peer0.org1.lab.example"]["healthcheck"]["test"]
    assert probe == [
        "CMD",
        "healthcheck",
        "https://127.0.0.1:9445/healthz",
        "tls://127.0.0.1:7051",
        *("-ledgers", "/var/hyperledger/production/ledgersData/chains/chains"),
        *("-ca", "/run/secrets/tls/ca.crt"),
        *("-cert", "/run/secrets/tls/server.crt"),
        *("-key", "/run/secrets/tls/server.key"),
        *("-server-name", "peer0.org1.lab.example"),
    ]
    name = next(name for name in services if name.startswith("orderer"))
    words = services[name]["healthcheck"]["test"]
    folder = words[words.index("-ledgers") + 1]
    assert folder == f"{services[name]['environment']['ORDERER_FILELEDGER_LOCATION']}/chains"


def test_a_chaincode_publishes_nothing() -> None:
    network = sample("lab")
    services = all_services(network)
    for service in network.chaincodes:
        assert "ports" not in services[service.name]


def test_the_hash_for_labels_keeps_texts_apart() -> None:
    assert compose.digest_of("ab", "c") != compose.digest_of("a", "bc")
    assert compose.digest_of("a") == compose.digest_of("a")
    assert len(compose.digest_of("a")) == 16
