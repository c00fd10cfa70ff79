"""References, ports and names of a loaded network."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import ModelError, load
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    MODELS,
    lab_model,
    sample,
)


def mistakes(model: Any, hosts: dict[str, dict[str, str]] | None = None) -> list[str]:
    with pytest.raises(ModelError) as caught:
        load(model, hosts or LAB_HOSTS)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("name", MODELS)
def test_loading_changes_neither_model_nor_hosts(name: str) -> None:
    make, hosts = MODELS[name]
    model = make()
    before = copy.deepcopy((model, hosts))
    first = load(model, hosts)
    assert (model, hosts) == before
    assert load(model, hosts) == first


def test_the_lab_gets_names_ports_and_msp_ids() -> None:
    network = sample("lab")
    assert network.settings["domain"] == "lab.example"
    assert [org.msp_id for org in network.organizations.values()] == ["OrdererMSP", "Org1MSP", "Org2MSP"]
    assert [org.role for org in network.organizations.values()] == ["orderer", "peer", "peer"]
    peer = network.organizations["org1"].peers[0]
    assert (peer.name, peer.endpoint) == ("peer0.org1.lab.example", "peer0.org1.lab.example:7051")
    assert peer.reach() == "127.0.10.1:7051"
    assert peer.reach("operations") == "127.0.10.1:9445"
    assert network.store_url == "https://172.30.10.11:8200"
    assert network.registry_address == "172.30.10.11:5000"


def test_the_first_peer_is_the_anchor_unless_the_model_says_otherwise() -> None:
    peers = {peer.name: peer.settings["anchor"] for peer in sample("wide").peers}
    assert peers == {
        "p1.north-sea.fabric.example.org": True,
        "p2.north-sea.fabric.example.org": True,
        "p3.north-sea.fabric.example.org": False,
        "p1.south.fabric.example.org": True,
    }


def test_a_default_msp_id_has_no_dashes() -> None:
    assert sample("wide").organizations["north-sea"].msp_id == "NorthSeaMSP"


def test_nodes_of_one_host_get_ports_ten_apart_and_explicit_ones_stay() -> None:
    network = sample("wide")
    assert [node.ports for node in network.orderers] == [
        {"main": 7050, "admin": 7053, "operations": 9443},
        {"main": 7060, "admin": 7999, "operations": 9453},
        {"main": 7070, "admin": 7073, "operations": 9463},
    ]
    assert [node.ports for node in network.peers] == [
        {"main": 7051, "operations": 9445},
        {"main": 17051, "operations": 19445},
        {"main": 7071, "operations": 9465},
        {"main": 7151, "operations": 9545},  # of another organisation
    ]
    assert [ca.ports for ca in network.cas] == [
        {"main": 17054, "operations": 19444},
        {"main": 7154, "operations": 9544},
        {"main": 7254, "operations": 9644},
    ]


def test_an_explicit_port_does_not_move_the_others() -> None:
    model = lab_model()
    model["organizations"][1]["peers"] = [{"name": f"peer{n}", "host": "host1"} for n in range(3)]
    before = [peer.ports for peer in load(model, LAB_HOSTS).peers]
    model["organizations"][1]["peers"][0]["port"] = 20000
    after = [peer.ports for peer in load(model, LAB_HOSTS).peers]
    assert after[0] == {**before[0], "main": 20000}
    assert after[1:] == before[1:]


def test_many_nodes_of_every_kind_on_one_host_never_meet() -> None:
    model = lab_model()
    model["organizations"] = [
        {
            "name": "o",
            "ca": {"host": "host1"},
            "orderers": [{"name": f"o{n}", "host": "host1"} for n in range(9)],
        },
        *(
            {"name": f"p{n}", "ca": {"host": "host1"}, "peers": [{"name": "p", "host": "host1"}]}
            for n in range(9)
        ),
    ]
    model["channels"], model["chaincodes"] = [], []
    network = load(model, LAB_HOSTS)
    ports = [port for service in network.services("host1") for port in service.ports.values()]
    assert len(ports) == len(set(ports)) == 9 * 3 + 9 * 2 + 10 * 2


def test_every_peer_of_a_channel_has_an_instance_of_its_chaincodes() -> None:
    names = [(service.name, service.host.name) for service in sample("wide").chaincodes]
    north = [f"p{n}.north-sea.fabric.example.org" for n in (1, 2, 3)]
    assert names == [
        *((f"assets.{peer}", "east") for peer in north),
        ("assets.p1.south.fabric.example.org", "west"),
        *((f"bonds.{peer}", "east") for peer in north),
    ]


def test_every_service_is_on_exactly_one_host() -> None:
    for name in MODELS:
        network = sample(name)
        placed = [service.name for host in network.hosts for service in network.services(host)]
        everything = [
            *network.cas,
            *network.orderers,
            *network.peers,
            *network.state_databases,
            *network.chaincodes,
            *network.monitoring,
        ]
        assert sorted(placed) == sorted(service.name for service in everything)
        assert len(placed) == len(set(placed))


def test_two_organisations_of_one_name_are_one_mistake() -> None:
    model = lab_model()
    model["organizations"].append(copy.deepcopy(model["organizations"][2]))
    for node in [model["organizations"][-1]["ca"], *model["organizations"][-1]["peers"]]:
        node["host"] = "host1"
    assert mistakes(model) == ["organizations[org2]: stands 2 times; give each a name of its own"]


def test_mistakes_of_every_sort_come_in_one_go() -> None:
    """A wrong type does not hide a wrong reference, and neither hides a clash of ports."""
    model = lab_model()
    model["registri"] = {}
    model["registry"]["port"] = "5000"
    model["organizations"][1]["peers"][0]["host"] = "host9"
    model["organizations"][2]["peers"][0]["port"] = 7051
    model["organizations"][2]["ca"] = None
    model["organizations"][0]["orderers"][0]["port"] = [7050]
    del model["chaincodes"][0]["channel"]
    paths = [line.split(": ")[0] for line in mistakes(model)]
    assert sorted(paths) == [
        "chaincodes[assets].channel",
        "organizations[orderers].orderers[orderer1].port",
        "organizations[org1].peers[peer0].host",
        "organizations[org2].ca",
        "organizations[org2].peers[peer0].port",
        "registri",
        "registry.port",
    ]


@pytest.mark.parametrize("value", [None, 5, "text", [], [5], [[]], {}, {"name": 5}, [{"name": []}], [None]])
@pytest.mark.parametrize(
    "key", ["name", "registry", "secrets_store", "organizations", "channels", "chaincodes"]
)
def test_nonsense_is_a_mistake_and_never_a_crash(key: str, value: Any) -> None:
    model = lab_model()
    model[key] = value
    optional = key in ("channels", "chaincodes") and value in (None, [])
    if optional or (key, value) == ("name", "text"):
        if key == "channels":  # the chaincode's channel is gone
            assert mistakes(model)
        else:
            load(model, LAB_HOSTS)
    else:
        assert mistakes(model)


def test_a_model_that_is_missing_says_so() -> None:
    assert mistakes(None) == [
        "selvedge_network: is missing; state the network in group_vars/all/network.yml beside the inventory"
    ]


def test_the_error_counts_and_shows_everything() -> None:
    model = lab_model()
    model["zzz"] = model["yyy"] = 1
    with pytest.raises(ModelError, match=r"has 2 mistake\(s\), no host was touched:\n  zzz: .*\n  yyy: "):
        load(model, LAB_HOSTS)
