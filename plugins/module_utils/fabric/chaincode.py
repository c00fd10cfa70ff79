"""A chaincode's desired state, and what has to happen to get there. Nothing here talks to the network.

An organisation's peers may have a package of their own: with TLS, the certificate authority of the chaincode
server's certificate stands in it. Asking the network and carrying a plan out is in ``rollout.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.definition import Definition
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.lifecycle import Approval
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
    approvals: Mapping[str, Approval | None]
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

    :param tls: whether the chaincode servers have certificates of their organisation's TLS CA
    :param root_cert_pem: another CA that all servers' certificates come from, or a template that the peers'
        builder fills in; turns TLS on
    """
    result = {}
    for name in organizations:
        root = root_cert_pem or (topology.msp(name)["tls_ca_cert"] if tls else "")
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
    approvals = {org: approval.as_dict() if approval else None for org, approval in actual.approvals.items()}
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


def _approves(approval: Approval | None, goal: Definition, package_id: str) -> bool:
    """Whether this approval counts for the goal: Fabric compares byte by byte, so does this."""
    return (
        approval is not None
        and approval.package_id == package_id
        and approval.definition.fields() == goal.fields()
    )
