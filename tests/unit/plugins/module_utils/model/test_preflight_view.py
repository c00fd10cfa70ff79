"""What is expected of hosts follows from the model, and agrees with what is rendered for them."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model.compose import registry
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.preflight_view import (
    bytes_of,
    controller_preflight_view,
    preflight_view,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.view import lab_hosts
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    MODELS,
    lab_model,
    sample,
    views,
)

HOSTS = [(name, host) for name, (_unused, hosts) in MODELS.items() for host in hosts]


@pytest.mark.parametrize(("name", "host"), HOSTS)
def test_ports_are_those_that_are_published(name: str, host: str) -> None:
    network = sample(name)
    ports = sorted(item["port"] for item in preflight_view(network, host)["ports"])
    assert ports == next(item["ports"] for item in lab_hosts(network) if item["name"] == host)


@pytest.mark.parametrize(("name", "host"), HOSTS)
def test_limits_and_runtimes_are_those_of_the_definitions(name: str, host: str) -> None:
    network = sample(name)
    found = preflight_view(network, host)
    stacks = views(network)[host]["stacks"].values()
    services = {item["container_name"]: item for stack in stacks for item in stack["services"].values()}
    if network.registry_host.name == host:
        made = registry(network, "-", "-", "-")
        services[made["container_name"]] = made
    assert found["limits"] == {key: bytes_of(item["mem_limit"]) for key, item in services.items()}
    runtimes: dict[str, set[str]] = {}
    for key, item in services.items():
        runtimes.setdefault(item["runtime"], set()).add(key)
    assert {key: set(names) for key, names in found["runtimes"].items()} == runtimes
    assert {stack["name"] for stack in stacks} <= set(found["projects"])


def test_each_port_has_the_key_that_sets_it() -> None:
    ports = preflight_view(sample("lab"), "host1")["ports"]
    assert {item["port"]: item["key"] for item in ports} == {
        5000: "registry.port",
        8200: "secrets_store.port",
        7054: "organizations[orderers].ca.port",
        9444: "organizations[orderers].ca.operations_port",
        7050: "organizations[orderers].orderers[orderer1].port",
        7053: "organizations[orderers].orderers[orderer1].admin_port",
        9443: "organizations[orderers].orderers[orderer1].operations_port",
        7051: "organizations[org1].peers[peer0].port",
        9445: "organizations[org1].peers[peer0].operations_port",
    }
    assert {item["service"] for item in ports} == {
        "registry.lab.example",
        "store.lab.example",
        "ca.orderers.lab.example",
        "orderer1.orderers.lab.example",
        "peer0.org1.lab.example",
    }


def test_neighbours_are_the_nodes_of_other_hosts() -> None:
    found = preflight_view(sample("lab"), "host3")["neighbours"]
    assert [(other["host"], other["address"]) for other in found] == [
        ("host1", "172.30.10.11"),
        ("host2", "172.30.10.12"),
    ]
    wanted = ["orderer2.orderers.lab.example", "peer1.org1.lab.example", "peer0.org2.lab.example"]
    assert [item["service"] for item in found[1]["ports"]] == wanted
    ports = {node.name: node.ports["main"] for node in [*sample("lab").orderers, *sample("lab").peers]}
    assert [item["port"] for item in found[1]["ports"]] == [ports[name] for name in wanted]


def test_a_host_without_nodes_needs_only_the_servers() -> None:
    found = preflight_view(sample("wide"), "spare")
    assert (found["ports"], found["limits"], found["neighbours"]) == ([], {}, [])
    assert [(item["name"], item["host"], item["address"], item["port"]) for item in found["endpoints"]] == [
        ("registry", "core", "172.30.10.11", 5005),
        ("store", "west", "172.30.10.13", 8207),
    ]


def test_the_controller_uses_its_own_addresses() -> None:
    network = sample("wide")
    found = controller_preflight_view(network)
    assert [item["address"] for item in found["endpoints"]] == ["127.0.10.1", "127.0.10.3"]
    reached = {(other["address"], item["port"]) for other in found["neighbours"] for item in other["ports"]}
    services = [*network.cas, *network.orderers, *network.peers]
    assert reached == {(service.host.reach, port) for service in services for port in service.ports.values()}


@pytest.mark.parametrize(("limit", "count"), [("512m", 512 << 20), ("2g", 2 << 30)])
def test_limits_are_bytes(limit: str, count: int) -> None:
    assert bytes_of(limit) == count


def test_a_host_that_does_not_seal_keeps_its_keys_elsewhere() -> None:
    network = load(lab_model(), {**LAB_HOSTS, "host1": {**LAB_HOSTS["host1"], "seal": "none"}})
    assert preflight_view(network, "host1")["seal"] == "none"
    assert preflight_view(network, "host2")["seal"] == "systemd-creds"
    assert {item["credentials"] for item in preflight_view(network, "host2")["endpoints"]} == {
        "/etc/credstore"
    }
    sealed = {item["credentials"] for item in preflight_view(sample("lab"), "host2")["endpoints"]}
    assert sealed == {"/etc/credstore.encrypted"}
