"""A channel as all of its members together show it: how far it is, who leads, whether it has forked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    ChannelMembers,
    Ledger,
    OrdererEvidence,
    PeerEvidence,
)

# Gauges of hyperledger/fabric ``orderer/consensus/etcdraft/metrics.go``, each with a label ``channel``.
IS_LEADER = "consensus_etcdraft_is_leader"
ACTIVE_NODES = "consensus_etcdraft_active_nodes"
CLUSTER_SIZE = "consensus_etcdraft_cluster_size"


@dataclass(frozen=True)
class ChannelView:
    """What the members know together.

    :param height: blocks of the longest copy; 0 when nobody has one
    :param leaders: names of the consenters that say they lead
    :param leaderless: nobody leads, and nobody who might was left unasked
    :param defined: number of consenters in the definition
    :param consenters: number of consenters in the channel's configuration, as the orderers count them
    :param active: consenters that take part: not more than the leader counts, nor than can be running
    :param forked: members whose copy differs from the others', with the number of the first differing block
    """

    name: str
    height: int
    leaders: tuple[str, ...]
    leaderless: bool
    defined: int
    consenters: int
    active: int
    forked: dict[str, int] = field(default_factory=dict)

    @property
    def quorum(self) -> int:
        """How many consenters Raft needs."""
        return self.consenters // 2 + 1


def view_channel(
    channel: ChannelMembers, orderers: Mapping[str, OrdererEvidence], peers: Mapping[str, PeerEvidence]
) -> ChannelView:
    """Put the evidence of a channel's members together; members without evidence are left out."""
    consenters = {name: orderers[name] for name in channel.orderers if name in orderers}
    answers = {name: evidence.ledgers.get(channel.name) for name, evidence in consenters.items()}
    answers |= {name: peers[name].ledgers.get(channel.name) for name in channel.peers if name in peers}
    ledgers = {name: answer for name, answer in answers.items() if isinstance(answer, Ledger)}
    gauges = {name: _gauges(evidence, channel.name) for name, evidence in consenters.items()}
    leaders = tuple(name for name, found in gauges.items() if found.get(IS_LEADER) == 1)
    dead = [name for name, evidence in consenters.items() if evidence.dead]
    asked = {name for name, found in gauges.items() if IS_LEADER in found} | set(dead)
    size = int(max((found.get(CLUSTER_SIZE, 0) for found in gauges.values()), default=0))
    size = size or len(channel.orderers)
    # A leader counts only after some seconds, and shows 0 before (etcdraft/tracker.go).
    counted = [int(gauges[name].get(ACTIVE_NODES, 0)) or size for name in leaders]
    return ChannelView(
        name=channel.name,
        height=max((ledger.height for ledger in ledgers.values()), default=0),
        leaders=leaders,
        leaderless=not leaders and asked >= set(channel.orderers),
        defined=len(channel.orderers),
        consenters=size,
        active=max(0, min([size - len(dead), *counted])),
        forked=find_forks(ledgers, set(consenters)),
    )


def _gauges(evidence: OrdererEvidence, channel: str) -> dict[str, float]:
    operations = evidence.operations
    if isinstance(operations, FabricError) or operations.metrics is None or evidence.dead:
        return {}
    values = {
        name: operations.metrics.value(name, channel=channel)
        for name in (IS_LEADER, ACTIVE_NODES, CLUSTER_SIZE)
    }
    return {name: value for name, value in values.items() if value is not None}


def find_forks(ledgers: Mapping[str, Ledger], orderers: set[str]) -> dict[str, int]:
    """Members that disagree about a block, with its number; the lowest one where there are two.

    Each ledger tells two blocks, its newest and the one before, so copies are compared that are up to one
    block apart. Right is what most orderers say, then what most members say; on a tie all are listed.
    """
    claims: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, ledger in ledgers.items():
        claims[ledger.height - 1][ledger.hash].add(name)
        if ledger.height > 1:
            claims[ledger.height - 2][ledger.previous_hash].add(name)
    forked: dict[str, int] = {}
    for number in sorted(claims):
        sides = list(claims[number].values())
        if len(sides) < 2:
            continue
        weight = {id(side): (len(side & orderers), len(side)) for side in sides}
        best = max(weight.values())
        winners = [side for side in sides if weight[id(side)] == best]
        right = winners[0] if len(winners) == 1 else set()
        for name in sorted(set().union(*sides) - right):
            forked.setdefault(name, number)
    return forked
