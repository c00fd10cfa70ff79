"""What healthy means: pure rules from evidence to verdicts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import x509
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import (
    Finding,
    Health,
    Status,
    verdict,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_channel import ChannelView
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    AuthorityEvidence,
    Certificates,
    Ledger,
    NoLeaderError,
    OrdererEvidence,
    PeerEvidence,
    StoreEvidence,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.operations import Operations
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import ACTIVE, CONSENTER

READ_LOG = "read its log on its host"
START = "start it, or read its log on its host"
CHANNEL = "run site.yml, its channel step brings nodes and channels together"
RENEW = "renew the certificate"
RESTART = "restart its service, it reads certificates when it starts"
_LEADER = (
    "if it stays so, compare the consenters' certificates with the channel's, and the network between them"
)
_FORK = "compare this block on all members; stop those that are wrong, and restore or rebuild their ledgers"


@dataclass(frozen=True)
class Rules:
    """:param certificate_days_min: less is degraded; :param max_lag: blocks that a node may be behind"""

    certificate_days_min: int = 14
    max_lag: int = 0


def judge_orderer(evidence: OrdererEvidence, channels: dict[str, ChannelView], rules: Rules) -> Health:
    """``channels`` are those that it should serve."""
    node = evidence.node
    findings = [*_reachable(evidence.serving, evidence.operations, node.address, node.operations_address)]
    facts: dict[str, Any] = {}
    if not evidence.dead:
        if evidence.admin is not None:
            findings.append(_unhealthy(f"participation API: {evidence.admin.what}", evidence.admin.next_step))
        elif evidence.serving is None:
            for name, view in channels.items():
                findings += _orderer_channel(evidence, name, view, rules)
        facts["channels"] = {name: _orderer_facts(evidence, name, view) for name, view in channels.items()}
    return _node_verdict(evidence, "orderer", findings, facts, rules)


def judge_peer(evidence: PeerEvidence, channels: dict[str, ChannelView], rules: Rules) -> Health:
    """``channels`` are those that it should have joined."""
    node = evidence.node
    serving = evidence.joined if isinstance(evidence.joined, FabricError) else None
    findings = [*_reachable(serving, evidence.operations, node.address, node.operations_address)]
    facts: dict[str, Any] = {}
    if not isinstance(evidence.joined, FabricError):
        for name, view in channels.items():
            findings += _peer_channel(evidence.joined, evidence.ledgers.get(name), node.name, view, rules)
        facts["channels"] = {
            name: _ledger_facts(evidence.ledgers.get(name), view) for name, view in channels.items()
        }
    return _node_verdict(evidence, "peer", findings, facts, rules)


def judge_authority(evidence: AuthorityEvidence, rules: Rules) -> Health:
    """A fabric-ca server is healthy when both of its CAs answer and are those of the store."""
    authority, info = evidence.authority, evidence.info
    findings: list[Finding] = []
    serving = info if isinstance(info, FabricError) else None
    if evidence.operations is not None:
        findings += _reachable(
            serving, evidence.operations, authority.address, authority.operations_address, "HTTPS"
        )
    elif serving:
        findings.append(_unhealthy(f"HTTPS {authority.address}: {serving.what}", serving.next_step or START))
    served = ""
    facts: dict[str, Any] = {}
    if not isinstance(info, FabricError):
        served, facts["version"] = info.certificate_pem, info.version
        for name in info.foreign:
            reason = f"its CA {name!r} signs with another certificate than the one in the store"
            findings.append(_unhealthy(reason, "stop it, check its secrets and its home, start it", True))
    days, problems = _certificates(evidence.certificates, served, rules)
    return verdict(
        authority.name, "ca", authority.organization, [*findings, *problems], {**facts, **_days_facts(days)}
    )


def judge_store(evidence: StoreEvidence | FabricError, rules: Rules) -> Health:
    """A store is healthy when it is initialised and unsealed."""
    if isinstance(evidence, FabricError):
        finding = _unhealthy(f"does not answer: {evidence.what}", evidence.next_step or START)
        return verdict("store", "store", "", [finding], {})
    findings = []
    if not evidence.initialized:
        findings.append(
            _unhealthy("is not initialised", "run site.yml, its secrets_store step initialises it")
        )
    elif evidence.sealed:
        findings.append(
            _unhealthy("is sealed", "check its seal key on its host, and its log; then restart it")
        )
    days, problems = _certificates(Certificates({}), evidence.certificate_pem, rules)
    facts = {"version": evidence.version, "standby": evidence.standby, **_days_facts(days)}
    return verdict("store", "store", "", [*findings, *problems], facts)


def unjudged(subject: str, kind: str, organization: str, error: FabricError) -> Health:
    """A thing that nobody can ask, because the keys for it are not to be had."""
    at = f" ({error.where})" if error.where else ""
    finding = _unhealthy(f"cannot be judged without its keys: {error.what}{at}", error.next_step)
    return verdict(subject, kind, organization, [finding], {})


# --- one channel of one node ---


def _orderer_channel(
    evidence: OrdererEvidence, name: str, view: ChannelView, rules: Rules
) -> Iterator[Finding]:
    status, ledger = evidence.statuses.get(name), evidence.ledgers.get(name)
    at = f"channel {name}"
    if isinstance(status, FabricError):
        yield _unhealthy(f"{at}: participation API: {status.what}", status.next_step or READ_LOG)
    elif status is None:
        yield _unhealthy(f"{at}: it has not joined", CHANNEL)
        return
    else:
        if status.relation != CONSENTER:
            yield _unhealthy(f"{at}: it is {status.relation}, not consenter", CHANNEL)
        if status.status != ACTIVE:
            yield _unhealthy(f"{at}: its status is {status.status}", READ_LOG)
    if isinstance(ledger, NoLeaderError):
        yield _unhealthy(f"{at}: it knows no Raft leader", _LEADER)
    elif isinstance(ledger, FabricError):
        yield _unhealthy(f"{at}: {ledger.what}", ledger.next_step or READ_LOG)
    elif ledger is not None:
        if view.leaderless:
            yield _unhealthy(f"{at}: no consenter says that it is the Raft leader", _LEADER)
        yield from _ledger(evidence.node.name, at, ledger, view, rules)
    if len(view.leaders) > 1:
        yield _unhealthy(f"{at}: several Raft leaders: {', '.join(view.leaders)}", _LEADER)
    yield from _quorum(at, view)


def _quorum(at: str, view: ChannelView) -> Iterator[Finding]:
    counted = f"{at}: {view.active} of {view.consenters} consenters active"
    if view.active < view.quorum:
        yield _unhealthy(f"{counted}, no quorum ({view.quorum})", "start the orderers that do not run")
    elif view.active < view.consenters:
        remedy = "start the orderer that does not run, before another one stops"
        yield Finding(Status.DEGRADED, f"{counted}, quorum ({view.quorum}) remains", remedy)
    if view.consenters != view.defined:
        reason = f"{at}: has {view.consenters} consenters, its definition names {view.defined}"
        yield Finding(Status.DEGRADED, reason, CHANNEL)


def _peer_channel(
    joined: list[str], ledger: Ledger | FabricError | None, name: str, view: ChannelView, rules: Rules
) -> Iterator[Finding]:
    at = f"channel {view.name}"
    if view.name not in joined:
        yield _unhealthy(f"{at}: it has not joined", CHANNEL)
    elif isinstance(ledger, FabricError):
        yield _unhealthy(f"{at}: {ledger.what}", ledger.next_step or READ_LOG)
    elif ledger is not None:
        yield from _ledger(name, at, ledger, view, rules)


def _ledger(name: str, at: str, ledger: Ledger, view: ChannelView, rules: Rules) -> Iterator[Finding]:
    if name in view.forked:
        number = view.forked[name]
        yield _unhealthy(f"{at}: its block {number} is another one than elsewhere (fork)", _FORK, True)
    lag = view.height - ledger.height
    if lag > rules.max_lag:
        blocks = "1 block" if lag == 1 else f"{lag} blocks"
        remedy = "wait; if it does not catch up, read its log and check that it reaches the orderers"
        yield Finding(Status.DEGRADED, f"{at}: {blocks} behind ({ledger.height} of {view.height})", remedy)


def _ledger_facts(ledger: Ledger | FabricError | None, view: ChannelView) -> dict[str, Any]:
    if not isinstance(ledger, Ledger):
        return {}
    return {"height": ledger.height, "lag": view.height - ledger.height, "hash": ledger.hash}


def _orderer_facts(evidence: OrdererEvidence, name: str, view: ChannelView) -> dict[str, Any]:
    facts = _ledger_facts(evidence.ledgers.get(name), view)
    status = evidence.statuses.get(name)
    if status is not None and not isinstance(status, FabricError):
        facts = {"height": status.height, **facts, "status": status.status, "relation": status.relation}
    if view.leaders and not isinstance(evidence.ledgers.get(name), FabricError):
        facts["leader"] = ", ".join(view.leaders)
    return {**facts, "active": view.active, "consenters": view.consenters}


# --- what all have in common ---


def _unhealthy(reason: str, remedy: str, lasting: bool = False) -> Finding:
    return Finding(Status.UNHEALTHY, reason, remedy or READ_LOG, lasting)


def _reachable(
    serving: FabricError | None,
    operations: Operations | FabricError,
    address: str,
    operations_address: str,
    service: str = "gRPC",
) -> Iterator[Finding]:
    """Whether the service and the operations endpoint answer; one finding where the whole node is silent."""
    if isinstance(serving, NotReadyError) and isinstance(operations, NotReadyError):
        where = f"neither {service} {address} nor operations {operations_address}"
        yield _unhealthy(f"does not answer: {where}: {operations.what}", START)
        return
    if serving is not None:
        # Without what was asked: how it is asked is the check's own affair.
        said = serving.what.rpartition(" failed: ")[2]
        yield _unhealthy(f"{service} {address} does not serve: {said}", serving.next_step or READ_LOG)
    if isinstance(operations, FabricError):
        reason = f"operations {operations_address}: {operations.what}"
        yield Finding(Status.DEGRADED, reason, operations.next_step or READ_LOG)
        return
    for check in operations.failed_checks:
        yield _unhealthy(f"its own health check fails: {check}", READ_LOG)
    if operations.metrics is None:
        remedy = "set its metrics provider to prometheus"
        yield Finding(Status.DEGRADED, f"operations {operations_address}: it keeps no metrics", remedy, True)


def _node_verdict(
    evidence: OrdererEvidence | PeerEvidence,
    kind: str,
    findings: list[Finding],
    facts: dict[str, Any],
    rules: Rules,
) -> Health:
    operations = evidence.operations
    served = ""
    if not isinstance(operations, FabricError):
        facts, served = {"version": operations.version, **facts}, operations.certificate_pem
    days, problems = _certificates(evidence.certificates, served, rules)
    node = evidence.node
    return verdict(node.name, kind, node.organization, [*findings, *problems], {**facts, **_days_facts(days)})


def _certificates(
    found: Certificates | FabricError, served_pem: str, rules: Rules
) -> tuple[dict[str, float], list[Finding]]:
    """Days by certificate and what is wrong with them, those in the store and the one that is served."""
    if isinstance(found, FabricError):
        return {}, [_unhealthy(f"its certificates: {found.what} {found.where}".rstrip(), found.next_step)]
    days, findings = dict(found.days), []
    if served_pem and not _same(served_pem, found.tls_pem):
        days["served TLS"] = x509.days_left(served_pem)
        if found.tls_pem:
            reason = "it serves another TLS certificate than the one in the store"
            findings.append(Finding(Status.DEGRADED, reason, RESTART))
    for label, left in sorted(days.items(), key=lambda item: item[1]):
        if left <= 0:
            reason = f"its {label} certificate expired {math.ceil(-left)} days ago"
            findings.append(_unhealthy(reason, RENEW, True))
        elif left < rules.certificate_days_min:
            reason = f"its {label} certificate expires in {math.floor(left)} days"
            findings.append(Finding(Status.DEGRADED, reason, RENEW, True))
    return days, findings


def _same(pem: str, other: str) -> bool:
    return bool(other) and x509.load_certificate(pem) == x509.load_certificate(other)


def _days_facts(days: dict[str, float]) -> dict[str, Any]:
    if not days:
        return {}
    whole = {label: math.floor(left) for label, left in days.items()}
    return {"cert_days": min(whole.values()), "certificates": whole}
