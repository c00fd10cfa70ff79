"""A channel as all of its members together show it: how far it is, who leads, whether it has forked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NoAnswerError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    ChannelMembers,
    Ledger,
    NoLeaderError,
    OrdererEvidence,
    PeerEvidence,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_forks import (
    Fork,
    Question,
    find_forks,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import (
    ACTIVE,
    CONSENTER,
    ChannelStatus,
)

# Gauges of hyperledger/fabric ``orderer/consensus/etcdraft/metrics.go``, each with a label ``channel``.
IS_LEADER = "consensus_etcdraft_is_leader"
ACTIVE_NODES = "consensus_etcdraft_active_nodes"
CLUSTER_SIZE = "consensus_etcdraft_cluster_size"
# The same of ``orderer/consensus/smartbft/metrics.go``, Fabric 3.x; nobody counts active nodes there.
BFT_IS_LEADER = "consensus_BFT_is_leader"
BFT_CLUSTER_SIZE = "consensus_BFT_cluster_size"
RAFT, BFT = "Raft", "BFT"


@dataclass(frozen=True)
class ChannelView:
    """What the members know together.

    :param height: blocks of the longest copy; 0 when nobody has one
    :param leaders: names of the consenters that say they lead
    :param leaderless: nobody leads, and nobody who might was left unasked
    :param defined: number of consenters in the definition
    :param consenters: number of consenters in the channel's configuration, as the orderers count them
    :param active: consenters that take part: not more than a Raft leader counts, nor than can be running
    :param missing: names of those that take no part, as far as they can be told
    :param consensus: RAFT or BFT, by what the orderers measure
    :param forked: members whose copy differs from the others'
    """

    name: str
    height: int
    leaders: tuple[str, ...]
    leaderless: bool
    defined: int
    consenters: int
    active: int
    missing: tuple[str, ...] = ()
    consensus: str = RAFT
    forked: dict[str, Fork] = field(default_factory=dict)

    @property
    def quorum(self) -> int:
        """How many consenters it needs: a majority for Raft, ``(n + f + 1) / 2`` rounded up for BFT.

        Source: ``computeQuorum`` in hyperledger-labs/SmartBFT ``internal/bft/util.go``; f of n may be lost.
        """
        if self.consensus == BFT:
            lost = (self.consenters - 1) // 3
            return -(-(self.consenters + lost + 1) // 2)
        return self.consenters // 2 + 1


def copies(
    channel: ChannelMembers, orderers: Mapping[str, OrdererEvidence], peers: Mapping[str, PeerEvidence]
) -> dict[str, Ledger]:
    """The ledgers of those members that told theirs."""
    asked: list[OrdererEvidence | PeerEvidence] = [
        *(orderers[name] for name in channel.orderers if name in orderers),
        *(peers[name] for name in channel.peers if name in peers),
    ]
    answers = {evidence.node.name: evidence.ledgers.get(channel.name) for evidence in asked}
    return {name: answer for name, answer in answers.items() if isinstance(answer, Ledger)}


def view_channel(
    channel: ChannelMembers,
    orderers: Mapping[str, OrdererEvidence],
    peers: Mapping[str, PeerEvidence],
    read: Sequence[tuple[Question, Ledger]] = (),
) -> ChannelView:
    """Put the evidence of a channel's members together; members without evidence are left out.

    :param read: blocks that were read to compare copies that are far apart
    """
    consenters = {name: orderers[name] for name in channel.orderers if name in orderers}
    ledgers = copies(channel, orderers, peers)
    gauges = {name: _gauges(evidence, channel.name) for name, evidence in consenters.items()}
    bft = any(BFT_CLUSTER_SIZE in found for found in gauges.values())
    is_leader, cluster_size = (BFT_IS_LEADER, BFT_CLUSTER_SIZE) if bft else (IS_LEADER, CLUSTER_SIZE)
    dead = [name for name, evidence in consenters.items() if evidence.dead]
    leaders = tuple(name for name, found in gauges.items() if found.get(is_leader) == 1)
    if bft and len(leaders) > 1:
        # Each says what it knew at its newest block; one that is behind may still believe in itself.
        heights = {name: ledgers[name].height for name in leaders if name in ledgers}
        leaders = tuple(name for name in leaders if heights.get(name) == max(heights.values(), default=0))
    # Without any leader all are without one; that says nothing about who is missing.
    missing = tuple(
        name
        for name, evidence in consenters.items()
        if not _takes_part(evidence, channel.name)
        or (leaders and isinstance(evidence.ledgers.get(channel.name), NoLeaderError))
    )
    # Who is only out of our sight may lead all the same.
    gone = {name for name in dead if not isinstance(consenters[name].operations, NoAnswerError)}
    asked = {name for name, found in gauges.items() if is_leader in found} | gone
    size = int(max((found.get(cluster_size, 0) for found in gauges.values()), default=0))
    size = size or len(channel.orderers)
    # A leader counts only after some seconds, and shows 0 before (etcdraft/tracker.go).
    counted = [] if bft else [int(gauges[name].get(ACTIVE_NODES, 0)) or size for name in leaders]
    return ChannelView(
        name=channel.name,
        height=max((ledger.height for ledger in ledgers.values()), default=0),
        leaders=leaders,
        leaderless=not leaders and asked >= set(channel.orderers),
        defined=len(channel.orderers),
        consenters=size,
        active=max(0, min([size - len(missing if bft else dead), *counted])),
        missing=missing,
        consensus=BFT if bft else RAFT,
        forked=find_forks(ledgers, consenters.keys(), read),
    )


def _gauges(evidence: OrdererEvidence, channel: str) -> dict[str, float]:
    operations = evidence.operations
    if isinstance(operations, FabricError) or operations.metrics is None or evidence.dead:
        return {}
    values = {
        name: operations.metrics.value(name, channel=channel)
        for name in (IS_LEADER, ACTIVE_NODES, CLUSTER_SIZE, BFT_IS_LEADER, BFT_CLUSTER_SIZE)
    }
    return {name: value for name, value in values.items() if value is not None}


def _takes_part(evidence: OrdererEvidence, channel: str) -> bool:
    """Whether nothing is known that keeps a consenter from taking part."""
    status = evidence.statuses.get(channel)
    serves = not isinstance(status, ChannelStatus) or (status.relation, status.status) == (CONSENTER, ACTIVE)
    joined = channel not in evidence.statuses or status is not None
    return serves and joined and not evidence.dead
