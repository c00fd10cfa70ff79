"""What pictures ask Prometheus for: each question stands here once, for the network page and for Grafana's dashboards.

``{*}`` in an expression is where a picture narrows it to a channel, a node or a host; what stands before ``*`` stays.
Names with a colon are recording rules (records.py). A counter with labels is not there before it counts for the first
time: where that means none, the expression says 0 as long as a peer answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLACE = re.compile(r",?\*\}")
_EMPTY = re.compile(r"\{\}")
_NONE_YET = 'or on () 0 * max(up{job="peer"} == 1)'
# What is no disk of the host's.
_DISKS = 'fstype!~"tmpfs|ramfs|squashfs|iso9660",*'
_GATEWAY = 'service="gateway_Gateway",method="CommitStatus"'


@dataclass(frozen=True)
class Query:
    """One question.

    :param expression: PromQL, with ``{*}``
    :param unit: ``per_second``, ``seconds``, ``days``, ``blocks``, ``share`` (0 to 1), ``bytes``,
        ``count`` or ``state``
    :param labels: what tells its series apart; empty where there is one
    :param about: what the number means, in a sentence
    """

    name: str
    title: str
    expression: str
    unit: str
    labels: tuple[str, ...]
    about: str

    def ask(self, **matchers: str) -> str:
        """The expression, narrowed: label to regular expression, or to a variable of a dashboard."""
        wanted = ",".join(f'{label}=~"{value}"' for label, value in matchers.items())

        def place(match: re.Match[str]) -> str:
            comma = "," if wanted and match.group().startswith(",") else ""
            return f"{comma}{wanted}}}"

        return _EMPTY.sub("", _PLACE.sub(place, self.expression))


_ALL = (
    # How well it is
    Query("up", "Answers Prometheus", 'max by (job, node, host) (up{node!="",*})', "state", ("job", "node", "host"),
          "1 where the endpoint could be asked, 0 where it could not."),
    Query("verdict", "Health", "max by (subject, kind, organization) (selvedge_node_status{*})", "state",
          ("subject", "kind", "organization"), "0 healthy, 1 degraded, 2 unhealthy, by the rules of verify.yml."),
    Query("reason", "What is wrong, and what to do",
          f"max by (subject, kind, reason, remedy) (selvedge_health_reason{{*}}) {_NONE_YET}", "state",
          ("subject", "kind", "reason", "remedy"), "1 where it degrades, 2 where it makes unhealthy."),
    Query("verdict_age", "Age of the verdicts", "time() - max(selvedge_exporter_last_run_timestamp_seconds{*})",
          "seconds", (), "Since the last health check ended."),
    Query("reachable", "Chaincode through its peer",
          "min by (subject, channel, chaincode) (selvedge_chaincode_reachable{*})", "state",
          ("subject", "channel", "chaincode"), "1 where the chaincode answers through the peer."),
    Query("freshness", "Age of the newest sample", "time() - max(timestamp(up{*}))", "seconds", (),
          "How old the newest of all samples is."),
    Query("firing", "Alerts", f'count by (alertname, severity) (ALERTS{{alertstate="firing",*}}) {_NONE_YET}', "count",
          ("alertname", "severity"), "How many alerts fire."),
    # Ledgers
    Query("height", "Height", "max by (channel, node) (ledger_blockchain_height{*})", "blocks", ("channel", "node"),
          "Blocks in the node's ledger."),
    Query("lag", "Behind", "selvedge:height_lag{*}", "blocks", ("channel", "node"),
          "Blocks that the node is behind the highest one."),
    Query("throughput", "Transactions", "selvedge:transactions:rate5m{*}", "per_second", ("channel",),
          "Valid transactions a second, over five minutes."),
    Query("invalid", "Invalid transactions", f"selvedge:invalid_transactions:rate5m{{*}} {_NONE_YET}", "per_second",
          ("channel", "validation_code"), "Transactions a second that were ordered and refused, by the reason."),
    Query("blocks", "Blocks", "max by (channel) (deriv(ledger_blockchain_height{*}[5m]))", "per_second", ("channel",),
          "Blocks a second, over five minutes."),
    Query("block_commit", "Block commit, 95th percentile", "selvedge:block_commit_seconds:p95{*}", "seconds",
          ("channel", "node"), "What a peer takes to validate a block and write it."),
    # Ordering
    Query("leader", "Leads", "max by (channel, node) (consensus_etcdraft_is_leader{*} or consensus_BFT_is_leader{*})",
          "state", ("channel", "node"), "1 where the orderer says that it leads the channel."),
    Query("leader_changes", "Changes of leader",
          "max by (channel) (increase(consensus_etcdraft_leader_changes{*}[1h]) or 0 * consensus_BFT_is_leader{*})",
          "count", ("channel",), "How often the channel's leader changed in the last hour."),
    Query("active", "Active consenters", "selvedge:consenters:active{*}", "count", ("channel",),
          "Orderers that answer and take part."),
    Query("consenters", "Consenters", "selvedge:consenters:size{*}", "count", ("channel",),
          "Orderers that the channel has."),
    Query("quorum", "Quorum", "selvedge:consenters:quorum{*}", "count", ("channel",),
          "Orderers without which nothing is committed."),
    # Clients
    Query("latency", "Commit latency, 95th percentile", "selvedge:commit_latency_seconds:p95{*}", "seconds", ("node",),
          "What clients wait for after they have submitted: ordering, delivery and commit."),
    Query("submitted", "Waits for a commit",
          f"sum by (node) (rate(grpc_server_unary_requests_completed{{{_GATEWAY},*}}[5m]))",
          "per_second", ("node",), "Clients a second that waited at the peer's gateway for a commit."),
    Query("probe_success", "Commit probe", "min by (channel) (selvedge_commit_probe_success{*})", "state", ("channel",),
          "1 where the last real transaction was seen on every peer."),
    Query("probe_duration", "Commit probe", "max by (channel) (selvedge_commit_probe_duration_seconds{*})", "seconds",
          ("channel",), "From submitting a real transaction to seeing it on every peer."),
    Query("proposals", "Proposals", "selvedge:proposals:rate5m{*}", "per_second", ("node",),
          "Proposals a second that the peer was asked to endorse or to evaluate."),
    Query("endorsement_failures", "Endorsement failures",
          f"selvedge:endorsement_failures:rate5m{{*}} {_NONE_YET}", "per_second", ("channel", "chaincode"),
          "Endorsements a second that failed; what a chaincode refuses by its own rules is not counted."),
    Query("chaincode", "Chaincode answers",
          'min by (node, host, channel, chaincode) (probe_success{job="chaincode",*})', "state",
          ("node", "host", "channel", "chaincode"), "1 where the chaincode's server answers beside its peer."),
    # Keys and the store
    Query("served_days", "Certificate in use",
          "min by (node, host, organization) (selvedge:certificate_days{*})", "days", ("node", "host"),
          "Days until what the server shows expires."),
    # The exporter has no node's key: it sees what nodes show and sign with, and what it shows itself.
    Query("checked_days", "Certificates by the health check",
          "min by (subject, certificate) (selvedge_certificate_days{*})", "days", ("subject", "certificate"),
          "Days until a certificate expires that somebody shows or signs with."),
    Query("sealed", "Secrets store sealed", "max(selvedge_store_sealed{*})", "state", (),
          "1 while the store is sealed: no host gets keys."),
    # Hosts
    Query("cpu", "Processor", '1 - avg by (host) (rate(node_cpu_seconds_total{mode="idle",*}[5m]))', "share", ("host",),
          "The share of the host's processors that is busy."),
    Query("memory", "Memory", "1 - min by (host) (node_memory_MemAvailable_bytes{*} / node_memory_MemTotal_bytes{*})",
          "share", ("host",), "The share of the host's memory that is taken."),
    Query("disk", "Disk free",
          f"min by (host) (node_filesystem_avail_bytes{{{_DISKS}}} / node_filesystem_size_bytes{{{_DISKS}}})",
          "share", ("host",), "What is left of the fullest file system."),
    Query("inodes", "Inodes free",
          f"min by (host) (node_filesystem_files_free{{{_DISKS}}} / (node_filesystem_files{{{_DISKS}}} > 0))",
          "share", ("host",), "What is left of the inodes of the fullest file system."),
    Query("clock", "Clock off by",
          "max by (host) (abs(selvedge_clock_skew_seconds{*}))"
          " or max by (host) (abs(node_time_seconds{*} - timestamp(node_time_seconds{*})))", "seconds", ("host",),
          "How far the host's clock is from the clock of the monitoring."),
    # Processes
    Query("process_cpu", "Processor of the node", "sum by (node) (rate(process_cpu_seconds_total{*}[5m]))", "count",
          ("node",), "Processors that the node keeps busy."),
    Query("process_memory", "Memory of the node", "max by (node) (process_resident_memory_bytes{*})", "bytes",
          ("node",), "What the node's process holds in memory."),
    Query("uptime", "Runs for", "time() - max by (node) (process_start_time_seconds{*})", "seconds", ("node",),
          "Since the node's process was started."),
    Query("restarts", "Starts", "max by (node) (changes(process_start_time_seconds{*}[1h]))", "count", ("node",),
          "How often the node was started anew in the last hour."),
)  # fmt: skip

QUERIES = {query.name: query for query in _ALL}

# What the network page asks, each time.
ON_PAGE = (
    "up", "verdict", "reason", "verdict_age", "reachable", "freshness", "height", "lag", "throughput", "leader",
    "active", "consenters", "quorum", "latency", "probe_success", "probe_duration", "endorsement_failures", "invalid",
    "chaincode", "served_days", "checked_days", "sealed", "cpu", "memory", "disk", "inodes", "clock",
    "uptime",
)  # fmt: skip
# Of which it also shows the last half hour.
LINES = ("throughput", "probe_duration", "latency", "endorsement_failures")
