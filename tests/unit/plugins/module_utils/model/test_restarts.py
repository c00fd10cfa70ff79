"""The order of restarts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.restarts import kept_back, restart_steps
from ansible_collections.selvedge.fabric.plugins.module_utils.model.view import controller_view
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    lab_model,
    sample,
)

CONTROLLER = controller_view(sample("lab"), "/state")
ORDERERS = [f"orderer{number}.orderers.lab.example" for number in (1, 2, 3)]


def verdict(
    name: str, leader: str = ORDERERS[0], height: int | None = 7, version: str = "v2.5.9"
) -> dict[str, Any]:
    channel = {"leader": leader, **({} if height is None else {"height": height})}
    return {"subject": name, "facts": {"version": version, "channels": {"main": channel}}}


def labels(recreated: dict[str, list[str]], results: list[dict[str, Any]] | None = None) -> list[str]:
    return [step["label"] for step in restart_steps(recreated, CONTROLLER, results or [])]


def test_nothing_recreated_is_no_step() -> None:
    assert restart_steps({"host1": [], "host2": []}, CONTROLLER, []) == []


def test_orderers_before_peers_and_the_leader_last_of_them() -> None:
    recreated = {
        "host1": ["peer0.org1.lab.example", ORDERERS[0]],
        "host2": [ORDERERS[1]],
        "host3": [ORDERERS[2]],
    }
    results = [verdict(name) for name in ORDERERS]
    assert labels(recreated, results) == [ORDERERS[1], ORDERERS[2], ORDERERS[0], "peer0.org1.lab.example"]


def test_what_is_down_comes_first() -> None:
    recreated = {"host1": [ORDERERS[0]], "host2": [ORDERERS[1]], "host3": ["peer1.org2.lab.example"]}
    down = {"subject": "peer1.org2.lab.example", "facts": {}}
    results = [*(verdict(name) for name in ORDERERS), down]
    assert labels(recreated, results) == ["peer1.org2.lab.example", ORDERERS[1], ORDERERS[0]]


def test_a_chaincode_goes_with_its_peer_and_alone_when_the_peer_stays() -> None:
    recreated = {
        "host1": ["assets.peer0.org1.lab.example", "peer0.org1.lab.example"],
        "host2": ["assets.peer1.org1.lab.example"],
    }
    steps = restart_steps(recreated, CONTROLLER, [verdict("peer0.org1.lab.example")])
    assert [(step["kind"], step["node"], step["services"], step["channels"]) for step in steps] == [
        (
            "peer",
            "peer0.org1.lab.example",
            ("assets.peer0.org1.lab.example", "peer0.org1.lab.example"),
            ("main",),
        ),
        ("chaincode", "", ("assets.peer1.org1.lab.example",), ()),
    ]
    assert steps[1]["label"] == "assets.peer1.org1.lab.example"


def test_a_state_database_is_its_peers_and_judged_by_it() -> None:
    peer = "peer0.org1.lab.example"
    alone = {"host1": [f"couchdb.{peer}"]}
    (step,) = restart_steps(alone, CONTROLLER, [verdict(peer)])
    assert (step["kind"], step["node"], step["services"], step["channels"]) == (
        "peer",
        peer,
        (f"couchdb.{peer}",),
        ("main",),
    )
    without = {"host1": [f"couchdb.{peer}", f"assets.{peer}"]}
    (step,) = restart_steps(without, CONTROLLER, [verdict(peer)])
    assert (step["node"], step["services"]) == (peer, (f"assets.{peer}", f"couchdb.{peer}"))
    together = {"host1": [f"couchdb.{peer}", f"assets.{peer}", peer]}
    (step,) = restart_steps(together, CONTROLLER, [verdict(peer)])
    assert step["services"] == (f"assets.{peer}", f"couchdb.{peer}", peer)


def test_a_channel_that_a_node_had_not_joined_is_not_asked_of_it_afterwards() -> None:
    (step,) = restart_steps(
        {"host1": ["peer0.org1.lab.example"]}, CONTROLLER, [verdict("peer0.org1.lab.example", height=None)]
    )
    assert step["channels"] == ()


def test_the_store_and_cas_are_steps_too() -> None:
    steps = restart_steps({"host1": ["store"], "host2": ["ca.org1.lab.example"]}, CONTROLLER, [])
    assert [(step["kind"], step["host"]) for step in steps] == [("store", "host1"), ("ca", "host2")]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("peer1.org1.lab.example", False),
        ("assets.peer1.org1.lab.example", False),
        ("couchdb.peer1.org1.lab.example", False),
        ("couchdb.peer0.org9.lab.example", True),
        ("orderer3.orderers.lab.example", True),
        ("ca.org1.lab.example", True),
        ("peer0.org9.lab.example", True),
        ("assets.peer0.org9.lab.example", True),
    ],
)
def test_peers_of_organisations_that_stay_just_go(name: str, kept: bool) -> None:
    assert kept_back([name], CONTROLLER) == ([name] if kept else [])


def test_an_organisation_with_the_name_of_the_domain_lets_nobody_slip() -> None:
    model = lab_model()
    model["organizations"][1]["name"] = "lab"
    model["channels"][0]["organizations"][0] = "lab"
    controller = controller_view(load(model, LAB_HOSTS), "/state")
    names = ["orderer1.orderers.lab.example", "peer0.gone.lab.example", "assets.peer0.gone.lab.example"]
    assert kept_back([*names, "peer9.lab.lab.example"], controller) == names
