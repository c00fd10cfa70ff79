"""From a module's options to a check, and from its verdicts to a result."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import health_module
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import (
    Finding,
    Health,
    Status,
    verdict,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.planned import NewStore
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.test_topology import OPTION

CHANNEL = {"name": "all", "definition": {"orderers": ["orderer1.ord"], "peers": ["peer0.org1", "peer0.org2"]}}
OPTIONS: dict[str, Any] = {
    "wait": 0, "stable_for": 0, "certificate_days_min": 9, "max_skew": 8, "fail": True,
    "channels": [CHANNEL], "level": "channels", "max_lag": 7, "organizations": [], "nodes": ["peer0.org1"],
    "authorities": [
        {"name": "org1", "mount": "one", "ca_address": "a:1", "server_name": "ca.org1"},
        {"name": "ord", "mount": "ord", "ca_address": "a:2", "server_name": "ca.ord"},
    ],
}  # fmt: skip
GOOD = Health("peer0", "peer", "org1", Status.HEALTHY)
BAD = verdict("peer1", "peer", "org1", [Finding(Status.UNHEALTHY, "does not answer", "start it")], {})


class Ended(Exception):
    """A module has answered."""


class Module:
    """What a module's entry is to `answer`: options, and two ways to end."""

    def __init__(self, **changes: Any) -> None:
        self.params = {**OPTIONS, **changes}

    def exit_json(self, **kwargs: Any) -> NoReturn:
        raise Ended("exit", kwargs)

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        raise Ended("fail", {"msg": msg, **kwargs})


def answer(results: list[Health], maybe_nothing: bool = False, **changes: Any) -> tuple[str, dict[str, Any]]:
    with pytest.raises(Ended) as ended:
        health_module.answer(Module(**changes), lambda: results, maybe_nothing)
    how, result = ended.value.args
    return how, result


@pytest.fixture
def topology() -> Topology:
    return Topology.from_option(OPTION, NewStore())


def names(topology: Topology) -> list[str]:
    return [node.name for node in [*topology.orderers, *topology.peers]]


def test_organisations_and_kinds_narrow_the_network(topology: Topology) -> None:
    both = [health_module.ORDERERS, health_module.PEERS]
    assert names(health_module.narrowed(topology, OPTIONS, both)) == names(topology)
    of_org1 = {**OPTIONS, "organizations": ["org1"]}
    assert names(health_module.narrowed(topology, of_org1, both)) == ["peer0.org1", "peer1.org1"]
    assert names(health_module.narrowed(topology, OPTIONS, ["orderers"])) == ["orderer1.ord"]
    with pytest.raises(FabricError, match="there is no organisation org9"):
        health_module.narrowed(topology, {**OPTIONS, "organizations": ["org9"]}, both)


def test_the_check_has_what_the_options_say(topology: Topology) -> None:
    check = health_module.node_check(OPTIONS, topology, read_nodes=False)
    (channel,) = check.channels
    assert (channel.orderers, channel.peers) == (("orderer1.ord",), ("peer0.org1",)), (
        "of those that are asked"
    )
    assert (check.level, check.certificate_days_min, check.max_lag, check.max_skew) == ("channels", 9, 7, 8)
    assert (list(check.nodes), check.read_nodes) == (["peer0.org1"], False)


def test_before_orderers_are_stopped_all_orderers_are_judged(topology: Topology) -> None:
    check = health_module.node_check(OPTIONS, topology, without=["orderer1.ord"])
    assert list(check.nodes) == ["orderer1.ord"]


def test_authorities_of_some_organisations() -> None:
    assert [item.name for item in health_module.authorities(OPTIONS)] == ["ca.org1", "ca.ord"]
    assert [item.name for item in health_module.authorities(OPTIONS, ["ord"])] == ["ca.ord"]


def test_chaincodes_of_the_option() -> None:
    option = {"chaincodes": [{"name": "assets", "channel": "all", "peers": ["peer0.org1"]}]}
    (found,) = health_module.chaincode_members(option)
    assert (found.name, found.channel, found.peers) == ("assets", "all", ("peer0.org1",))


def test_all_well_is_a_result() -> None:
    how, result = answer([GOOD])
    assert (how, result["changed"], result["healthy"], result["unhealthy_nodes"]) == ("exit", False, True, [])
    assert [item["subject"] for item in result["results"]] == ["peer0"]
    assert "peer0" in result["table"]


def test_what_is_not_well_fails_with_all_verdicts_unless_it_is_only_asked_for() -> None:
    how, result = answer([GOOD, BAD])
    assert (how, result["healthy"], result["unhealthy_nodes"]) == ("fail", False, ["peer1"])
    assert "peer1" in result["msg"] and len(result["results"]) == 2
    how, result = answer([GOOD, BAD], fail=False)
    assert (how, result["healthy"], result["unhealthy_nodes"]) == ("exit", False, ["peer1"])


def test_nothing_to_judge_is_a_mistake_unless_it_may_be() -> None:
    with pytest.raises(FabricError, match="there is nothing to judge"):
        health_module.answer(Module(), lambda: [])
    assert answer([], maybe_nothing=True)[1]["healthy"] is True
