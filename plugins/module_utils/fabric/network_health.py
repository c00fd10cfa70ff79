"""Ask a whole network at once, and judge it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import health_probes as probes
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import health_rules as rules
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health, Status
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_channel import (
    ChannelView,
    copies,
    view_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    Authority,
    AuthorityEvidence,
    Certificates,
    ChaincodeMembers,
    ChannelMembers,
    Ledger,
    OrdererEvidence,
    PeerEvidence,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_forks import (
    Question,
    questions,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_hosts import silent_hosts
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import status_in_metrics
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Node, Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import shared_channels

SERVING = "serving"
CHANNELS = "channels"
STORE = "store"
# Questions for one block, after all others.
BLOCK = "block"
_THREADS = 64

_Answers = dict[tuple[str, ...], Any]


@dataclass
class NetworkCheck:
    """A check of a network; calling it asks everybody and returns a verdict for each.

    :param topology: the nodes; its store gives the keys, which are read once
    :param channels: the channels that should exist, for ``level`` CHANNELS
    :param authorities: the fabric-ca servers
    :param store_option: the modules' ``store`` option, to judge the store itself; None leaves it out
    :param level: SERVING before channels exist, CHANNELS after
    :param certificate_days_min: a certificate with fewer days left makes its owner degraded
    :param max_lag: how many blocks a node may be behind; 0 on an idle network
    :param max_skew: how many seconds a clock may be off ours
    :param chaincodes: the chaincodes that should answer through their peers, for ``level`` CHANNELS
    :param read_nodes: whether to read the nodes' own secrets, and compare their certificates with what the nodes
        show. Without it the certificates that they show are judged alone, and no node's key is needed.
    :param ask_admin: whether to ask orderers' participation API. Without it their metrics say the same, and the admin
        port, where channels are removed, need not be reached.
    :param keys_elsewhere: whether the topology's keys come from elsewhere than the store that is judged. Then nobody
        needs that store to be judged themselves.
    :param nodes: names to judge (nodes, CAs, ``store``); empty means all. What a channel's other members say
        is asked all the same.
    :param timeout: seconds for each question

    Raises FabricError at once for a name in ``nodes`` that is not there.
    """

    topology: Topology
    channels: Sequence[ChannelMembers] = ()
    authorities: Sequence[Authority] = ()
    store_option: Mapping[str, Any] | None = None
    level: str = CHANNELS
    certificate_days_min: int = 14
    max_lag: int = 0
    nodes: Collection[str] = ()
    timeout: float = 3.0
    max_skew: float = 60.0
    chaincodes: Sequence[ChaincodeMembers] = ()
    read_nodes: bool = True
    ask_admin: bool = True
    keys_elsewhere: bool = False

    def __post_init__(self) -> None:
        everybody = [*self.topology.orderers, *self.topology.peers]
        known = {node.name for node in everybody} | {item.name for item in self.authorities} | {STORE}
        unknown = sorted(set(self.nodes) - known)
        if unknown:
            names = ", ".join(sorted(known))
            raise FabricError(f"there is no node {', '.join(unknown)}", next_step=f"known are {names}")
        self._rules = rules.Rules(self.certificate_days_min, self.max_lag, self.max_skew)
        self._channels = list(self.channels) if self.level == CHANNELS else []
        asked = {node.name for node in everybody if self._wanted(node.name)}
        for channel in self._channels:
            members = {*channel.orderers, *channel.peers}
            if members & asked:
                asked |= members
        self._orderers = [node for node in self.topology.orderers if node.name in asked]
        self._peers = [node for node in self.topology.peers if node.name in asked]
        self._authorities = [item for item in self.authorities if self._wanted(item.name)]
        self._read: set[str] = set()

    def _wanted(self, name: str) -> bool:
        return not self.nodes or name in self.nodes

    def __call__(self) -> list[Health]:
        """Ask and judge. The order is: store, CAs, orderers, peers, each as configured."""
        store = None
        if self.store_option is not None:
            option = self.store_option
            found = probes.attempt(lambda: probes.store_state(option, self.timeout))
            store = rules.judge_store(found, self._rules)
        shown = [store] if store and (self._wanted(STORE) or not store.healthy) else []
        locked = self._read_secrets(store)
        with shared_channels():
            answers = _ask({key: call for key, call in self._questions().items() if key[0] not in locked})
            authorities = {
                item.name: self._authority(item, answers)
                for item in self._authorities
                if item.name not in locked
            }
            orderers = {
                node.name: self._orderer(node, answers) for node in self._orderers if node.name not in locked
            }
            peers = {node.name: self._peer(node, answers) for node in self._peers if node.name not in locked}
            views = self._view(orderers, peers)
        silent = silent_hosts([*authorities.values(), *orderers.values(), *peers.values()])
        limits = replace(self._rules, silent_hosts=silent)
        results = [
            *(rules.judge_authority(found, limits) for found in authorities.values()),
            *(
                rules.judge_orderer(found, self._views(views, name), limits)
                for name, found in orderers.items()
            ),
            *(rules.judge_peer(found, self._views(views, name), limits) for name, found in peers.items()),
            *self._unjudged(locked),
        ]
        return [*shown, *(result for result in results if self._wanted(result.subject))]

    def _view(
        self, orderers: Mapping[str, OrdererEvidence], peers: Mapping[str, PeerEvidence]
    ) -> dict[str, ChannelView]:
        """Each channel; where copies are far apart, their members are asked once more, for blocks to compare."""
        asked: dict[tuple[str, ...], Question] = {}
        calls: dict[tuple[str, ...], Callable[[], Ledger]] = {}
        for channel in self._channels:
            for question in questions(copies(channel, orderers, peers), set(channel.orderers)):
                name, number = question.member, question.number
                key = (name, BLOCK, channel.name, str(number))
                asked[key] = question
                read, node = (
                    (probes.orderer_block, orderers[name].node)
                    if name in orderers
                    else (probes.peer_block, peers[name].node)
                )
                calls[key] = partial(read, self.topology, node, channel.name, number, self.timeout)
        answers = _ask(calls)
        return {
            channel.name: view_channel(
                channel,
                orderers,
                peers,
                [
                    (asked[key], answer)
                    for key, answer in answers.items()
                    if key[2] == channel.name and isinstance(answer, Ledger)
                ],
            )
            for channel in self._channels
        }

    def _views(self, views: dict[str, ChannelView], name: str) -> dict[str, ChannelView]:
        return {
            channel.name: views[channel.name]
            for channel in self._channels
            if name in (*channel.orderers, *channel.peers)
        }

    def _unjudged(self, locked: Mapping[str, FabricError]) -> list[Health]:
        kinds: list[tuple[str, Sequence[Authority | Node]]] = [
            ("ca", self._authorities),
            ("orderer", self._orderers),
            ("peer", self._peers),
        ]
        return [
            rules.unjudged(item.name, kind, item.organization, locked[item.name])
            for kind, items in kinds
            for item in items
            if item.name in locked
        ]

    def _read_secrets(self, store: Health | None) -> dict[str, FabricError]:
        """Bring all secrets into the topology's memory; the names whose secrets are not to be had, and why.

        A store that does not serve is not even asked: its client would wait for it. Where the keys come from elsewhere,
        its state says nothing about them.
        """
        needed = {item.name: self._paths(item.mount) for item in self._authorities}
        for node in (*self._orderers, *self._peers):
            mount = self.topology.organization_of(node).mount
            needed[node.name] = self._paths(mount)
            if self.read_nodes:
                needed[node.name].append(f"{mount}/nodes/{node.name}")
        wanted = {path for paths in needed.values() for path in paths} - self._read
        if store and store.status is Status.UNHEALTHY and not self.keys_elsewhere:
            error = FabricError("the store does not serve", next_step="bring back the store first")
            failed = dict.fromkeys(wanted, error)
        else:
            found = _ask({(path,): partial(self.topology.secret, path) for path in wanted})
            failed = {path: answer for (path,), answer in found.items() if isinstance(answer, FabricError)}
        self._read |= wanted - set(failed)
        return {
            name: next(failed[path] for path in paths if path in failed)
            for name, paths in needed.items()
            if not failed.keys().isdisjoint(paths)
        }

    def _paths(self, mount: str) -> list[str]:
        return [f"{mount}/msp", f"{mount}/users/{self.topology.user}"]

    def _questions(self) -> dict[tuple[str, ...], Callable[[], Any]]:
        """Every question by whom it is for, what it is, and perhaps the channel."""
        topology, timeout = self.topology, self.timeout
        asked: dict[tuple[str, ...], Callable[[], Any]] = {}
        for item in self._authorities:
            asked[item.name, "info"] = partial(probes.authority_info, topology, item, timeout)
            asked[item.name, "certificates"] = partial(probes.authority_certificates, topology, item)
            if item.operations_address:
                asked[item.name, "operations"] = partial(probes.authority_operations, topology, item, timeout)
        for node in (*self._orderers, *self._peers):
            asked[node.name, "operations"] = partial(probes.node_operations, topology, node, timeout)
            asked[node.name, "certificates"] = (
                partial(probes.node_certificates, topology, node) if self.read_nodes else _no_certificates
            )
        for node in self._orderers:
            asked[node.name, "serving"] = partial(probes.orderer_serving, topology, node, timeout)
            if self.ask_admin:
                asked[node.name, "admin"] = partial(probes.orderer_admin, topology, node, timeout)
            for name in self._channels_of(node):
                if self.ask_admin:
                    asked[node.name, "status", name] = partial(
                        probes.orderer_status, topology, node, name, timeout
                    )
                asked[node.name, "ledger", name] = partial(
                    probes.orderer_ledger, topology, node, name, timeout
                )
        for node in self._peers:
            asked[node.name, "joined"] = partial(probes.peer_joined, topology, node, timeout)
            for name in self._channels_of(node):
                asked[node.name, "ledger", name] = partial(probes.peer_ledger, topology, node, name, timeout)
                asked[node.name, "state", name] = partial(probes.peer_state, topology, node, name, timeout)
                for label in self._chaincodes_of(node, name):
                    asked[node.name, "chaincode", name, label] = partial(
                        probes.peer_chaincode, topology, node, name, label, timeout
                    )
        return asked

    def _channels_of(self, node: Node) -> list[str]:
        return [item.name for item in self._channels if node.name in (*item.orderers, *item.peers)]

    def _chaincodes_of(self, node: Node, channel: str) -> list[str]:
        return [item.name for item in self.chaincodes if item.channel == channel and node.name in item.peers]

    def _authority(self, item: Authority, answers: _Answers) -> AuthorityEvidence:
        return AuthorityEvidence(
            item,
            answers.get((item.name, "operations")),
            answers[item.name, "certificates"],
            answers[item.name, "info"],
        )

    def _orderer(self, node: Node, answers: _Answers) -> OrdererEvidence:
        names = self._channels_of(node)
        return OrdererEvidence(
            node,
            answers[node.name, "serving"],
            answers[node.name, "operations"],
            answers[node.name, "certificates"],
            answers.get((node.name, "admin")),
            self._statuses(node, names, answers),
            {name: answers[node.name, "ledger", name] for name in names},
        )

    def _statuses(self, node: Node, channels: list[str], answers: _Answers) -> dict[str, Any]:
        if self.ask_admin:
            return {name: answers[node.name, "status", name] for name in channels}
        found = answers[node.name, "operations"]
        if isinstance(found, FabricError) or found.metrics is None:
            return {}
        return {name: status_in_metrics(found.metrics, name) for name in channels}

    def _peer(self, node: Node, answers: _Answers) -> PeerEvidence:
        names = self._channels_of(node)
        return PeerEvidence(
            node,
            answers[node.name, "operations"],
            answers[node.name, "certificates"],
            answers[node.name, "joined"],
            {name: answers[node.name, "ledger", name] for name in names},
            {name: answers[node.name, "state", name] for name in names},
            {
                name: {
                    label: answers[node.name, "chaincode", name, label]
                    for label in self._chaincodes_of(node, name)
                }
                for name in names
            },
        )


def _ask(questions: Mapping[tuple[str, ...], Callable[[], Any]]) -> _Answers:
    """All answers, errors among them, asked at the same time."""
    if not questions:
        return {}
    with ThreadPoolExecutor(min(len(questions), _THREADS)) as pool:
        futures = {
            key: pool.submit(copy_context().run, probes.attempt, call) for key, call in questions.items()
        }
    return {key: future.result() for key, future in futures.items()}


def _no_certificates() -> Certificates:
    return Certificates({})
