"""What a channel is taken for in check mode, while some of its nodes do not run yet. Nodes are plain functions."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel_state import (
    ChannelNodes,
    ChannelState,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import ChannelStatus
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.planned import NewStore, Planned
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Node, Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.waiting import Deadline
from fabric_protos.common import common_pb2

ORDERERS, PEERS = ["orderer1", "orderer2", "orderer3"], ["peer1", "peer2"]


def node(name: str) -> Node:
    return Node(name, "org", f"{name}:1", f"{name}:2", f"{name}:3", f"{name}:4")


class Network:
    """Nodes that answer, and a record of who was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, heights: dict[str, int], joined: set[str]) -> None:
        self.heights, self.joined = heights, joined
        self.asked: list[str] = []
        self.blocks: list[str] = []
        monkeypatch.setattr(ChannelNodes, "orderer_status", lambda _unused, item: self._orderer(item))
        monkeypatch.setattr(ChannelNodes, "peer_has_joined", lambda _unused, item: self._peer(item))
        monkeypatch.setattr(ChannelNodes, "config_block", lambda _unused, item: self._block(item))

    def _orderer(self, item: Node) -> ChannelStatus | None:
        self.asked.append(item.name)
        height = self.heights[item.name]
        return ChannelStatus("demo", "consenter", "active", height) if height else None

    def _peer(self, item: Node) -> bool:
        self.asked.append(item.name)
        return item.name in self.joined

    def _block(self, item: Node) -> common_pb2.Block:
        self.blocks.append(item.name)
        if item.name not in self.heights:
            raise FabricError("does not run", item.name)
        return common_pb2.Block(header=common_pb2.BlockHeader(number=self.heights[item.name] - 1))

    def state(self, new: str = "", stopped: str = "") -> ChannelState:
        planned = Planned(frozenset(new.split()), frozenset(stopped.split()))
        topology = Topology(
            {}, [node(name) for name in ORDERERS], [node(name) for name in PEERS], NewStore(), planned
        )
        return ChannelNodes(topology, "demo", Deadline(2)).state(ORDERERS, PEERS)


def test_everybody_is_asked_when_nothing_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, {"orderer1": 5, "orderer2": 7, "orderer3": 0}, {"peer1"})
    state = network.state()
    assert sorted(network.asked) == ORDERERS + PEERS
    assert state.joined == ["orderer2", "orderer1"]
    assert state.orderers["orderer3"] is None
    assert state.peers == {"peer1": True, "peer2": False}
    assert state.block is not None and state.block.header.number == 6


def test_what_is_new_is_not_asked_and_has_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, {"orderer1": 5, "orderer2": 5}, {"peer1"})
    state = network.state(new="orderer3 peer2")
    assert sorted(network.asked) == ["orderer1", "orderer2", "peer1"]
    assert state.orderers["orderer3"] is None
    assert state.peers == {"peer1": True, "peer2": False}
    assert state.block is not None


def test_what_is_stopped_is_not_asked_and_has_what_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, {"orderer1": 5, "orderer2": 5}, {"peer1"})
    state = network.state(stopped="orderer3 peer2")
    assert sorted(network.asked) == ["orderer1", "orderer2", "peer1"]
    assert state.orderers["orderer3"] is not None
    assert state.peers == {"peer1": True, "peer2": True}
    # The configuration comes from one that answers.
    assert network.blocks == ["orderer1"]
    assert state.joined[-1] == "orderer3"


def test_a_stopped_orderer_of_a_channel_that_nobody_has_is_not_taken_to_have_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network(monkeypatch, {"orderer1": 0, "orderer2": 0}, set())
    state = network.state(stopped="orderer3", new=" ".join(PEERS))
    assert state == ChannelState(dict.fromkeys(ORDERERS), dict.fromkeys(PEERS, False), None)
    assert network.blocks == []


def test_a_network_that_is_all_new_is_asked_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, {}, set())
    state = network.state(new=" ".join(ORDERERS + PEERS))
    assert state == ChannelState(dict.fromkeys(ORDERERS), dict.fromkeys(PEERS, False), None)
    assert (network.asked, network.blocks) == ([], [])
    assert state.sequence is None
