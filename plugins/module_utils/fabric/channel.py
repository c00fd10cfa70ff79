"""A channel as desired state: the plan from what is to what the model says, and its execution.

``plan_channel`` only reads. ``apply_channel`` does what the plan lists, in an order that keeps the channel
working: nodes that belong to the quorum join first, then the configuration changes, then newcomers join as
followers and become consenters one at a time, then whoever leaves leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import deliver, participation
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel_state import (
    ChannelNodes,
    ChannelState,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.concurrent import together
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx import (
    Consenter,
    Member,
    Members,
    channel_group,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_merge import (
    changes_between,
    consenter_addresses,
    plan_steps,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configupdate import (
    compute_update,
    concerned_organizations,
    update_envelope,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.difference import Change, Difference
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.genesis import genesis_block
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Node, Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.waiting import Deadline

with suppress(ImportError):  # the module says which package is missing
    from fabric_protos.common import common_pb2, configtx_pb2

_JOINED = "joined"
# Seconds after which an accepted update that is in no block is taken for lost.
_ORDERING = 5


@dataclass(frozen=True)
class ChannelPlan:
    """What has to be done, and the one difference that says so.

    :param definition: the desired state that was planned for
    :param state: the channel as it was
    :param targets: the genesis configuration of a new channel, or the configuration after each update
    :param join_orderers: orderers that have to join; ``leave_orderers`` those that have to be removed
    :param join_peers: peers that have to join
    :param restart_orderers: whose TLS key is another one in the channel afterwards: to be restarted with it
    :param kept: members that the model does not name and that stay, because removal was not allowed
    :param difference: everything above as changes; empty when there is nothing to do
    """

    definition: ChannelDefinition
    state: ChannelState
    targets: tuple[configtx_pb2.ConfigGroup, ...]
    join_orderers: tuple[str, ...]
    leave_orderers: tuple[str, ...]
    join_peers: tuple[str, ...]
    restart_orderers: tuple[str, ...]
    kept: tuple[str, ...]
    difference: Difference = field(default_factory=Difference)

    @property
    def changed(self) -> bool:
        return bool(self.difference)

    @property
    def creates(self) -> bool:
        return self.state.block is None


def channel_members(topology: Topology, definition: ChannelDefinition) -> Members:
    """The public facts about everybody in the definition, from the topology and its store.

    Raises FabricError that lists all members that the topology does not know or that do not fit.
    """
    _check_members(topology, definition)
    anchors = [node for node in topology.peers if node.name in definition.peers and node.anchor]
    orderers = [topology.node(name) for name in definition.orderers]

    def member(name: str, addresses: Sequence[str]) -> Member:
        msp = topology.msp(name)
        msp_id = topology.organizations[name].msp_id
        return Member(name, msp_id, msp["ca_cert"], msp["tls_ca_cert"], tuple(addresses))

    consenters = []
    for node in orderers:
        cert = topology.node_secret(node)["tls_cert"]
        consenters.append(Consenter(node.endpoint, cert, cert))
    return Members(
        application=tuple(
            member(name, [node.endpoint for node in anchors if node.organization == name])
            for name in definition.organizations
        ),
        orderer=tuple(
            member(name, [node.endpoint for node in orderers if node.organization == name])
            for name in definition.orderer_organizations
        ),
        consenters=tuple(consenters),
    )


def _check_members(topology: Topology, definition: ChannelDefinition) -> None:
    mistakes = []
    for key in ("organizations", "orderer_organizations"):
        for name in getattr(definition, key):
            if name not in topology.organizations:
                mistakes.append(f"{key}: {name} is no organisation of the topology")
    for key, nodes, owners in (
        ("orderers", topology.orderers, definition.orderer_organizations),
        ("peers", topology.peers, definition.organizations),
    ):
        known = {node.name: node for node in nodes}
        for name in getattr(definition, key):
            if name not in known:
                mistakes.append(f"{key}: {name} is no node of the topology's {key}")
            elif known[name].organization not in owners:
                mistakes.append(f"{key}: {name} belongs to {known[name].organization}, which is not a member")
    if mistakes:
        raise FabricError(
            f"the members of channel {definition.name} do not fit the topology: {'; '.join(mistakes)}",
            next_step="correct the channel in the network model",
        )


def plan_channel(
    topology: Topology, definition: ChannelDefinition, timeout: float = 60, allow_removal: bool = False
) -> ChannelPlan:
    """Compare the model with the live network; nothing is changed.

    :param timeout: seconds to wait for nodes that are still starting
    :param allow_removal: whether organisations and orderers that the model does not name shall leave

    Raises NotReadyError when a node stays unreachable, FabricError when the model is out of reach.
    """
    members = channel_members(topology, definition)
    desired = channel_group(definition, members)
    nodes = ChannelNodes(topology, definition.name, Deadline(timeout))
    others = [node.name for node in topology.orderers if node.name not in definition.orderers]
    asked = [*definition.orderers, *(others if allow_removal else [])]
    state = nodes.state(asked, definition.peers)
    join_orderers = tuple(name for name in definition.orderers if state.orderers[name] is None)
    join_peers = tuple(name for name in definition.peers if not state.peers[name])
    leave = tuple(name for name in asked if name in others and state.orderers[name] is not None)
    config = state.config
    if config is None:
        _refuse_silence(topology, definition)
        _refuse_orphans(definition, state)
        targets: tuple[configtx_pb2.ConfigGroup, ...] = (desired,)
        kept: tuple[str, ...] = ()
        replaced: tuple[str, ...] = ()
        changes = changes_between(configtx_pb2.ConfigGroup(), desired)
    else:
        steps = plan_steps(config.channel_group, desired, allow_removal)
        targets, kept, replaced = steps.targets, steps.kept, steps.replaced
        changes = changes_between(config.channel_group, targets[-1]) if targets else []
    changes += [Change(f"orderers/{name}", None, _JOINED) for name in join_orderers]
    changes += [Change(f"orderers/{name}", _JOINED, None) for name in leave]
    changes += [Change(f"peers/{name}", None, _JOINED) for name in join_peers]
    return ChannelPlan(
        definition,
        state,
        targets,
        join_orderers,
        leave,
        join_peers,
        tuple(name for name in definition.orderers if topology.node(name).endpoint in replaced),
        kept,
        Difference(tuple(changes)),
    )


def _refuse_silence(topology: Topology, definition: ChannelDefinition) -> None:
    """In check mode, orderers that are only stopped may have the channel; without any of them nothing is known."""
    stopped = [name for name in definition.orderers if name in topology.planned.stopped]
    if stopped:
        raise NotReadyError(
            f"no orderer of channel {definition.name} runs, so nothing can be planned for it",
            next_step="run start.yml, then plan",
        )


def _refuse_orphans(definition: ChannelDefinition, state: ChannelState) -> None:
    """Peers of a channel that no orderer has: a new genesis block would be another channel of that name."""
    orphans = [name for name, joined in state.peers.items() if joined]
    if orphans:
        raise FabricError(
            f"channel {definition.name} is on {', '.join(orphans)}, but no orderer has it",
            next_step="restore the orderers from their backup, or destroy these peers' ledgers first",
        )


def apply_channel(topology: Topology, plan: ChannelPlan, timeout: float = 60) -> ChannelState:
    """Do what ``plan`` lists and wait until the channel works on all nodes of the definition.

    Returns the channel as it is afterwards. Raises FabricError; after a failure plan again, what has been
    done is then part of the state.
    """
    if not plan.changed:
        return plan.state
    return _Run(topology, plan, Deadline(timeout)).execute()


class _Run:
    """One execution of a plan."""

    def __init__(self, topology: Topology, plan: ChannelPlan, deadline: Deadline) -> None:
        self.topology, self.plan, self.deadline = topology, plan, deadline
        self.channel = plan.definition.name
        self.nodes = ChannelNodes(topology, self.channel, deadline)
        # An orderer that gets another TLS key is out of the quorum until it is restarted with it. When it is
        # the only one, there is nobody else to ask.
        absent = {*plan.join_orderers, *plan.restart_orderers}
        self.ready = [name for name in plan.definition.orderers if name not in absent]
        self.ready = self.ready or list(plan.restart_orderers)

    def execute(self) -> ChannelState:
        if self.plan.creates:
            self._create()
        else:
            self._update()
        return self.nodes.state(self.plan.definition.orderers, self.plan.definition.peers)

    def _create(self) -> None:
        block = genesis_block(self.channel, self.plan.targets[0])
        self.nodes.join_orderers(self.plan.join_orderers, block)
        together(
            {
                "orderers": lambda: self.nodes.wait_for_orderers(self.plan.join_orderers),
                "peers": lambda: self.nodes.join_peers(self.plan.join_peers, block),
            }
        )

    def _update(self) -> None:
        block = self.plan.state.block
        if block is None:
            raise FabricError("the channel is not read yet")
        belonging = consenter_addresses(deliver.config_of(block).channel_group)
        early = [name for name in self.plan.join_orderers if self.topology.node(name).endpoint in belonging]
        late = [name for name in self.plan.join_orderers if name not in early]
        self._join(early, block)
        genesis: common_pb2.Block | None = None
        if self.plan.join_peers:
            genesis = self.nodes.genesis_block(self.plan.state.joined)
        for target in self.plan.targets:
            # A newcomer follows the channel before it counts for the quorum.
            if late and set(consenter_addresses(target)) != set(belonging):
                self._join(late, block)
                late = []
            block = self._submit(block, target)
        self._join(late, block)
        if genesis is not None:
            self.nodes.join_peers(self.plan.join_peers, genesis)
        height = int(block.header.number) + 1
        together(
            {
                "orderers": lambda: self.nodes.wait_for_orderers(
                    self.ready, height, consenter=not self.plan.restart_orderers
                ),
                "peers": lambda: self.nodes.wait_for_peers(self.plan.definition.peers, height),
            }
        )
        for name in self.plan.leave_orderers:
            participation.remove(self.topology.admin_endpoint(self.topology.node(name)), self.channel)

    def _join(self, names: Sequence[str], block: common_pb2.Block) -> None:
        self.nodes.join_orderers(names, block)
        self.nodes.wait_for_orderers(names, int(block.header.number) + 1)
        self.ready += names

    def _submit(self, block: common_pb2.Block, target: configtx_pb2.ConfigGroup) -> common_pb2.Block:
        """Order one update; returns the block that carries it, once every orderer has it."""
        config = deliver.config_of(block)
        update = compute_update(self.channel, config, configtx_pb2.Config(channel_group=target))
        if update is None:
            return block
        signers, unsigned = self._signers(config, update)
        submitter = self.topology.signer(self.topology.node(self.ready[0]).organization)
        envelope = update_envelope(update, signers or [submitter], submitter)
        what = f"updating the configuration of channel {self.channel}"
        try:
            found = self.deadline.retry(lambda: self._order(envelope, config, what))
        except NotReadyError:
            raise
        except FabricError as error:
            missing = f"; no admin's key was at hand for {', '.join(unsigned)}" if unsigned else ""
            raise FabricError(error.what + missing, error.where, error.next_step) from error
        other = changes_between(deliver.config_of(found).channel_group, target)
        if other:
            raise FabricError(
                f"channel {self.channel} was changed by somebody else at the same time: {other[0].path}",
                next_step="run again, the plan will be made anew",
            )
        self.nodes.wait_for_orderers(self.ready, int(found.header.number) + 1)
        return found

    def _order(
        self, envelope: common_pb2.Envelope, before: configtx_pb2.Config, what: str
    ) -> common_pb2.Block:
        """Broadcast and wait for the block.

        Raft may lose what it has accepted when its leader changes. So this is asked again after a
        NotReadyError, and looks first whether the update got through after all.
        """
        problem = NotReadyError(f"{what} failed: there is no orderer to ask")
        for name in self.ready:
            node = self.topology.node(name)
            endpoint = self.topology.grpc_endpoint(node)
            find = partial(self._next_config, node, before)
            try:
                return find()
            except NotReadyError:
                pass
            try:
                deliver.broadcast(endpoint, envelope, what, self.deadline.remaining())
                return Deadline(self.deadline.remaining(_ORDERING)).retry(find)
            except NotReadyError as error:
                problem = error
            except FabricError:
                # The second of two broadcasts is refused when the first one has just got through.
                with suppress(NotReadyError):
                    return find()
                raise
        raise problem

    def _next_config(self, node: Node, before: configtx_pb2.Config) -> common_pb2.Block:
        block = self.nodes.config_block(node)
        if deliver.config_of(block).sequence <= before.sequence:
            raise NotReadyError(f"the update of channel {self.channel} is not in a block yet", node.name)
        return block

    def _signers(
        self, config: configtx_pb2.Config, update: configtx_pb2.ConfigUpdate
    ) -> tuple[list[Signer], list[str]]:
        """The admins that the policies need, and the organisations whose admin's key is not at hand."""
        wanted = dict.fromkeys(name for _unused, name in concerned_organizations(config, update))
        signers, unsigned = [], []
        for name in wanted:
            try:
                signers.append(self.topology.signer(name))
            except (FabricError, KeyError):
                unsigned.append(name)
        return signers, unsigned
