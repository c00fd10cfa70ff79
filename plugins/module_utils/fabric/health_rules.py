"""What healthy means: pure rules from evidence to verdicts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import x509
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.clock import Clock
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import (
    FabricError,
    NoAnswerError,
    NotReadyError,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import (
    Finding,
    Health,
    Status,
    verdict,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_channel import BFT, ChannelView
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    AuthorityEvidence,
    Certificates,
    Ledger,
    NoLeaderError,
    OrdererEvidence,
    PeerEvidence,
    State,
    StoreEvidence,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.operations import Operations
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import (
    ACTIVE,
    CONSENTER,
    ChannelStatus,
)

READ_LOG = "read its log on its host"
START = "start it, or read its log on its host"
CHANNEL = "run site.yml, its channel step brings nodes and channels together"
RENEW = "renew the certificate"
RESTART = "restart its service, it reads certificates when it starts"
_LEADER = (
    "if it stays so, compare the consenters' certificates with the channel's, and the network between them"
)
HANGS = (
    "it hangs or is paused, or packets to it are lost: look at its container on its host, and at firewalls"
)
HOST = "check that this host runs, and the network to it"
STATE = "look at its CouchDB where it has one, and read its log"
CLOCK = (
    "look at the time service on its host (chronyc tracking, or timedatectl); if every node shows it, at the "
    "clock of the machine that asks"
)
_CHAINCODE = "start the chaincode's container beside its peer, or read its log"
_COMMIT = "run site.yml, its chaincode step commits it"
_DAMAGE = "stop it and restore or rebuild its ledger; check the disk of its host (dmesg)"
# Fabric's own limit for the age of a request, orderers' and peers' ``authentication.timewindow``.
_TIME_WINDOW_S = 15 * 60
# Of a hash, in a reason.
_SHOWN = 16
_FORK = "compare this block on all members; stop those that are wrong, and restore or rebuild their ledgers"


@dataclass(frozen=True)
class Rules:
    """What is still well.

    :param certificate_days_min: less is degraded
    :param max_lag: blocks that a node may be behind
    :param max_skew: seconds that a clock may be off
    :param silent_hosts: addresses at which nothing at all answers
    """

    certificate_days_min: int = 14
    max_lag: int = 0
    max_skew: float = 60.0
    silent_hosts: frozenset[str] = frozenset()


def judge_orderer(evidence: OrdererEvidence, channels: dict[str, ChannelView], rules: Rules) -> Health:
    """``channels`` are those that it should serve."""
    node = evidence.node
    findings = [
        *_reachable(evidence.serving, evidence.operations, node.address, node.operations_address, rules)
    ]
    facts: dict[str, Any] = {}
    if not evidence.dead:
        if evidence.admin is not None:
            reason = f"participation API: {evidence.admin.what}"
            brief = "its participation API does not answer as it should"
            findings.append(_unhealthy(reason, evidence.admin.next_step, brief=brief))
        elif evidence.serving is None:
            for name, view in channels.items():
                findings += _orderer_channel(evidence, name, view, rules)
        facts["channels"] = {name: _orderer_facts(evidence, name, view) for name, view in channels.items()}
    return _node_verdict(evidence, "orderer", findings, facts, rules)


def judge_peer(evidence: PeerEvidence, channels: dict[str, ChannelView], rules: Rules) -> Health:
    """``channels`` are those that it should have joined."""
    node = evidence.node
    serving = evidence.joined if isinstance(evidence.joined, FabricError) else None
    findings = [*_reachable(serving, evidence.operations, node.address, node.operations_address, rules)]
    facts: dict[str, Any] = {}
    if not isinstance(evidence.joined, FabricError):
        for view in channels.values():
            findings += _peer_channel(evidence, evidence.joined, view, rules)
        facts["channels"] = {name: _peer_facts(evidence, name, view) for name, view in channels.items()}
    return _node_verdict(evidence, "peer", findings, facts, rules)


def judge_authority(evidence: AuthorityEvidence, rules: Rules) -> Health:
    """A fabric-ca server is healthy when both of its CAs answer and are those of the store."""
    authority, info = evidence.authority, evidence.info
    findings: list[Finding] = []
    serving = info if isinstance(info, FabricError) else None
    if evidence.operations is not None:
        findings += _reachable(
            serving, evidence.operations, authority.address, authority.operations_address, rules, "HTTPS"
        )
    elif serving:
        at = f"HTTPS {authority.address}"
        remedy = serving.next_step or START
        findings.append(_unhealthy(f"{at}: {serving.what}", remedy, brief=f"{at} does not serve"))
    findings += _clock(evidence.operations, rules)
    served = ""
    facts: dict[str, Any] = {}
    if not isinstance(info, FabricError):
        served, facts["version"] = info.certificate_pem, info.version
        for name in info.foreign:
            reason = f"its CA {name!r} signs with another certificate than the one in the store"
            findings.append(_unhealthy(reason, "stop it, check its secrets and its home, start it", True))
    days, problems = _certificates(evidence.certificates, served, rules)
    facts |= {**_clock_facts(evidence.operations), **_days_facts(days)}
    return verdict(authority.name, "ca", authority.organization, [*findings, *problems], facts)


def judge_store(evidence: StoreEvidence | FabricError, rules: Rules) -> Health:
    """A store is healthy when it is initialised and unsealed."""
    if isinstance(evidence, FabricError):
        finding = _detailed("does not answer", evidence.what, evidence.next_step or START)
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
    findings += judge_clock(evidence.clock, rules.max_skew)
    facts = {
        "version": evidence.version,
        "standby": evidence.standby,
        "sealed": evidence.sealed,
        **({"clock": evidence.clock.as_dict()} if evidence.clock else {}),
        **_days_facts(days),
    }
    return verdict("store", "store", "", [*findings, *problems], facts)


def unjudged(subject: str, kind: str, organization: str, error: FabricError) -> Health:
    """A thing that nobody can ask, because the keys for it are not to be had."""
    at = f" ({error.where})" if error.where else ""
    finding = _detailed("cannot be judged without its keys", f"{error.what}{at}", error.next_step)
    return verdict(subject, kind, organization, [finding], {})


# --- one channel of one node ---


def _orderer_channel(
    evidence: OrdererEvidence, name: str, view: ChannelView, rules: Rules
) -> Iterator[Finding]:
    status, ledger = evidence.statuses.get(name), evidence.ledgers.get(name)
    at = f"channel {name}"
    if isinstance(status, FabricError):
        brief = f"{at}: its participation API does not answer as it should"
        yield _unhealthy(f"{at}: participation API: {status.what}", status.next_step or READ_LOG, brief=brief)
    elif status is None and name in evidence.statuses:
        yield _unhealthy(f"{at}: it has not joined", CHANNEL)
        return
    elif status is not None:
        if status.relation != CONSENTER:
            yield _unhealthy(f"{at}: it is {status.relation}, not consenter", CHANNEL)
        if status.status != ACTIVE:
            yield _unhealthy(f"{at}: its status is {status.status}", READ_LOG)
    if isinstance(ledger, NoLeaderError):
        yield _unhealthy(f"{at}: it knows no {view.consensus} leader", _LEADER)
    elif isinstance(ledger, FabricError):
        yield _unread(at, ledger)
        if isinstance(status, ChannelStatus):
            yield from _behind(at, status.height, view, rules)
    elif ledger is not None:
        if view.leaderless and view.consensus == BFT:
            # A BFT orderer says who led its newest block; after a change it is silent until the next one.
            reason = f"{at}: who led its newest block does not lead any more"
            yield Finding(Status.DEGRADED, reason, "commit a transaction, the next block shows who leads")
        elif view.leaderless:
            yield _unhealthy(f"{at}: no consenter says that it is the {view.consensus} leader", _LEADER)
        yield from _ledger(evidence.node.name, at, ledger, view, rules)
    if len(view.leaders) > 1:
        yield _unhealthy(f"{at}: several {view.consensus} leaders: {', '.join(view.leaders)}", _LEADER)
    yield from _quorum(at, view)


def _quorum(at: str, view: ChannelView) -> Iterator[Finding]:
    counted = f"{at}: {view.active} of {view.consenters} consenters active"
    names = ", ".join(view.missing)
    who = f", without {names}" if names else ", without one that the leader does not hear"
    if view.active < view.quorum:
        remedy = f"bring back {names or 'the orderers that do not run'}"
        yield _unhealthy(f"{counted}, no quorum ({view.quorum}){who if names else ''}", remedy)
    elif view.active < view.consenters:
        remedy = f"bring back {names or 'the orderer that takes no part'}, before another one stops"
        yield Finding(Status.DEGRADED, f"{counted}, quorum ({view.quorum}) remains{who}", remedy)
    if view.consenters != view.defined:
        reason = f"{at}: has {view.consenters} consenters, its definition names {view.defined}"
        yield Finding(Status.DEGRADED, reason, CHANNEL)


def _peer_channel(
    evidence: PeerEvidence, joined: list[str], view: ChannelView, rules: Rules
) -> Iterator[Finding]:
    at, ledger = f"channel {view.name}", evidence.ledgers.get(view.name)
    if view.name not in joined:
        yield _unhealthy(f"{at}: it has not joined", CHANNEL)
        return
    if isinstance(ledger, FabricError):
        yield _unread(at, ledger)
    elif ledger is not None:
        yield from _ledger(evidence.node.name, at, ledger, view, rules)
    state = evidence.states.get(view.name)
    if isinstance(state, FabricError):
        # Where the ledger does not answer either it is the peer, not its state database.
        if not isinstance(ledger, FabricError):
            yield _detailed(f"{at}: its state database does not answer", _said(state), STATE)
        return
    for name, error in evidence.chaincodes.get(view.name, {}).items():
        if state is not None and name not in state.chaincodes:
            yield _unhealthy(f"{at}: chaincode {name} is not committed", _COMMIT)
        elif error is not None:
            yield _detailed(f"{at}: chaincode {name} does not answer through it", _said(error), _CHAINCODE)


def _unread(at: str, error: FabricError) -> Finding:
    return _unhealthy(
        f"{at}: {error.what}", error.next_step or READ_LOG, brief=f"{at}: its ledger cannot be read"
    )


def _said(error: FabricError) -> str:
    """What came back, without what was asked: how it is asked is the check's own affair."""
    return error.what.rpartition(" failed: ")[2]


def _ledger(name: str, at: str, ledger: Ledger, view: ChannelView, rules: Rules) -> Iterator[Finding]:
    fork = view.forked.get(name)
    if fork:
        elsewhere = ", ".join(text[:_SHOWN] for text in fork.others)
        reason = (
            f"{at}: its block {fork.number} ({fork.hash[:_SHOWN]}) is another one than elsewhere ({elsewhere}),"
            " a fork"
        )
        yield _unhealthy(
            reason, _FORK, True, f"{at}: one of its blocks is another one than elsewhere, a fork"
        )
    if ledger.damage:
        reason = f"{at}: its newest block ({ledger.height - 1}) {ledger.damage}"
        brief = f"{at}: its newest block {ledger.damage.partition(':')[0]}"
        yield _unhealthy(reason, _DAMAGE, True, brief)
    if not fork:
        # It takes no more blocks, and does not catch up.
        yield from _behind(at, ledger.height, view, rules)


def _behind(at: str, height: int, view: ChannelView, rules: Rules) -> Iterator[Finding]:
    lag = view.height - height
    if lag > rules.max_lag:
        blocks = "1 block" if lag == 1 else f"{lag} blocks"
        remedy = "wait; if it does not catch up, read its log and check that it reaches the orderers"
        reason = f"{at}: {blocks} behind ({height} of {view.height})"
        yield Finding(Status.DEGRADED, reason, remedy, brief=f"{at}: behind the others")


def _ledger_facts(name: str, ledger: Ledger | FabricError | None, view: ChannelView) -> dict[str, Any]:
    if not isinstance(ledger, Ledger):
        return {}
    fork = view.forked.get(name)
    differs = {"fork": fork.number, "fork_hash": fork.hash} if fork else {}
    return {"height": ledger.height, "lag": view.height - ledger.height, "hash": ledger.hash, **differs}


def _peer_facts(evidence: PeerEvidence, name: str, view: ChannelView) -> dict[str, Any]:
    facts = _ledger_facts(evidence.node.name, evidence.ledgers.get(name), view)
    chaincodes = {label: error is None for label, error in evidence.chaincodes.get(name, {}).items()}
    return {**facts, **({"chaincodes": chaincodes} if chaincodes else {})}


def _orderer_facts(evidence: OrdererEvidence, name: str, view: ChannelView) -> dict[str, Any]:
    facts = _ledger_facts(evidence.node.name, evidence.ledgers.get(name), view)
    status = evidence.statuses.get(name)
    if status is not None and not isinstance(status, FabricError):
        lag = max(0, view.height - status.height)
        known = {"status": status.status, "relation": status.relation}
        facts = {"height": status.height, "lag": lag, **facts, **known}
    if view.leaders and not isinstance(evidence.ledgers.get(name), FabricError):
        facts["leader"] = ", ".join(view.leaders)
    missing = {"missing": list(view.missing)} if view.missing else {}
    counted = {"active": view.active, "consenters": view.consenters, "quorum": view.quorum}
    return {**facts, "consensus": view.consensus, **counted, **missing}


# --- what all have in common ---


def _unhealthy(reason: str, remedy: str, lasting: bool = False, brief: str = "") -> Finding:
    return Finding(Status.UNHEALTHY, reason, remedy or READ_LOG, lasting, brief)


def _detailed(brief: str, detail: str, remedy: str) -> Finding:
    """Unhealthy, with what came back, which differs from time to time."""
    return _unhealthy(f"{brief}: {detail}", remedy, brief=brief)


def _reachable(
    serving: FabricError | None,
    operations: Operations | FabricError,
    address: str,
    operations_address: str,
    rules: Rules,
    service: str = "gRPC",
) -> Iterator[Finding]:
    """Whether the service and the operations endpoint answer; one finding where the whole node is silent."""
    if isinstance(serving, NotReadyError) and isinstance(operations, NotReadyError):
        where = f"neither {service} {address} nor operations {operations_address}"
        reason = f"does not answer: {where}: {operations.what}"
        host = address.rpartition(":")[0]
        if host in rules.silent_hosts:
            yield _unhealthy(f"{reason}; nothing at {host} answers", HOST)
        else:
            yield _unhealthy(reason, HANGS if isinstance(operations, NoAnswerError) else START)
        return
    if serving is not None:
        remedy = serving.next_step or READ_LOG
        yield _detailed(f"{service} {address} does not serve", _said(serving), remedy)
    if isinstance(operations, FabricError):
        where = f"operations {operations_address}"
        brief = f"{where} does not answer as it should"
        reason, remedy = f"{where}: {operations.what}", operations.next_step or READ_LOG
        yield Finding(Status.DEGRADED, reason, remedy, brief=brief)
        return
    for check in operations.failed_checks:
        component, reason = check.partition(":")[0], f"its own health check fails: {check}"
        remedy = STATE if component == "couchdb" else READ_LOG
        yield _unhealthy(reason, remedy, brief=f"its own health check fails: {component}")
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
    signed = ""
    if isinstance(evidence, PeerEvidence):
        states = [state for state in evidence.states.values() if isinstance(state, State)]
        signed = next((state.certificate_pem for state in states if state.certificate_pem), "")
    days, problems = _certificates(evidence.certificates, served, rules, signed)
    findings = [*findings, *_clock(operations, rules), *problems]
    node = evidence.node
    facts = {**facts, **_clock_facts(operations), **_days_facts(days)}
    return verdict(node.name, kind, node.organization, findings, facts)


def _clock(operations: Operations | FabricError | None, rules: Rules) -> Iterator[Finding]:
    if isinstance(operations, Operations):
        yield from judge_clock(operations.clock, rules.max_skew)


def judge_clock(clock: Clock | None, max_skew: float, lasting: bool = False) -> Iterator[Finding]:
    """Nothing where the clock is not known, or off by what may be the way of the answer."""
    if clock is None or clock.certain <= max_skew:
        return
    way = "ahead of" if clock.skew > 0 else "behind"
    reason = f"its clock is {abs(clock.skew):.1f} s {way} ours ({clock.source})"
    brief = f"its clock is {way} ours"
    if clock.certain < _TIME_WINDOW_S:
        yield Finding(Status.DEGRADED, reason, CLOCK, lasting, brief)
    else:
        refused = "; nodes refuse requests that are 15 minutes off"
        yield _unhealthy(reason + refused, CLOCK, lasting, brief + refused)


def _clock_facts(operations: Operations | FabricError | None) -> dict[str, Any]:
    if isinstance(operations, Operations) and operations.clock:
        return {"clock": operations.clock.as_dict()}
    return {}


def _certificates(
    found: Certificates | FabricError, served_pem: str, rules: Rules, signed_pem: str = ""
) -> tuple[dict[str, float], list[Finding]]:
    """Days by certificate and what is wrong with them, those in the store and those that are served.

    :param served_pem: the TLS certificate that it presents
    :param signed_pem: the one that it signs with
    """
    if isinstance(found, FabricError):
        reason = f"its certificates: {found.what} {found.where}".rstrip()
        return {}, [_unhealthy(reason, found.next_step, brief="its certificates cannot be read")]
    days, findings = dict(found.days), []
    shown = {
        "TLS": ("serves another TLS", served_pem, found.tls_pem),
        "signing": ("signs with another", signed_pem, found.sign_pem),
    }
    for label, (does, seen, stored) in shown.items():
        if seen and not _same(seen, stored):
            days[f"served {label}" if stored else label] = x509.days_left(seen)
            if stored:
                reason = f"it {does} certificate than the one in the store"
                findings.append(Finding(Status.DEGRADED, reason, RESTART))
    for label, left in sorted(days.items(), key=lambda item: item[1]):
        if left <= 0:
            reason = f"its {label} certificate expired {math.ceil(-left)} days ago"
            findings.append(_unhealthy(reason, RENEW, True, f"its {label} certificate has expired"))
        elif left < rules.certificate_days_min:
            reason = f"its {label} certificate expires in {math.floor(left)} days"
            brief = f"its {label} certificate expires soon"
            findings.append(Finding(Status.DEGRADED, reason, RENEW, True, brief))
    return days, findings


def _same(pem: str, other: str) -> bool:
    """Whether it is the same certificate, its signature aside: Fabric's MSP shows its own with a low S."""
    if not other:
        return False
    one, two = x509.load_certificate(pem), x509.load_certificate(other)
    return one.tbs_certificate_bytes == two.tbs_certificate_bytes


def _days_facts(days: dict[str, float]) -> dict[str, Any]:
    if not days:
        return {}
    whole = {label: math.floor(left) for label, left in days.items()}
    return {"cert_days": min(whole.values()), "certificates": whole}
