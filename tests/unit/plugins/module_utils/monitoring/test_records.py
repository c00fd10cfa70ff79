"""Every metric that a rule asks for is one that somebody has, and what is recorded is right, says promtool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.records import (
    RECORDS,
    recording_rules,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.alert_cases import (
    CASES,
    PEER,
    bft,
    consenters,
    healthy,
    heights,
    one,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.metric_names import (
    asked,
    names_in,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.oracles import accepted

FABRIC = json.loads((Path(__file__).parent / "fabric_metrics.json").read_text())
# What the other programs have; tests/live/test_metrics.py asks Fabric's, a scenario asks all of them.
OTHERS = {
    # Prometheus makes it for each target; the Go client library has it in every program.
    "up",
    "process_start_time_seconds",
    # blackbox exporter 0.26, prober
    "probe_http_status_code",
    "probe_ssl_earliest_cert_expiry",
    "probe_success",
    # node exporter 1.12, collectors filesystem and time
    "node_filesystem_avail_bytes",
    "node_filesystem_files",
    "node_filesystem_files_free",
    "node_filesystem_size_bytes",
    "node_time_seconds",
    # Prometheus 3.13, rules/group.go; Alertmanager 0.31, notify/notify.go
    "alertmanager_notifications_failed_total",
    "prometheus_rule_evaluation_failures_total",
    # the health exporter
    "selvedge_certificate_days",
    "selvedge_fork",
    "selvedge_clock_skew_seconds",
    "selvedge_commit_probe_duration_seconds",
    "selvedge_commit_probe_last_run_timestamp_seconds",
    "selvedge_exporter_last_run_timestamp_seconds",
    "selvedge_commit_probe_success",
    "selvedge_health_reason",
    "selvedge_node_status",
    "selvedge_store_sealed",
    # files for the node exporter: of engine-watch, of a backup, of drift.yml
    "selvedge_container_starts_total",
    "selvedge_container_running",
    "selvedge_backup_last_success_timestamp_seconds",
    "selvedge_drift_changes",
    # and of the callback `deployment`
    "selvedge_deployment_changed",
    "selvedge_deployment_last_run_timestamp_seconds",
    "selvedge_deployment_success",
}


def plain(name: str) -> str:
    """The name in the reference: a histogram's series have endings."""
    return name.removesuffix("_bucket")


def test_names_are_found_in_an_expression() -> None:
    text = 'max by (channel) (rate(a_b{job="x"}[5m])) / on (host) group_left (y) '
    assert names_in(f'{text} label_replace(c:d, "e", "$1", "f", "") or g') == {"a_b", "c:d", "g"}


@pytest.mark.parametrize("version", ["2.5.9", "3.1.1"])
def test_every_metric_of_fabric_is_in_its_reference(version: str) -> None:
    """But for those of BFT, which 2.5 does not have, and beside which the rules name Raft's."""
    missing = {plain(name) for name in asked() - OTHERS} - set(FABRIC[version])
    assert missing == (
        {"consensus_BFT_cluster_size", "consensus_BFT_is_leader"} if version == "2.5.9" else set()
    )


def test_nobody_is_asked_in_vain() -> None:
    assert asked() >= OTHERS


def test_histograms_are_asked_as_such() -> None:
    for name in asked() - OTHERS:
        assert name.endswith("_bucket") == (FABRIC["3.1.1"][plain(name)] == "histogram"), name


def test_the_cases_of_alerts_are_made_of_real_metrics() -> None:
    series = [
        name for case in CASES.values() for item in (*case.fires, *case.silent) for name in item.series
    ] + [*healthy(2)]
    assert {name.partition("{")[0] for name in series} <= asked()


def evaluated(
    folder: Path, series: dict[str, str], at: str, expected: dict[str, list[dict[str, Any]]]
) -> None:
    """Let promtool record, and compare what is recorded at a time."""
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [recording_rules()]}))
    looks = [{"expr": name, "eval_time": at, "exp_samples": samples} for name, samples in expected.items()]
    test = {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": looks,
    }
    content = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "15s",
        # Rates are no round numbers to the last bit.
        "fuzzy_compare": True,
        "tests": [test],
    }
    (folder / "tests.yml").write_text(yaml.safe_dump(content))
    accepted("prometheus/promtool", "test", "rules", folder / "tests.yml")


def sample(name: str, value: float, **labels: str) -> dict[str, Any]:
    shown = ",".join(f'{key}="{label}"' for key, label in labels.items())
    return {"labels": f"{name}{{{shown}}}", "value": value}


def test_transactions_are_counted_once_whatever_the_number_of_peers(tmp_path: Path) -> None:
    series: dict[str, str] = {}
    for node, values in (("peer0", "0+30x40"), ("peer1", "0+15x40")):
        labels = {**PEER, "node": node, "instance": node, "channel": "main"}
        series |= one(
            "ledger_transaction_count", values, **labels, chaincode="assets", validation_code="VALID"
        )
        series |= one(
            "ledger_transaction_count", values, **labels, chaincode="bonds", validation_code="VALID"
        )
        series |= one("ledger_transaction_count", "0+3x40", **labels, validation_code="MVCC_READ_CONFLICT")
    name, invalid = "selvedge:transactions:rate5m", "selvedge:invalid_transactions:rate5m"
    expected = {
        name: [sample(name, 4, channel="main")],
        invalid: [sample(invalid, 0.2, channel="main", validation_code="MVCC_READ_CONFLICT")],
    }
    evaluated(tmp_path, series, "9m", expected)


def test_latency_is_what_most_wait_at_most(tmp_path: Path) -> None:
    series: dict[str, str] = {}
    for le, step in (("0.5", 0), ("1", 10), ("2", 10), ("+Inf", 10)):
        labels = {**PEER, "service": "gateway_Gateway", "method": "CommitStatus", "le": le}
        series |= one("grpc_server_unary_request_duration_bucket", f"0+{step}x40", **labels)
        series |= one("ledger_block_processing_time_bucket", f"0+{step}x40", **PEER, channel="main", le=le)
    wait, commit = "selvedge:commit_latency_seconds:p95", "selvedge:block_commit_seconds:p95"
    expected = {
        wait: [sample(wait, 0.975, node=PEER["node"])],
        commit: [sample(commit, 0.975, channel="main", node=PEER["node"])],
    }
    evaluated(tmp_path, series, "9m", expected)


def test_lag_is_against_the_highest_of_the_channel(tmp_path: Path) -> None:
    name = "selvedge:height_lag"
    labels = [
        {
            "channel": "main",
            "node": f"peer{number}.org1.lab.example",
            "organization": "org1",
            "host": f"host{number}",
        }
        for number in (0, 1)
    ]
    expected = {name: [sample(name, 0, **labels[0]), sample(name, 30, **labels[1])]}
    evaluated(tmp_path, dict(heights("40x40", "10x40")), "5m", expected)


@pytest.mark.parametrize(("size", "quorum"), [(1, 1), (3, 2), (4, 3), (5, 3)])
def test_rafts_quorum_is_more_than_half(size: int, quorum: int, tmp_path: Path) -> None:
    name = "selvedge:consenters:quorum"
    series = one("consensus_etcdraft_cluster_size", f"{size}x40", channel="main")
    evaluated(tmp_path, dict(series), "5m", {name: [sample(name, quorum, channel="main")]})


@pytest.mark.parametrize(("size", "quorum"), [(4, 3), (5, 4), (7, 5), (10, 7)])
def test_bfts_quorum_is_more_than_two_thirds(size: int, quorum: int, tmp_path: Path) -> None:
    """As SmartBFT's own tests have it: internal/bft/util_test.go."""
    name = "selvedge:consenters:quorum"
    evaluated(
        tmp_path, dict(bft("1x40", size=f"{size}x40")), "5m", {name: [sample(name, quorum, channel="bft")]}
    )


def test_a_channel_whose_orderers_are_all_down_has_none_and_still_a_size(tmp_path: Path) -> None:
    series = dict(consenters(*["1x4 stale"] * 3))
    names = {"selvedge:consenters:active": 0, "selvedge:consenters:size": 3, "selvedge:consenters:quorum": 2}
    expected = {name: [sample(name, value, channel="main")] for name, value in names.items()}
    evaluated(tmp_path, series, "10m", expected)


def test_every_record_has_a_name_as_prometheus_wants_it() -> None:
    for name in RECORDS:
        assert name.startswith("selvedge:")
