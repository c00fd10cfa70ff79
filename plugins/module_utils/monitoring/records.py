"""Recording rules: what dashboards and alerts ask for again and again.

Fabric's metrics are those of 2.5.9 and 3.1.1, docs/source/metrics_reference.rst; BFT's come with 3.x only, and an
expression that names both is right for either. A counter with labels is not there before it counts for the first time.
"""

from __future__ import annotations

from typing import Any

_WINDOW = "5m"


def _rate(metric: str) -> str:
    return f"rate({metric}[{_WINDOW}])"


def _quantile(metric: str, by: str, selector: str = "") -> str:
    return f"histogram_quantile(0.95, sum by ({by}, le) ({_rate(f'{metric}_bucket{selector}')}))"


def _subject(jobs: str, name: str) -> str:
    kinds = f'label_replace(up{{job=~"{jobs}"}}, "kind", "$1", "job", "(.+)")'
    return f'label_replace(max by (node, host, kind) ({kinds}) * 0 + 1, "subject", "{name}", "node", "(.+)")'


# Failures of endorsing itself. What a chaincode refuses by its own rules is its callers' business.
_ENDORSEMENT_FAILURES = (
    'endorser_endorsement_failures{chaincodeerror="false"}',
    "endorser_proposal_simulation_failures",
    "endorser_chaincode_instantiation_failures",
)
# Source of BFT's quorum: SmartBFT, internal/bft/util.go (computeQuorum), ceil((n + f + 1) / 2), f = floor((n - 1) / 3).
_BFT_SIZE = "max by (channel) (max_over_time(consensus_BFT_cluster_size[1h]))"
# Of the last hour, so that it is known while all orderers are down.
_RAFT_SIZE = "max by (channel) (max_over_time(consensus_etcdraft_cluster_size[1h]))"

LEADERLESS = "(max by (channel) (consensus_etcdraft_is_leader) == 0 or max by (channel) (consensus_BFT_is_leader) == 0)"
LOST = "selvedge:consenters:active < selvedge:consenters:quorum"
AT_RISK = (
    "selvedge:consenters:active == selvedge:consenters:quorum"
    " and selvedge:consenters:active < selvedge:consenters:size"
)
# What an orderer is told to suffer from where the channel does. Source: module_utils/fabric/health_rules.py.
_CHANNEL_REASONS = {
    2: "channel ([^ ]+): (?:.+, no quorum .+|it knows no .+ leader|no consenter says that it is the .+ leader)",
    1: "channel ([^ ]+): .+ consenters active, quorum .+ remains.*",
}


def _suffering(status: int, cause: str) -> str:
    """Orderers with each channel of theirs that is in that state, where all their reasons are about such channels.

    :param status: as the health check has it, of reasons that count
    """
    reasons = f'selvedge_health_reason{{kind="orderer"}} == {status}'
    pattern = _CHANNEL_REASONS[status]
    named = (
        f'label_replace(selvedge_health_reason{{kind="orderer",reason=~"{pattern}"}} == {status},'
        f' "channel", "$1", "reason", "{pattern}")'
    )
    here = f"{named} and on (channel) ({cause})"
    return (
        f"count by (subject, channel) ({here}) * 0 + 1"
        f" and on (subject) count by (subject) ({here}) == on (subject) count by (subject) ({reasons})"
    )


RECORDS = {
    # Every peer counts every transaction, so the peer that is furthest says how many there were.
    "selvedge:transactions:rate5m": "max by (channel) (sum by (channel, node) ("
    + _rate('ledger_transaction_count{validation_code="VALID"}')
    + "))",
    "selvedge:invalid_transactions:rate5m": "max by (channel, validation_code) ("
    "sum by (channel, validation_code, node) ("
    + _rate('ledger_transaction_count{validation_code!="VALID"}')
    + "))",
    "selvedge:block_commit_seconds:p95": _quantile("ledger_block_processing_time", "channel, node"),
    # What a client waits for after it has submitted: ordering, delivery and commit.
    "selvedge:commit_latency_seconds:p95": _quantile(
        "grpc_server_unary_request_duration",
        "node",
        '{service="gateway_Gateway",method="CommitStatus"}',
    ),
    "selvedge:endorsement_failures:rate5m": "sum by (channel, chaincode) ("
    # They have the same labels, so each is told apart before they are added up.
    + " or ".join(
        f'label_replace({_rate(metric)}, "counter", "{number}", "", "")'
        for number, metric in enumerate(_ENDORSEMENT_FAILURES)
    )
    + ")",
    "selvedge:proposals:rate5m": f"sum by (node) ({_rate('endorser_proposals_received')})",
    "selvedge:height_lag": "max by (channel) (ledger_blockchain_height) - on (channel) group_right ()"
    " max by (channel, node, organization, host) (ledger_blockchain_height)",
    "selvedge:consenters:size": f"{_RAFT_SIZE} or {_BFT_SIZE}",
    "selvedge:consenters:quorum": f"floor({_RAFT_SIZE} / 2) + 1"
    f" or ceil(({_BFT_SIZE} + floor(({_BFT_SIZE} - 1) / 3) + 1) / 2)",
    # Consenters that answer and take part; a channel that had some and has none counts as 0.
    "selvedge:consenters:active": "count by (channel) ("
    "participation_status == 1 and participation_consensus_relation == 1)"
    f" or 0 * ({_RAFT_SIZE} or {_BFT_SIZE})",
    # What is said of the channel need not be said of each of its orderers.
    "selvedge:orderer:without_quorum": _suffering(2, f"{LOST} or {LEADERLESS}"),
    "selvedge:orderer:at_risk": _suffering(1, AT_RISK),
    # By the name that verdicts have: a node's own, and ``store`` for what has the network's domain in its name.
    "selvedge:node": f"{_subject('orderer|peer|ca', '$1')} or {_subject('store', 'store')}",
    "selvedge:certificate_days": "min by (node, host, kind) ("
    '(probe_ssl_earliest_cert_expiry{job="certificate"} - time()) / 86400)',
}


def recording_rules() -> dict[str, Any]:
    """The group of recording rules."""
    return {
        "name": "selvedge-records",
        "rules": [{"record": name, "expr": expression} for name, expression in RECORDS.items()],
    }
