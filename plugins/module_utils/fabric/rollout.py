"""Ask the network about a chaincode, and carry a plan out: install, approve, commit, wait for its answer."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import lifecycle
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.chaincode import (
    Actual,
    Plan,
    Wanted,
    target,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.concurrent import (
    remaining,
    together,
    until_ready,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.endorser import require_answer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.gateway import (
    commit_status,
    require_valid,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Node, Topology


def read(topology: Topology, wanted: Wanted, timeout: float = 30) -> Actual:
    """Ask the network. Asks one peer of each organisation, and each peer for what is installed.

    In check mode, peers that do not run yet are not asked: new ones have nothing installed, stopped ones what
    they should.
    """
    deadline = time.monotonic() + timeout
    name, channel = wanted.definition.name, wanted.channel
    planned = topology.planned
    running = [peer for peer in wanted.peers if not planned.silent(peer.name)]
    endorsers = {peer.organization: peer for peer in reversed(running)}
    asked: dict[str, Any] = together(
        {
            f"installed on {peer.name}": partial(
                lifecycle.installed,
                topology.grpc_endpoint(peer),
                topology.signer(peer.organization),
                remaining(deadline),
            )
            for peer in running
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
    installed = {peer.name: frozenset(asked[f"installed on {peer.name}"]) for peer in running}
    for peer in wanted.peers:
        should = {wanted.packages[peer.organization].package_id} if peer.name in planned.stopped else ()
        installed.setdefault(peer.name, frozenset(should))
    return Actual(goal, committed, {org: approvals.get(org) for org in wanted.organizations}, installed)


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


def info(
    topology: Topology, channel: str, name: str, peers: Sequence[Node], timeout: float = 30
) -> dict[str, Any]:
    """What there is: ``committed``, ``approved`` by organisation, ``installed`` by peer.

    ``approved`` is each organisation's newest approval, for the committed sequence or for the next one.
    """
    deadline = time.monotonic() + timeout
    first: dict[str, Node] = {}
    calls: dict[str, Any] = {}
    for peer in peers:
        endpoint, signer = topology.grpc_endpoint(peer), topology.signer(peer.organization)
        first.setdefault(peer.organization, peer)
        calls[f"installed on {peer.name}"] = partial(
            lifecycle.installed, endpoint, signer, remaining(deadline)
        )
    for organization, peer in first.items():
        endpoint, signer = topology.grpc_endpoint(peer), topology.signer(organization)
        options = (endpoint, signer, channel, name)
        calls[f"committed on {peer.name}"] = partial(lifecycle.committed, *options, remaining(deadline))
        calls[f"approved by {organization}"] = partial(lifecycle.approved, *options, 0, remaining(deadline))
    found = together(calls)
    definitions = [found[f"committed on {peer.name}"] for peer in first.values()]
    committed = max(filter(None, definitions), key=lambda item: item.sequence, default=None)
    approvals = {organization: found[f"approved by {organization}"] for organization in first}
    return {
        "committed": committed.as_dict() if committed else None,
        "approved": {name: approval.as_dict() if approval else None for name, approval in approvals.items()},
        "installed": {peer.name: found[f"installed on {peer.name}"] for peer in peers},
    }
