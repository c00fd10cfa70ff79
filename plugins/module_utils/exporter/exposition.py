"""Verdicts and commit probes as Prometheus metrics; pure.

The names are a contract with the rules, alerts and pictures that read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health, Status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STATUS = {Status.HEALTHY: 0, Status.DEGRADED: 1, Status.UNHEALTHY: 2}
# A reason is a series while it lasts. Of one thing the gravest are told, there is nothing to learn from the fiftieth.
_REASONS = 8
# Name, kind and meaning.
FAMILIES = {
    "selvedge_node_status": ("gauge", "0 healthy, 1 degraded, 2 unhealthy."),
    "selvedge_health_reason": ("gauge", "Why something is not healthy: 1 it degrades, 2 it makes unhealthy."),
    "selvedge_channel_height": ("gauge", "Blocks of a member's copy of a channel."),
    "selvedge_channel_lag": ("gauge", "Blocks that a member is behind the channel's longest copy."),
    "selvedge_channel_leader": ("gauge", "1 for the consenter that leads a channel."),
    "selvedge_channel_consenters": ("gauge", "Consenters of a channel."),
    "selvedge_channel_consenters_active": ("gauge", "Consenters of a channel that take part."),
    "selvedge_chaincode_reachable": ("gauge", "Whether a chaincode answers through a peer."),
    "selvedge_certificate_days": ("gauge", "Days until a certificate expires."),
    "selvedge_clock_skew_seconds": ("gauge", "Seconds that a host's clock is ahead of ours, the worst of its nodes'."),
    "selvedge_store_sealed": ("gauge", "Whether the secrets store is sealed; nothing while it does not answer."),
    "selvedge_fork": ("gauge", "1 for a block of a channel that members disagree about."),
    "selvedge_commit_probe_success": ("gauge", "Whether the last probe was committed on every peer that answers."),
    "selvedge_commit_probe_duration_seconds": ("gauge", "From the last probe's proposal until every peer had it."),
    "selvedge_commit_probe_last_run_timestamp_seconds": ("gauge", "When the last probe ended."),
    "selvedge_exporter_run_duration_seconds": ("gauge", "How long the last health check took."),
    "selvedge_exporter_last_run_timestamp_seconds": ("gauge", "When the last health check ended."),
    "selvedge_exporter_failures_total": ("counter", "Health checks and probes that the exporter itself broke off."),
}  # fmt: skip


@dataclass(frozen=True)
class Probed:
    """The last probe of a channel.

    :param seconds: how long it took, also when it failed
    :param ended: seconds since 1970
    """

    health: Health
    seconds: float
    ended: float


@dataclass(frozen=True)
class Snapshot:
    """All that is known at one moment.

    :param results: verdicts of the last health check; empty before the first
    :param ended: when it ended, seconds since 1970
    :param probes: by channel
    :param own_days: days that each certificate of the exporter's users is valid, by user and certificate
    """

    results: Sequence[Health] = ()
    seconds: float = 0.0
    ended: float = 0.0
    probes: Mapping[str, Probed] = field(default_factory=dict)
    own_days: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    failures: int = 0


_Sample = tuple[str, dict[str, str], float]


def render(snapshot: Snapshot, hosts: Mapping[str, str]) -> str:
    """The text of a scrape: each family with its help, and only families that have a sample.

    :param hosts: the host of each node and CA
    """
    samples: dict[str, list[str]] = {name: [] for name in FAMILIES}
    for name, labels, value in _samples(snapshot, hosts):
        shown = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
        samples[name].append(f"{name}{{{shown}}} {value:.16g}" if shown else f"{name} {value:.16g}")
    lines: list[str] = []
    for name, found in samples.items():
        if found:
            kind, meaning = FAMILIES[name]
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", *found]
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _samples(snapshot: Snapshot, hosts: Mapping[str, str]) -> Iterator[_Sample]:
    for result in snapshot.results:
        labels = {"subject": result.subject, "kind": result.kind, "organization": result.organization}
        yield "selvedge_node_status", labels, STATUS[result.status]
        yield from _reasons(result)
        for certificate, days in result.facts.get("certificates", {}).items():
            yield "selvedge_certificate_days", {"subject": result.subject, "certificate": certificate}, days
        for channel, facts in result.facts.get("channels", {}).items():
            yield from _member(channel, result.subject, facts)
        if result.kind == "store" and "sealed" in result.facts:
            yield "selvedge_store_sealed", {}, int(result.facts["sealed"])
    for user, certificates in snapshot.own_days.items():
        for certificate, left in certificates.items():
            yield "selvedge_certificate_days", {"subject": user, "certificate": certificate}, left
    yield from _channels(snapshot.results)
    yield from _clocks(snapshot.results, hosts)
    for channel, probed in snapshot.probes.items():
        yield from _reasons(probed.health)
        yield (
            "selvedge_commit_probe_success",
            {"channel": channel},
            int(probed.health.status is not Status.UNHEALTHY),
        )
        yield "selvedge_commit_probe_duration_seconds", {"channel": channel}, probed.seconds
        yield "selvedge_commit_probe_last_run_timestamp_seconds", {"channel": channel}, probed.ended
    if snapshot.ended:
        yield "selvedge_exporter_run_duration_seconds", {}, snapshot.seconds
        yield "selvedge_exporter_last_run_timestamp_seconds", {}, snapshot.ended
    yield "selvedge_exporter_failures_total", {}, snapshot.failures


def _reasons(result: Health) -> Iterator[_Sample]:
    """In words that stay while the reason does: a number in a label would be a new series each time."""
    told: dict[tuple[str, str], Status] = {}
    for finding in result.findings:
        told.setdefault((finding.steady, finding.remedy), finding.status)
    for (reason, remedy), status in list(told.items())[:_REASONS]:
        labels = {"subject": result.subject, "kind": result.kind, "reason": reason, "remedy": remedy}
        yield "selvedge_health_reason", labels, STATUS[status]


def _member(channel: str, subject: str, facts: Mapping[str, Any]) -> Iterator[_Sample]:
    member = {"channel": channel, "subject": subject}
    for fact in ("height", "lag"):
        if fact in facts:
            yield f"selvedge_channel_{fact}", member, facts[fact]
    for chaincode, answers in facts.get("chaincodes", {}).items():
        labels = {"channel": channel, "chaincode": chaincode, "subject": subject}
        yield "selvedge_chaincode_reachable", labels, int(answers)


def _channels(results: Sequence[Health]) -> Iterator[_Sample]:
    """What several members say of the same channel, once."""
    leaders: dict[tuple[str, str], None] = {}
    forks: dict[tuple[str, int], None] = {}
    counts: dict[str, Mapping[str, Any]] = {}
    for result in results:
        for channel, facts in result.facts.get("channels", {}).items():
            for leader in facts.get("leader", "").split(", "):
                if leader:
                    leaders[channel, leader] = None
            if "fork" in facts:
                forks[channel, facts["fork"]] = None
            if "consenters" in facts:
                counts[channel] = facts
    for channel, leader in leaders:
        yield "selvedge_channel_leader", {"channel": channel, "subject": leader}, 1
    for channel, facts in counts.items():
        yield "selvedge_channel_consenters", {"channel": channel}, facts["consenters"]
        yield "selvedge_channel_consenters_active", {"channel": channel}, facts["active"]
    for channel, number in forks:
        yield "selvedge_fork", {"channel": channel, "number": str(number)}, 1


def _clocks(results: Sequence[Health], hosts: Mapping[str, str]) -> Iterator[_Sample]:
    """The worst clock of each host's nodes, as far as it is certain: what can be the network's is not counted."""
    skews: dict[str, float] = {}
    for result in results:
        host, clock = hosts.get(result.subject), result.facts.get("clock")
        if host is None or clock is None:
            continue
        certain = max(0.0, abs(clock["skew"]) - clock["uncertainty"])
        skew = certain if clock["skew"] >= 0 else -certain
        if host not in skews or abs(skew) > abs(skews[host]):
            skews[host] = skew
    for host, skew in skews.items():
        yield "selvedge_clock_skew_seconds", {"host": host}, round(skew, 3)
