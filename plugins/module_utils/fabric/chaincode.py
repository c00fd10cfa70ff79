"""A chaincode's desired state: what is there, what has to happen, and making it happen.

``read`` asks the network, ``plan`` compares (and does nothing else), ``apply`` carries the plan out and waits
until the chaincode answers on every peer. An organisation's own peers have their own package when TLS is on,
because the certificate authority of the chaincode server's certificate stands in it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import lifecycle
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.concurrent import (
    remaining,
    together,
    until_ready,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.definition import Definition
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.endorser import require_answer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.gateway import (
    commit_status,
    require_valid,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.package import Package, ccaas_package
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Node, Topology


@dataclass(frozen=True)
class Wanted:
    """What an operator asks for.

    :param packages: organisation to the package that its peers run
    :param peers: peers that run the chaincode; those of each organisation in order, its first one endorses
        lifecycle transactions
    :param sequence: a sequence to insist on; None computes it
    :param commit: whether to commit, or only to approve
    """

    channel: str
    definition: Definition
    packages: Mapping[str, Package]
    peers: tuple[Node, ...]
    sequence: int | None = None
    commit: bool = True

    @property
    def organizations(self) -> list[str]:
        return list(self.packages)

    def peer_of(self, organization: str) -> Node:
        """The peer that endorses this organisation's lifecycle transactions."""
        return next(peer for peer in self.peers if peer.organization == organization)


@dataclass(frozen=True)
class Actual:
    """What the network says.

    :param target: the wanted definition at the sequence that it has or will have
    :param committed: the committed definition, None when the channel has none
    :param approvals: organisation to what it approved for the target's sequence
    :param installed: peer to the ids of its installed packages
    """

    target: Definition
    committed: Definition | None
    approvals: Mapping[str, lifecycle.Approval | None]
    installed: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Plan:
    """The one difference object.

    :param install: names of peers that lack their package
    :param approve: organisations that have to approve
    :param commit: whether the definition has to be committed
    """

    wanted: Wanted
    target: Definition
    install: tuple[str, ...]
    approve: tuple[str, ...]
    commit: bool
    before: dict[str, Any] = field(repr=False)
    after: dict[str, Any] = field(repr=False)

    @property
    def changed(self) -> bool:
        return bool(self.install or self.approve or self.commit)

    def lines(self) -> list[str]:
        """The plan as sentences."""
        packages, peers = self.wanted.packages, {peer.name: peer for peer in self.wanted.peers}
        what = f"{self.target.name} {self.target.version} at sequence {self.target.sequence}"
        lines = [
            f"install {packages[peers[name].organization].package_id} on {name}" for name in self.install
        ]
        lines += [f"approve {what} for {name} with {packages[name].package_id}" for name in self.approve]
        if self.commit:
            lines.append(f"commit {what} on channel {self.wanted.channel}")
        return lines


def ccaas_packages(
    topology: Topology,
    organizations: list[str],
    label: str,
    address: str,
    tls: bool,
    root_cert_pem: str = "",
    metadata: Mapping[str, str] | None = None,
) -> dict[str, Package]:
    """Organisation to its chaincode-as-a-service package.

    :param tls: whether the chaincode server has a TLS certificate, by default from the organisation's TLS CA
    :param root_cert_pem: another CA that all chaincode servers' certificates come from
    """
    result = {}
    for name in organizations:
        root = (root_cert_pem or topology.msp(name)["tls_ca_cert"]) if tls else ""
        result[name] = ccaas_package(label, address, root, metadata=metadata)
    return result


def select_peers(topology: Topology, names: list[str], organizations: list[str]) -> tuple[Node, ...]:
    """The peers by name; all of the organisations' peers when no names are given.

    Raises FabricError with all mistakes: unknown names, organisations without a peer, peers of others.
    """
    known = {peer.name: peer for peer in topology.peers}
    mistakes = [f"there is no peer {name}" for name in names if name not in known]
    mistakes += [
        f"there is no organisation {name}" for name in organizations if name not in topology.organizations
    ]
    peers = [known[name] for name in names if name in known]
    if not names:
        peers = [peer for peer in topology.peers if peer.organization in organizations]
    mistakes += [
        f"peer {peer.name} belongs to {peer.organization}, which is not among the organisations"
        for peer in peers
        if peer.organization not in organizations
    ]
    have = {peer.organization for peer in peers}
    mistakes += [
        f"organisation {name} has no peer here, its approval needs one"
        for name in organizations
        if name not in have
    ]
    if mistakes:
        raise FabricError("; ".join(mistakes))
    return tuple(peers)


def target(wanted: Wanted, committed: Definition | None) -> Definition:
    """The wanted definition at its sequence.

    The committed one when both define the same, else the wanted one at the next sequence. Raises FabricError
    when the operator insists on another sequence than is possible.
    """
    present = committed.sequence if committed else 0
    insisted = wanted.sequence
    same = committed is not None and committed.same_parameters(wanted.definition)
    if insisted not in ({None, present, present + 1} if same else {None, present + 1}):
        raise FabricError(
            f"chaincode {wanted.definition.name} cannot have sequence {insisted} on channel "
            f"{wanted.channel}: {present} is committed"
            + ("" if same or not present else ", with other parameters"),
            next_step=f"leave the sequence out, or ask for {present + 1}",
        )
    if committed is not None and same and insisted in (None, present):
        return committed
    return wanted.definition.at(present + 1)


def read(topology: Topology, wanted: Wanted, timeout: float = 30) -> Actual:
    """Ask the network. Asks one peer of each organisation, and each peer for what is installed."""
    deadline = time.monotonic() + timeout
    name, channel = wanted.definition.name, wanted.channel
    endorsers = {org: wanted.peer_of(org) for org in wanted.organizations}
    asked: dict[str, Any] = together(
        {
            f"installed on {peer.name}": partial(
                lifecycle.installed,
                topology.grpc_endpoint(peer),
                topology.signer(peer.organization),
                remaining(deadline),
            )
            for peer in wanted.peers
        }
        | {
            f"committed on {peer.name}": partial(
                lifecycle.committed,
                topology.grpc_endpoint(peer),
                topology.signer(org),
                channel,
                name,
                remaining(deadline),
            )
            for org, peer in endorsers.items()
        }
    )
    # A peer may lag behind; the newest definition that any of them has is the channel's.
    definitions = [asked[f"committed on {peer.name}"] for peer in endorsers.values()]
    committed = max(filter(None, definitions), key=lambda item: item.sequence, default=None)
    goal = target(wanted, committed)
    approvals = together(
        {
            org: partial(
                lifecycle.approved,
                topology.grpc_endpoint(peer),
                topology.signer(org),
                channel,
                name,
                goal.sequence,
                remaining(deadline),
            )
            for org, peer in endorsers.items()
        }
    )
    installed = {peer.name: frozenset(asked[f"installed on {peer.name}"]) for peer in wanted.peers}
    return Actual(goal, committed, approvals, installed)


def plan(wanted: Wanted, actual: Actual) -> Plan:
    """Compare. Nothing is asked and nothing is written."""
    goal = actual.target
    package_ids = {org: package.package_id for org, package in wanted.packages.items()}
    needed = {peer.name: package_ids[peer.organization] for peer in wanted.peers}
    install = tuple(name for name, package_id in needed.items() if package_id not in actual.installed[name])
    approve = tuple(
        org for org in wanted.organizations if not _approves(actual.approvals[org], goal, package_ids[org])
    )
    commit = wanted.commit and goal is not actual.committed
    approvals = {org: _approval_dict(approval) for org, approval in actual.approvals.items()}
    before: dict[str, Any] = {
        "definition": actual.committed.as_dict() if actual.committed else None,
        "approvals": approvals,
        "installed": {name: None if name in install else needed[name] for name in needed},
    }
    after = {
        "definition": goal.as_dict() if commit else before["definition"],
        "approvals": {
            org: {**goal.as_dict(), "package_id": package_ids[org]} if org in approve else approvals[org]
            for org in wanted.organizations
        },
        "installed": needed,
    }
    return Plan(wanted, goal, install, approve, commit, before, after)


def _approves(approval: lifecycle.Approval | None, goal: Definition, package_id: str) -> bool:
    """Whether this approval counts for the goal: Fabric compares byte by byte, so does this."""
    return (
        approval is not None
        and approval.package_id == package_id
        and approval.definition.fields() == goal.fields()
    )


def _approval_dict(approval: lifecycle.Approval | None) -> dict[str, Any] | None:
    return {**approval.definition.as_dict(), "package_id": approval.package_id} if approval else None


def apply(topology: Topology, plan: Plan, timeout: float = 120) -> None:
    """Carry a plan out: install and approve at the same time, then commit. Waits for each commit.

    Raises FabricError or NotReadyError; run ``read`` and ``plan`` again to see what is left to do.
    """
    deadline = time.monotonic() + timeout
    wanted = plan.wanted
    peers = {peer.name: peer for peer in wanted.peers}
    # An approval does not ask whether its package is installed, so installing costs no time of its own.
    calls = {
        f"install on {name}": partial(_install, topology, wanted, peers[name], deadline)
        for name in plan.install
    }
    calls |= {f"approve for {org}": partial(_approve, topology, plan, org, deadline) for org in plan.approve}
    done = together(calls)
    approvals = {org: done[f"approve for {org}"] for org in plan.approve}
    _await_commits(topology, plan, approvals, deadline)
    if plan.commit:
        _commit(topology, plan, deadline)


def _install(topology: Topology, wanted: Wanted, peer: Node, deadline: float) -> str:
    return lifecycle.install(
        topology.grpc_endpoint(peer),
        topology.signer(peer.organization),
        wanted.packages[peer.organization],
        remaining(deadline),
    )


def _approve(topology: Topology, plan: Plan, organization: str, deadline: float) -> str:
    return lifecycle.approve(
        topology.grpc_endpoint(plan.wanted.peer_of(organization)),
        topology.signer(organization),
        plan.wanted.channel,
        plan.target,
        plan.wanted.packages[organization].package_id,
        remaining(deadline),
    )


def _await_commits(topology: Topology, plan: Plan, approvals: Mapping[str, str], deadline: float) -> None:
    """Wait for every approval on every endorsing peer: endorsing the commit reads them all."""
    calls = {}
    for approver, tx_id in approvals.items():
        for organization in plan.wanted.organizations:
            peer = plan.wanted.peer_of(organization)
            calls[f"approval of {approver} on {peer.name}"] = partial(
                _valid, topology, plan, peer, tx_id, f"approving {plan.target.name} for {approver}", deadline
            )
    together(calls)


def _valid(topology: Topology, plan: Plan, peer: Node, tx_id: str, what: str, deadline: float) -> None:
    endpoint = topology.grpc_endpoint(peer)
    signer = topology.signer(peer.organization)
    status = commit_status(endpoint, signer, plan.wanted.channel, tx_id, remaining(deadline))
    require_valid(status, what, str(endpoint))


def _commit(topology: Topology, plan: Plan, deadline: float) -> None:
    wanted, goal = plan.wanted, plan.target
    submitter = wanted.organizations[0]
    endpoints = [topology.grpc_endpoint(wanted.peer_of(org)) for org in wanted.organizations]
    signer = topology.signer(submitter)
    try:
        tx_id = lifecycle.commit(endpoints, signer, wanted.channel, goal, remaining(deadline))
        _valid(topology, plan, wanted.peer_of(submitter), tx_id, f"committing {goal.name}", deadline)
    except NotReadyError:
        raise
    except FabricError as error:
        ready = lifecycle.commit_readiness(endpoints[0], signer, wanted.channel, goal, remaining(deadline))
        missing = sorted(msp_id for msp_id, approved in ready.items() if not approved)
        if not missing:
            raise
        raise FabricError(
            f"{error.what}; not approved by {', '.join(missing)}",
            error.where,
            "let them approve, then run again",
        ) from error


def wait(topology: Topology, wanted: Wanted, sequence: int, timeout: float = 120) -> None:
    """Wait until every peer has the definition at ``sequence`` and the chaincode answers on it.

    Raises NotReadyError naming each peer on which it does not, and why.
    """
    deadline = time.monotonic() + timeout
    together(
        {peer.name: partial(_wait_for, topology, wanted, peer, sequence, deadline) for peer in wanted.peers}
    )


def _wait_for(topology: Topology, wanted: Wanted, peer: Node, sequence: int, deadline: float) -> None:
    endpoint, signer = topology.grpc_endpoint(peer), topology.signer(peer.organization)
    name, channel = wanted.definition.name, wanted.channel

    def committed() -> None:
        found = lifecycle.committed(endpoint, signer, channel, name, remaining(deadline))
        if found is None or found.sequence < sequence:
            raise NotReadyError(f"{peer.name} has not committed {name} at sequence {sequence}", str(endpoint))

    until_ready(committed, deadline)
    until_ready(
        lambda: require_answer(endpoint, signer, channel, name, max(remaining(deadline), 2)), deadline
    )
