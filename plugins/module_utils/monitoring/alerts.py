"""Alert rules: each one something that an operator gets up for (critical), sees to today (warning), plans for (info).

Thresholds stand here and nowhere else; those that others hold, too, in ``model/limits.py``. Each alert has its section
in docs/operator/alerts.md, and is fired and left silent by ``promtool test rules`` in
tests/unit/plugins/module_utils/monitoring/test_alerts.py.

Metrics ``selvedge_*`` come from the health exporter, and from files for the node exporter, which runs leave there and,
where logs are collected, the guard of the engine's socket.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.limits import COMMIT_SLOW_S
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.prometheus import WATCHING
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.records import (
    AT_RISK,
    LEADERLESS,
    LOST,
)

RUNBOOK = "docs/operator/alerts.md"
CRITICAL, WARNING, INFO = "critical", "warning", "info"
# Nodes that the ledger needs. Jobs of probes are not up or down themselves.
_LEDGER = 'job=~"orderer|peer|ca|couchdb|store"'
_WATCHING = f'job=~"{"|".join(WATCHING)}"'
# A collector that has no metrics to be asked for.
_GONE = 'selvedge_container_running{container=~"fluent-bit-.+"} == 0'
_NOT_ASKED = f'label_replace({_GONE}, "node", "$1", "container", "(.+)")'
_DISKS = 'fstype!~"tmpfs|ramfs|squashfs|iso9660"'
_DAY_S = 86400
# What a run of site.yml leaves for the node exporter: docs/operator/runs.md.
_LAST_RUN = "selvedge_deployment_last_run_timestamp_seconds"
_CHECKED, _RUN = ('playbook="site",mode="check"', 'playbook="site",mode="run"')
_RUN_SINCE = (
    f"max by (network) ({_LAST_RUN}{{{_RUN}}} and selvedge_deployment_success{{{_RUN}}} == 1)"
    f" > max by (network) ({_LAST_RUN}{{{_CHECKED}}})"
)
# Of every container that the model has, also of those that have no metrics of their own; exact, where increase() is an
# estimate. The guard counts what the engine tells it of. Whoever only looks misses what has ended before he looks.
_STARTS = (
    "label_replace(selvedge_container_starts_total - min_over_time(selvedge_container_starts_total[15m]),"
    ' "node", "$1", "container", "(.+)")'
)


@dataclass(frozen=True)
class Alert:
    """One rule.

    :param wait: how long the expression has to hold, as Prometheus writes a duration
    :param summary: one line, with labels as ``{{ $labels.node }}``
    :param description: what it means
    :param remedy: what to do first; all of it is in the runbook
    """

    name: str
    severity: str
    expression: str
    wait: str
    summary: str
    description: str
    remedy: str

    @property
    def runbook(self) -> str:
        """Page and anchor."""
        return f"{RUNBOOK}#{self.name.lower()}"

    def rule(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.wait,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "remedy": self.remedy,
                "runbook": self.runbook,
            },
        }


def _of_disk(expression: str) -> str:
    """Of a host's disk, whoever measured it: these are no alerts about the node exporter."""
    return f"min by (host, mountpoint) ({expression})"


def _free(what: str, of: str) -> str:
    return _of_disk(f"node_filesystem_{what}{{{_DISKS}}} / node_filesystem_{of}{{{_DISKS}}}")


def _placed(expression: str) -> str:
    """What the exporter says of a subject, with the name and the host that the subject's own metrics carry.

    So a host that is down, or a store that is sealed, silences it. Who has no metrics keeps its name.
    """
    named = f'label_replace({expression}, "node", "$1", "subject", "(.+)")'
    return (
        f"({expression}) * on (subject) group_left (node, host, kind) selvedge:node"
        f" or {named} unless on (subject) selvedge:node"
    )


def _verdict(status: int, suffering: str) -> str:
    """Verdicts; with the label ``channel`` where it is all the channel's, so that the channel's alert silences it."""
    found = f"selvedge_node_status == {status}"
    return _placed(
        f"{found} unless on (subject) {suffering}"
        f" or {suffering} * on (subject) group_left (kind, organization) ({found})"
    )


_STORE = 'label_replace(max(selvedge_store_sealed) == 1, "subject", "store", "", "")'
_SEALED = f"max by (node, host) ({_placed(_STORE)})"

# What a verdict of the health check is about, in an alert's template.
_NODE, _CHANNEL = "$labels.subject", '(print "channel " $labels.channel)'


def _asked(subject: str, status: int, found: str, otherwise: str = "") -> str:
    """A template that asks why the health check finds something so: ``found`` is written of the answer."""
    query = (
        f"query (printf `selvedge_health_reason{{subject=%q}} == {status}` {subject}) | sortByLabel `reason`"
    )
    return f"{{{{ with {query} }}}}{found}{{{{ else }}}}{otherwise}{{{{ end }}}}"


def _reasons(subject: str, status: int) -> str:
    """A sentence for each reason."""
    return _asked(subject, status, "The health check says: {{ range . }}{{ .Labels.reason }}. {{ end }}")


def _remedy(subject: str, status: int) -> str:
    """What to do about the first of them, or who knows."""
    first = "{{ with first . }}{{ .Labels.remedy }}{{ end }}"
    return _asked(subject, status, first, "run verify.yml, it gives reasons and remedies")


def _expiring(least: int | None, most: int) -> str:
    """Days left: less than ``most``, and no less than ``least``; of what servers show, and of what the exporter sees.

    That is also what peers sign with, and what it shows itself as a user of each organisation.
    """
    asked = f"< {most}" if least is None else f"< {most} >= {least}"
    stored = _placed("selvedge_certificate_days")
    return f"selvedge:certificate_days {asked} or on (node) ({stored}) {asked}"


_BOOT = "docs/reference/boot-material.md"


def _by_kind(**texts: str) -> str:
    """A template: a text for the kinds of what an alert is about, ``otherwise`` for all others."""
    others = texts.pop("otherwise")
    parts = "{{ else ".join(f'if eq $labels.kind "{kind}" }}}}{text}' for kind, text in texts.items())
    return f"{{{{ {parts}{{{{ else }}}}{others}{{{{ end }}}}"


def _renewal(store: str, registry: str, ca: str, otherwise: str) -> str:
    """Who renews a certificate: each step of site.yml its own, and nobody what the bootstrap CA has signed."""
    return _by_kind(store=store, registry=registry, ca=ca, otherwise=otherwise)


_RENEW = _renewal(
    f"make its host a new one, as {_BOOT} says of the store's TLS key; the bootstrap CA has signed it",
    f"make its host a new one, as {_BOOT} says of the registry's TLS key; the bootstrap CA has signed it",
    "run site.yml --tags certificate_authority, wait a minute until its host has it, then restart it",
    "run site.yml --tags identity, wait a minute until its host has it, then restart what serves it",
)
_PLAN = _renewal(
    f"plan to make its host a new one, as {_BOOT} says of the store's TLS key",
    f"plan to make its host a new one, as {_BOOT} says of the registry's TLS key",
    "plan a run of site.yml and a restart of it",
    "plan a run of site.yml and a restart of what serves it",
)

ALERTS = (
    # Hosts and nodes
    Alert(
        "HostDown",
        CRITICAL,
        'max by (host) (up{host!="",job!~"certificate|chaincode|store-seal"}) == 0',
        "30s",
        "Host {{ $labels.host }} does not answer",
        "Nothing on it answers Prometheus. Alerts about what runs there are silenced.",
        "bring the host back; its stacks start by themselves",
    ),
    Alert(
        "NodeDown",
        CRITICAL,
        f"up{{{_LEDGER}}} == 0",
        "1m",
        "{{ $labels.node }} does not answer",
        "Its operations endpoint could not be asked for a minute.",
        "start it with docker start on its host if it is stopped; if it ends again and again, read its log",
    ),
    Alert(
        "TargetDown",
        WARNING,
        f"up{{{_WATCHING}}} == 0 or {_NOT_ASKED}",
        "2m",
        "{{ $labels.node }} does not answer",
        "A part of the monitoring is missing: what it would tell is not known. The ledger does not need it.",
        "start it with docker start on its host if it is stopped; run site.yml if it is not there at all",
    ),
    Alert(
        "NodeUnhealthy",
        CRITICAL,
        _verdict(2, "selvedge:orderer:without_quorum"),
        "2m",
        "{{ $labels.node }} is unhealthy",
        f"{_reasons(_NODE, 2)}It does not do its work.",
        _remedy(_NODE, 2),
    ),
    Alert(
        "NodeDegraded",
        WARNING,
        _verdict(1, "selvedge:orderer:at_risk"),
        "10m",
        "{{ $labels.node }} is degraded",
        f"{_reasons(_NODE, 1)}It serves, and something is not as it should be.",
        _remedy(_NODE, 1),
    ),
    Alert(
        "ContainerRestarting",
        WARNING,
        # A node may be in both: it is one alert.
        f"max by (node, host) ({_STARTS} or changes(process_start_time_seconds[15m])) > 2",
        "0s",
        "{{ $labels.node }} was started {{ $value }} times in 15 minutes",
        "It ends and is started again and again.",
        "read the last lines of its log; raise its memory in the model where it ran out of it",
    ),
    Alert(
        "ClockSkew",
        WARNING,
        "max by (host) (abs(node_time_seconds - timestamp(node_time_seconds))) > 2"
        " or on (host) max by (host) (abs(selvedge_clock_skew_seconds)) > 2",
        "2m",
        "The clock of {{ $labels.host }} is {{ $value | humanize }} s off",
        "Certificates and requests are judged by the clock. At 15 minutes nodes refuse each other's requests.",
        "bring back time synchronisation on the host; where all hosts are off, on that of the monitoring",
    ),
    Alert(
        "DiskFilling",
        WARNING,
        # Minutes say nothing of a day, so there has to be an hour of it.
        f"{_of_disk(f'predict_linear(node_filesystem_avail_bytes{{{_DISKS}}}[6h], {_DAY_S})')} < 0"
        f" and {_free('avail_bytes', 'size_bytes')} < 0.5"
        f" and {_of_disk(f'node_filesystem_avail_bytes{{{_DISKS}}} offset 1h')}",
        "30m",
        "{{ $labels.mountpoint }} of {{ $labels.host }} is full within a day",
        "If it goes on as in the last six hours.",
        "give it more room, or free some: docker image prune",
    ),
    Alert(
        "DiskFull",
        CRITICAL,
        f"{_free('avail_bytes', 'size_bytes')} < 0.08 or {_free('files_free', 'files')} < 0.05",
        "1m",
        "{{ $labels.mountpoint }} of {{ $labels.host }} has {{ $value | humanizePercentage }} left",
        "Of its bytes or of its inodes. A node whose disk is full stops, and may not start again.",
        "make room: docker image prune, old logs and backups; never by hand below /var/lib/selvedge",
    ),
    # Ordering
    Alert(
        "NoLeader",
        CRITICAL,
        # Without a quorum there is none, and when it is back an election takes its time.
        f"{LEADERLESS} and on (channel) selvedge:consenters:active >= selvedge:consenters:quorum",
        "1m",
        "Channel {{ $labels.channel }} has no leader",
        "Orderers answer, and none of them leads: nothing is committed.",
        "bring back orderers that are down; if all are there, check the network and the clocks between them",
    ),
    Alert(
        "QuorumLost",
        CRITICAL,
        LOST,
        "30s",
        "Channel {{ $labels.channel }} has {{ $value }} active orderers, too few for a quorum",
        "Nothing is committed until enough of them are back.",
        "bring back one of the orderers that are down, whichever is quickest",
    ),
    Alert(
        "QuorumAtRisk",
        WARNING,
        AT_RISK,
        "2m",
        "Channel {{ $labels.channel }} stands still if one more orderer is lost",
        "No more orderers are active than a quorum needs.",
        "bring back the orderer that is missing, and restart nothing else meanwhile",
    ),
    # Ledgers
    Alert(
        "HeightDiverging",
        WARNING,
        "selvedge:height_lag > 20 and delta(selvedge:height_lag[5m]) >= 0",
        "3m",
        "{{ $labels.node }} is {{ $value }} blocks behind in {{ $labels.channel }}",
        "And it does not catch up.",
        "read its log: whether it reaches orderers and other peers, and whether it commits",
    ),
    Alert(
        "Fork",
        CRITICAL,
        "max by (channel) (selvedge_fork) > 0",
        "0s",
        "Members disagree about a block of channel {{ $labels.channel }}",
        "At one height there are two hashes. Somebody's ledger is not the ledger.",
        "run verify.yml, it names the nodes; stop the one that differs, and keep its files",
    ),
    Alert(
        "CommitProbeFailing",
        CRITICAL,
        "min by (channel) (selvedge_commit_probe_success) == 0",
        "1m",
        "No transaction gets through on channel {{ $labels.channel }}",
        f"{_reasons(_CHANNEL, 2)}A real transaction was not seen committed on every peer in time.",
        _remedy(_CHANNEL, 2),
    ),
    Alert(
        "CommitProbeSlow",
        WARNING,
        f"max by (channel) (selvedge_commit_probe_duration_seconds) > {COMMIT_SLOW_S}",
        "5m",
        "A commit on channel {{ $labels.channel }} takes {{ $value | humanizeDuration }}",
        "From submitting a transaction to seeing it on every peer.",
        "look for the host that is short of processor or disk",
    ),
    # Endorsing
    Alert(
        "EndorsementFailing",
        WARNING,
        # At least one failure in 50 seconds: a lone one is nobody's night.
        "selvedge:endorsement_failures:rate5m > 0.02",
        "2m",
        'Endorsements of {{ $labels.chaincode }} on {{ $labels.channel }} fail, {{ $value | printf "%.2f" }} a second',
        "Peers could not run the chaincode or not sign; what the chaincode refuses by its own rules is not counted.",
        "read the logs of the channel's peers and of the chaincode",
    ),
    Alert(
        "ChaincodeGone",
        CRITICAL,
        'probe_success{job="chaincode"} == 0',
        "1m",
        "Chaincode {{ $labels.node }} does not answer",
        "Its peer cannot endorse with it.",
        "start it with docker start on its host if it is stopped; if it ends by itself, read its log",
    ),
    # Keys
    Alert(
        "CertificateExpiresInADay",
        CRITICAL,
        _expiring(None, 1),
        "1m",
        'A certificate of {{ $labels.node }} has {{ $value | printf "%.1f" }} days left',
        "Less than a day, or it has expired: then nobody talks to it any more.",
        _RENEW,
    ),
    Alert(
        "CertificateExpiresInAWeek",
        WARNING,
        _expiring(1, 7),
        "5m",
        'A certificate of {{ $labels.node }} has {{ $value | printf "%.1f" }} days left',
        "Less than a week.",
        _RENEW,
    ),
    Alert(
        "CertificateExpiresInAMonth",
        INFO,
        _expiring(7, 30),
        "1h",
        'A certificate of {{ $labels.node }} has {{ $value | printf "%.1f" }} days left',
        "Less than a month.",
        _PLAN,
    ),
    Alert(
        "StoreSealed",
        CRITICAL,
        'max by (node, host) (probe_http_status_code{job="store-seal"}) == 503'
        # As the exporter sees it, where no probe does.
        f' or {_SEALED} unless on () probe_http_status_code{{job="store-seal"}} == 503',
        "1m",
        "The secrets store is sealed",
        "Running nodes go on. A host that boots gets no keys, and nothing can be enrolled.",
        "restart its container; if it stays sealed, check its seal key",
    ),
    Alert(
        "BackupTooOld",
        WARNING,
        f"max by (host) (time() - selvedge_backup_last_success_timestamp_seconds) > {26 * 3600}",
        "10m",
        "The last backup on {{ $labels.host }} is {{ $value | humanizeDuration }} old",
        "It should be made every day.",
        "make one, and see what the last one that failed said",
    ),
    # Keeping to the model
    Alert(
        "DriftFound",
        WARNING,
        # Of a host by a file of whoever looked; of the network by the last site.yml --check, until a run mends it.
        "max by (host) (selvedge_drift_changes) > 0"
        f" or sum by (network) (selvedge_deployment_changed{{{_CHECKED}}}) > 0 unless on (network) {_RUN_SINCE}",
        "0s",
        "{{ with $labels.host }}{{ . }}{{ else }}The network{{ end }} differs from the model in {{ $value }} places",
        "Somebody changed it by hand, or site.yml has not run since the model changed.",
        "run site.yml --check --diff, put what is right into the model, and run site.yml",
    ),
    # The monitoring itself
    Alert(
        "HealthUnknown",
        WARNING,
        "time() - selvedge_exporter_last_run_timestamp_seconds > 300"
        " or max by (channel) (time() - selvedge_commit_probe_last_run_timestamp_seconds) > 600",
        "1m",
        "Nobody has judged the network for {{ $value | humanizeDuration }}",
        "The health exporter answers, and its last health check or commit is old: what it says may not be so any more.",
        "read the log of the health exporter, and restart its container",
    ),
    Alert(
        "RulesFailing",
        WARNING,
        "increase(prometheus_rule_evaluation_failures_total[5m]) > 0",
        "5m",
        "Prometheus cannot evaluate a rule",
        "An alert may be missing.",
        "read Prometheus' log for the name of the rule",
    ),
    Alert(
        "NotificationsFailing",
        CRITICAL,
        "sum by (integration) (increase(alertmanager_notifications_failed_total[5m])) > 0",
        "2m",
        "Alertmanager cannot reach its {{ $labels.integration }} receivers",
        "Who should be woken may not be.",
        "check the address and the password of the receiver, and whether the host reaches it",
    ),
)


def alert_rules() -> dict[str, Any]:
    """The group of alert rules."""
    return {"name": "selvedge-alerts", "rules": [alert.rule() for alert in ALERTS]}
