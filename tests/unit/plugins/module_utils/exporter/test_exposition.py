"""Metrics from verdicts, those on captured networks among them."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.exposition import (
    FAMILIES,
    Probed,
    Snapshot,
    render,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import (
    Finding,
    Health,
    Status,
    verdict,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.metrics import Metrics
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.probe import PeerReport, ProbeReport
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.probe_health import (
    judge_probe,
    seconds_of,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.health_captures import (
    HEALTHY,
    Replay,
)

GOOD = ProbeReport("ab", 0.1, 0.5, (PeerReport("peer0", 7, "1f", "VALID", 8, 0.5),), ())
CUT_OFF = "peer0 does not have the transaction: no answer"
REFUSED = FabricError("asking assets failed", "peer0", "look there")


def metrics(snapshot: Snapshot, hosts: dict[str, str] | None = None) -> Metrics:
    """What Prometheus reads."""
    return Metrics.from_text(render(snapshot, hosts or {}))


def captured(case: str, monkeypatch: pytest.MonkeyPatch) -> Metrics:
    results = Replay("fabric-2.5.9").judge(case, monkeypatch).values()
    hosts = {result.subject: f"host-{result.kind}" for result in results}
    return metrics(Snapshot(tuple(results), 0.2, 1795356005.0), hosts)


def test_a_healthy_network(monkeypatch: pytest.MonkeyPatch) -> None:
    found = captured(HEALTHY, monkeypatch)
    assert {sample.value for sample in found.samples["selvedge_node_status"]} == {0}
    peer = {"subject": "peer0.org1.lab", "channel": "demo"}
    assert (
        found.value("selvedge_node_status", subject="peer0.org1.lab", kind="peer", organization="Org1") == 0
    )
    assert (found.value("selvedge_channel_height", **peer) or 0) >= 4
    assert found.value("selvedge_channel_lag", **peer) == 0
    assert found.value("selvedge_chaincode_reachable", chaincode="kv", **peer) == 1
    assert found.value("selvedge_certificate_days", subject="peer0.org1.lab", certificate="TLS") == 89
    assert len(found.samples["selvedge_channel_leader"]) == 1
    assert found.value("selvedge_channel_consenters_active", channel="demo") == 3
    assert abs(found.value("selvedge_clock_skew_seconds", host="host-peer") or 0) < 0.1
    assert found.value("selvedge_exporter_last_run_timestamp_seconds") == 1795356005
    assert "selvedge_fork" not in found.samples
    assert "selvedge_store_sealed" not in found.samples


def test_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict of the module is the number in the metric."""
    found = captured("an orderer is stopped", monkeypatch)
    states = [sample.value for sample in found.samples["selvedge_node_status"]]
    assert sorted(states) == [0, 0, 1, 1, 2]
    assert found.value("selvedge_channel_consenters_active", channel="demo") == 2
    found = captured("a chaincode is killed", monkeypatch)
    assert found.value("selvedge_chaincode_reachable", subject="peer0.org1.lab") == 0
    found = captured("a clock is wrong", monkeypatch)
    assert found.value("selvedge_clock_skew_seconds", host="host-orderer") == pytest.approx(120, abs=1)
    found = captured("a certificate is near its end", monkeypatch)
    assert found.value("selvedge_certificate_days", subject="peer0.org1.lab", certificate="TLS") == 2


def test_reasons_and_remedies(monkeypatch: pytest.MonkeyPatch) -> None:
    found = captured("an orderer is stopped", monkeypatch).samples["selvedge_health_reason"]
    told = {
        (item.labels["subject"], item.labels["kind"], item.value, item.labels["remedy"]) for item in found
    }
    gone = next(item.labels["subject"] for item in found if item.value == 2)
    others = {f"orderer{number}.orderer.lab" for number in range(3)} - {gone}
    bring_back = f"bring back {gone}, before another one stops"
    assert told == {
        (gone, "orderer", 2, "start it, or read its log on its host"),
        *((name, "orderer", 1, bring_back) for name in others),
    }
    assert "selvedge_health_reason" not in captured(HEALTHY, monkeypatch).samples


def judged(*findings: Finding) -> Metrics:
    return metrics(Snapshot((verdict("p", "peer", "Org1", findings, {}),)))


def test_a_reason_stays_one_series_while_its_numbers_change() -> None:
    def behind(blocks: int) -> Finding:
        return Finding(Status.DEGRADED, f"{blocks} blocks behind", "wait", brief="behind the others")

    wanted = {"subject": "p", "kind": "peer", "reason": "behind the others", "remedy": "wait"}
    for blocks in (3, 20):
        (only,) = judged(behind(blocks)).samples["selvedge_health_reason"]
        assert (only.labels, only.value) == (wanted, 1)


def test_of_many_reasons_the_gravest_are_told_once() -> None:
    many = [Finding(Status.DEGRADED, f"channel {name}: it is away", "wait") for name in "abcdefghijkl"]
    grave = Finding(Status.UNHEALTHY, 'says "no"', "start it")
    found = judged(*many, grave, grave).samples["selvedge_health_reason"]
    assert (len(found), found[0].value, found[0].labels["reason"]) == (8, 2, 'says "no"')


def test_a_probe_that_fails_has_its_reason() -> None:
    found = metrics(Snapshot(probes={"demo": Probed(judge_probe("demo", REFUSED), 1, 7.0)}))
    (only,) = found.samples["selvedge_health_reason"]
    wanted = {
        "subject": "channel demo", "kind": "channel", "reason": "nothing can be committed", "remedy": "look there",
    }  # fmt: skip
    assert (only.labels, only.value) == (wanted, 2)
    lacking = ProbeReport("", 0.1, 30, (), (CUT_OFF,))
    found = metrics(Snapshot(probes={"demo": Probed(judge_probe("demo", lacking), 1, 7.0)}))
    (only,) = found.samples["selvedge_health_reason"]
    assert only.labels["reason"] == "peer0 does not have the transaction"


def test_a_fork_and_a_sealed_store() -> None:
    facts = {"height": 5, "lag": 0, "fork": 3, "leader": "o1, o2"}
    peer = Health("p", "peer", "Org1", Status.UNHEALTHY, facts={"channels": {"demo": facts}})
    store = Health("store", "store", "", Status.UNHEALTHY, facts={"sealed": True})
    found = metrics(Snapshot((peer, peer, store)))
    assert found.samples["selvedge_fork"][0].labels == {"channel": "demo", "number": "3"}
    assert len(found.samples["selvedge_fork"]) == 1
    assert found.value("selvedge_store_sealed") == 1
    assert {sample.labels["subject"] for sample in found.samples["selvedge_channel_leader"]} == {"o1", "o2"}


@pytest.mark.parametrize(
    ("report", "budget", "status", "reason", "success"),
    [
        (GOOD, 0, Status.HEALTHY, "", 1),
        (GOOD, 0.6, Status.HEALTHY, "", 1),
        (GOOD, 0.5, Status.DEGRADED, "a transaction took 0.60 s until every peer had it, over 0.5 s", 1),
        (ProbeReport("", 0.1, 30, (), (CUT_OFF,)), 0, Status.UNHEALTHY, CUT_OFF, 0),
        (REFUSED, 0, Status.UNHEALTHY, "nothing can be committed: asking assets failed (peer0)", 0),
    ],
)
def test_commit_probes(
    report: ProbeReport | FabricError, budget: float, status: Status, reason: str, success: int
) -> None:
    health = judge_probe("demo", report, budget)
    assert (health.subject, health.kind, health.status) == ("channel demo", "channel", status)
    assert health.reasons == ((reason,) if reason else ())
    assert bool(health.remedy) == bool(reason)
    seconds = 0.0 if isinstance(report, FabricError) else seconds_of(report)
    found = metrics(Snapshot(probes={"demo": Probed(health, seconds, 7.0)}))
    assert found.value("selvedge_commit_probe_success", channel="demo") == success
    assert found.value("selvedge_commit_probe_duration_seconds", channel="demo") == pytest.approx(seconds)
    assert found.value("selvedge_commit_probe_last_run_timestamp_seconds", channel="demo") == 7


def test_clocks_count_as_far_as_they_are_certain() -> None:
    def node(name: str, skew: float, uncertainty: float) -> Health:
        clock = {"skew": skew, "uncertainty": uncertainty, "source": ""}
        return Health(name, "peer", "Org1", Status.HEALTHY, facts={"clock": clock})

    nodes = (node("a", 3, 2), node("b", -5, 1), node("c", 0.4, 0.5), node("stranger", 99, 0))
    found = metrics(Snapshot(nodes), {"a": "h1", "b": "h1", "c": "h2", "d": "h3"})
    skews = {item.labels["host"]: item.value for item in found.samples["selvedge_clock_skew_seconds"]}
    assert skews == {"h1": -4, "h2": 0}


def test_nothing_yet() -> None:
    text = render(Snapshot(), {})
    assert Metrics.from_text(text).value("selvedge_exporter_failures_total") == 0
    assert text.count("# TYPE") == 1


def test_the_format() -> None:
    odd = Health('a"b\\c\nd', "peer", "Org1", Status.DEGRADED)
    text = render(Snapshot((odd,), 0.25, 1795356005.25, own_days={"probe@Org1": {"TLS": 29.5}}), {})
    assert r'subject="a\"b\\c\nd"' in text
    assert 'selvedge_certificate_days{subject="probe@Org1",certificate="TLS"} 29.5\n' in text
    assert "selvedge_exporter_last_run_timestamp_seconds 1795356005.25\n" in text
    for name in Metrics.from_text(text).samples:
        assert f"# HELP {name} {FAMILIES[name][1]}\n# TYPE {name} {FAMILIES[name][0]}\n" in text
