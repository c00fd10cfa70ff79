"""What a channel is right now, on every node, and how to wait until it is something else."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import (
    deliver,
    participation,
    peer_channels,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.concurrent import together
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_describe import describe_group
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import ChannelStatus
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Node, Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.waiting import Deadline

with suppress(ImportError):  # the module says which package is missing
    from fabric_protos.common import common_pb2, configtx_pb2


@dataclass(frozen=True)
class ChannelState:
    """The channel as its nodes have it.

    :param orderers: each orderer's status, None where it has not joined
    :param peers: whether each peer has joined
    :param block: the newest configuration block, None when no orderer has the channel
    """

    orderers: dict[str, ChannelStatus | None]
    peers: dict[str, bool]
    block: common_pb2.Block | None

    @property
    def config(self) -> configtx_pb2.Config | None:
        return None if self.block is None else deliver.config_of(self.block)

    @property
    def sequence(self) -> int | None:
        """The configuration's sequence number, None without a channel."""
        config = self.config
        return None if config is None else int(config.sequence)

    @property
    def joined(self) -> list[str]:
        """Orderers that have the channel, those with most blocks first."""
        found = {name: status for name, status in self.orderers.items() if status is not None}
        return sorted(found, key=lambda name: -found[name].height)


class ChannelNodes:
    """The nodes of one channel: ask them, make them join, wait for them. All errors are FabricError."""

    def __init__(self, topology: Topology, channel: str, deadline: Deadline) -> None:
        self.topology, self.channel, self.deadline = topology, channel, deadline

    def orderer_status(self, node: Node) -> ChannelStatus | None:
        endpoint = self.topology.admin_endpoint(node)
        return participation.channel_status(endpoint, self.channel, self.deadline.remaining())

    def peer_has_joined(self, node: Node) -> bool:
        endpoint, signer = self.topology.grpc_endpoint(node), self.topology.signer(node.organization)
        return self.channel in peer_channels.list_channels(endpoint, signer, self.deadline.remaining())

    def peer_height(self, node: Node) -> int:
        endpoint, signer = self.topology.grpc_endpoint(node), self.topology.signer(node.organization)
        return peer_channels.chain_info(endpoint, signer, self.channel, self.deadline.remaining()).height

    def config_block(self, orderer: Node, best_effort: bool = True) -> common_pb2.Block:
        """The newest configuration block as one orderer has it, read as that orderer's own organisation."""
        return deliver.config_block(
            self.topology.grpc_endpoint(orderer),
            self.topology.signer(orderer.organization),
            self.channel,
            best_effort=best_effort,
            timeout=self.deadline.remaining(),
        )

    def genesis_block(self, orderers: Iterable[str]) -> common_pb2.Block:
        """Block 0, from the first orderer that has it."""
        return self._first(orderers, self._block_zero)

    def _block_zero(self, orderer: Node) -> common_pb2.Block:
        endpoint, signer = self.topology.grpc_endpoint(orderer), self.topology.signer(orderer.organization)
        timeout = self.deadline.remaining()
        return deliver.block(endpoint, signer, self.channel, 0, best_effort=True, timeout=timeout)

    def _first(self, orderers: Iterable[str], call: Any) -> Any:
        error: FabricError = FabricError(f"no orderer has channel {self.channel}")
        for name in orderers:
            try:
                return call(self.topology.node(name))
            except FabricError as found:
                error = found
        raise error

    def state(self, orderers: Iterable[str], peers: Iterable[str]) -> ChannelState:
        """Ask all nodes at the same time, waiting for those that are still starting."""
        calls: dict[str, Any] = {}
        planned = self.topology.planned
        for name in (name for name in orderers if not planned.silent(name)):
            call = partial(self.orderer_status, self.topology.node(name))
            calls[f"orderer {name}"] = partial(self.deadline.retry, call)
        for name in (name for name in peers if not planned.silent(name)):
            ask = partial(self.peer_has_joined, self.topology.node(name))
            calls[f"peer {name}"] = partial(self.deadline.retry, ask)
        found = together(calls)
        running = any(found[f"orderer {name}"] is not None for name in orderers if not planned.silent(name))
        state = ChannelState(
            orderers={
                name: self._assumed(name, running) if planned.silent(name) else found[f"orderer {name}"]
                for name in orderers
            },
            peers={name: found.get(f"peer {name}", name in planned.stopped) for name in peers},
            block=None,
        )
        if not state.joined or not running:
            return state
        newest = self.deadline.retry(lambda: self._first(state.joined, self.config_block))
        return ChannelState(state.orderers, state.peers, newest)

    def _assumed(self, name: str, running: bool) -> ChannelStatus | None:
        """What a silent orderer is taken for: one that has the channel, when it is only stopped and others have it."""
        if name in self.topology.planned.new or not running:
            return None
        return ChannelStatus(self.channel, participation.CONSENTER, participation.ACTIVE, 0)

    def join_orderers(self, names: Iterable[str], block: common_pb2.Block) -> None:
        """Join orderers that have not; each must answer within the deadline."""
        calls = {}
        for name in names:
            endpoint = self.topology.admin_endpoint(self.topology.node(name))
            calls[name] = partial(participation.join, endpoint, block, self.deadline.remaining(30))
        together(calls)

    def join_peers(self, names: Iterable[str], genesis: common_pb2.Block) -> None:
        """Join peers that have not."""
        calls = {}
        for name in names:
            node = self.topology.node(name)
            endpoint, signer = self.topology.grpc_endpoint(node), self.topology.signer(node.organization)
            timeout = self.deadline.remaining(60)
            calls[name] = partial(peer_channels.join, endpoint, signer, genesis, timeout)
        together(calls)

    def wait_for_orderers(self, names: Iterable[str], height: int = 1, consenter: bool = False) -> None:
        """Until each is active, has ``height`` blocks, sees a Raft leader, and, if asked, is a consenter."""
        calls = {}
        for name in names:
            check = partial(self._check_orderer, self.topology.node(name), height, consenter)
            calls[name] = partial(self.deadline.retry, check)
        together(calls)

    def _check_orderer(self, node: Node, height: int, consenter: bool) -> None:
        status = self.orderer_status(node)
        if status is None or status.status != participation.ACTIVE or status.height < height:
            raise NotReadyError(
                f"the orderer is not active on channel {self.channel} with {height} blocks: {status}",
                node.name,
                "look at the orderer's log",
            )
        if status.relation != participation.CONSENTER:
            if consenter:
                raise NotReadyError(
                    f"the orderer is {status.relation} of channel {self.channel}, not a consenter",
                    node.name,
                    "check that it runs with the TLS certificate that stands in the store",
                )
            return
        # Without best effort an orderer that sees no leader refuses to deliver.
        self.config_block(node, best_effort=False)

    def wait_for_peers(self, names: Iterable[str], height: int) -> None:
        """Until each has ``height`` blocks."""
        calls = {}
        for name in names:
            calls[name] = partial(
                self.deadline.retry, partial(self._check_peer, self.topology.node(name), height)
            )
        together(calls)

    def _check_peer(self, node: Node, height: int) -> None:
        try:
            present = self.peer_height(node)
        except FabricError as error:
            # A peer whose organisation has just been added denies access until it has read that block.
            raise NotReadyError(error.what, error.where, error.next_step) from error
        if present < height:
            raise NotReadyError(
                f"the peer has {present} of {height} blocks of channel {self.channel}", node.name
            )


def read_channel(topology: Topology, channel: str, timeout: float = 10) -> dict[str, Any]:
    """Everything about a channel, as far as it can be had; needs no leader, and tells about nodes that fail.

    Returns::

        {"name": "demo", "exists": True, "sequence": 3, "config_block": 7,
         "config": {"values": ..., "policies": ..., "groups": ...},
         "orderers": {"orderer0.orderer.lab": {"joined": True, "relation": "consenter", "status": "active",
                                               "height": 9, "error": ""}},
         "peers": {"peer0.org1.lab": {"joined": True, "height": 9, "error": ""}}}
    """
    nodes = ChannelNodes(topology, channel, Deadline(timeout))
    calls: dict[str, Any] = {}
    for node in topology.orderers:
        calls[f"orderer {node.name}"] = partial(_orderer_facts, nodes, node)
    for node in topology.peers:
        calls[f"peer {node.name}"] = partial(_peer_facts, nodes, node)
    found = together(calls)
    orderers = {node.name: found[f"orderer {node.name}"] for node in topology.orderers}
    joined = [name for name, facts in orderers.items() if facts["joined"]]
    result: dict[str, Any] = {
        "name": channel,
        "exists": bool(joined),
        "sequence": None,
        "config_block": None,
        "config": {},
        "orderers": orderers,
        "peers": {node.name: found[f"peer {node.name}"] for node in topology.peers},
    }
    for name in sorted(joined, key=lambda name: -orderers[name]["height"]):
        try:
            block = nodes.config_block(topology.node(name))
        except FabricError as error:
            orderers[name]["error"] = str(error)
            continue
        config = deliver.config_of(block)
        result["sequence"], result["config_block"] = int(config.sequence), int(block.header.number)
        result["config"] = describe_group(config.channel_group)
        break
    return result


def _orderer_facts(nodes: ChannelNodes, node: Node) -> dict[str, Any]:
    facts: dict[str, Any] = {"joined": False, "relation": "", "status": "", "height": 0, "error": ""}
    try:
        status = nodes.orderer_status(node)
    except FabricError as error:
        return {**facts, "error": str(error)}
    if status is None:
        return facts
    return {
        **facts,
        "joined": True,
        **{key: getattr(status, key) for key in ("relation", "status", "height")},
    }


def _peer_facts(nodes: ChannelNodes, node: Node) -> dict[str, Any]:
    facts: dict[str, Any] = {"joined": False, "height": 0, "error": ""}
    try:
        facts["joined"] = nodes.peer_has_joined(node)
        if facts["joined"]:
            facts["height"] = nodes.peer_height(node)
    except FabricError as error:
        facts["error"] = str(error)
    return facts
