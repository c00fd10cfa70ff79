"""Everything that runs is watched, every rule has what it asks for, and the ledger does without."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.engines import Container, look
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import inspect, the_host
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.monitoring import Server
from ansible_collections.selvedge.fabric.molecule.shared.testing.playing import changed_of, play
from ansible_collections.selvedge.fabric.molecule.shared.testing.traffic import Traffic
from ansible_collections.selvedge.fabric.molecule.shared.testing.waiting import eventually
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import MONITORING_KEYS
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.alerts import ALERTS
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.prometheus import (
    PROBES,
    scrape_configs,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.records import RECORDS
from ansible_collections.selvedge.fabric.tests.leaks.check import run

# Recorded series that stay empty while nothing goes wrong.
ON_OCCASION = {
    "selvedge:invalid_transactions:rate5m",
    "selvedge:endorsement_failures:rate5m",
    "selvedge:orderer:without_quorum",
    "selvedge:orderer:at_risk",
}


def down(prometheus: Server) -> dict[tuple[str, str], str]:
    """Job and instance of every target that is not up, with the reason."""
    targets = prometheus.ask("/api/v1/targets", state="active")["activeTargets"]
    return {
        (item["labels"]["job"], item["labels"]["instance"]): item["lastError"] or item["health"]
        for item in targets
        if item["health"] != "up"
    }


def test_every_target_is_up(deployment: Deployment, prometheus: Server) -> None:
    wanted = sum(len(config["static_configs"]) for config in scrape_configs(deployment.network))

    def all_up() -> None:
        assert down(prometheus) == {}
        assert len(prometheus.ask("/api/v1/targets", state="active")["activeTargets"]) == wanted

    eventually(all_up, 120, AssertionError, OSError)


def test_every_probe_succeeds(prometheus: Server) -> None:
    def all_well() -> None:
        failed = [item["metric"] for item in prometheus.query("probe_success == 0")]
        assert failed == []
        seen = {item["metric"]["job"] for item in prometheus.query("probe_success == 1")}
        assert seen == set(PROBES)

    eventually(all_well, 60, AssertionError)


def test_every_rule_is_loaded_and_can_be_evaluated(prometheus: Server) -> None:
    def all_ok() -> None:
        groups = prometheus.ask("/api/v1/rules")["groups"]
        found = {
            rule["name"]: (rule["health"], rule.get("lastError", ""))
            for item in groups
            for rule in item["rules"]
        }
        assert found == dict.fromkeys([*RECORDS, *(alert.name for alert in ALERTS)], ("ok", ""))

    eventually(all_ok, 60, AssertionError)


def test_what_is_recorded_has_values_under_load(ledger: Ledger, prometheus: Server) -> None:
    def recorded() -> None:
        ledger.create(timeout_s=20)
        empty = {name for name in RECORDS if not prometheus.query(name)}
        assert empty <= ON_OCCASION
        (rate,) = prometheus.query("selvedge:transactions:rate5m > 0")
        assert rate["metric"]["channel"] == "main"

    eventually(recorded, 120, AssertionError, ValueError)


def test_heights_are_the_ledgers(ledger: Ledger, prometheus: Server) -> None:
    _unused, result = ledger.create(timeout_s=20)
    ledger.wait_for(result.tx_id)

    def agree() -> None:
        found = prometheus.query('ledger_blockchain_height{job="peer"}')
        heights = {item["metric"]["node"]: int(item["value"][1]) for item in found}
        assert heights == {name: chain.height for name, chain in ledger.chains().items()}
        assert prometheus.query("max(selvedge:height_lag)")[0]["value"][1] == "0"

    eventually(agree, 60, AssertionError)


def test_nothing_fires_on_a_healthy_network(prometheus: Server, alertmanager: Server) -> None:
    firing = [
        item["labels"] for item in prometheus.ask("/api/v1/alerts")["alerts"] if item["state"] == "firing"
    ]
    assert firing == []
    assert alertmanager.ask("/api/v2/alerts") == []


def test_a_nodes_certificate_opens_nothing(
    deployment: Deployment, prometheus: Server, alertmanager: Server
) -> None:
    name = next(
        item.name
        for item in [*deployment.network.orderers, *deployment.network.peers]
        if item.organization == prometheus.service.organization
    )
    assert prometheus.refuses(name)
    assert alertmanager.refuses(name)


def test_the_exporter_sees_the_host_and_not_its_keys(host_name: str) -> None:
    host = the_host(host_name)
    found = inspect(lambda *command: host.check_output(" ".join(["%s"] * len(command)), *command))
    (name,) = (item for item in found if item.startswith("node-exporter-"))
    assert found[name]["Config"]["User"] == "10002:10002"
    pid = found[name]["State"]["Pid"]
    keys = host.check_output("find /run/selvedge/secrets -name '*.key' -not -user 10002").split()
    for key in keys:
        # As the exporter's user, in its own mount namespace.
        tried = host.run(
            f"nsenter --target {pid} --mount setpriv --reuid 10002 --regid 10002 --clear-groups cat /host{key}"
        )
        assert tried.rc != 0, key


def test_the_ledger_does_without_the_monitoring(
    deployment: Deployment, ledger: Ledger, prometheus: Server
) -> None:
    """All of it that is central is away: clients notice nothing, and nothing of the ledger is restarted."""
    network = deployment.network
    theirs = {
        service.name
        for host in network.hosts
        for service in network.services(host)
        if service.kind in ("orderer", "peer", "ca", "chaincode")
    }

    def of_the_ledger() -> dict[str, Container]:
        return {name: item for name, item in look(deployment.variables).items() if name in theirs}

    before = of_the_ledger()
    assert set(before) == theirs
    central = the_host(prometheus.service.host.name)
    central.check_output("systemctl stop selvedge-stack@monitoring")
    try:
        with Traffic(ledger) as traffic:
            play(deployment.inventory, "playbooks/verify.yml")
    finally:
        central.check_output("systemctl start selvedge-stack@monitoring")
    assert traffic.refused == []
    assert traffic.committed
    assert of_the_ledger() == before
    eventually(lambda: prometheus.query("up"), 120, OSError)


def test_a_second_run_foresees_nothing_and_does_nothing(deployment: Deployment) -> None:
    for options in (("--check", "--diff"), ()):
        done = play(deployment.inventory, "playbooks/site.yml", *options)
        assert changed_of(done) == dict.fromkeys(deployment.variables, 0), done


def test_nothing_leaks_beyond_the_boot_material(deployment: Deployment) -> None:
    report = run(deployment, controller=False)
    assert not report.findings, report.text()


@pytest.mark.parametrize("kind", list(MONITORING_KEYS))
def test_what_watches_is_well_by_its_own_healthcheck(deployment: Deployment, kind: str) -> None:
    services = deployment.network.monitoring_of(kind)
    if not services:
        pytest.skip(f"this network has no {kind}")
    for service in services:
        assert_healthy(the_host(service.host.name), service.name)


def test_every_container_of_every_stack_is_well_by_its_own_healthcheck(
    deployment: Deployment, host_name: str
) -> None:
    """Also what is no service of the model's own: the guard of the engine's socket, CouchDB, chaincodes."""
    host = the_host(host_name)
    for stack in deployment.view(host_name)["stacks"].values():
        for service in stack["services"].values():
            assert_healthy(host, service["container_name"])


def assert_healthy(host: Any, name: str) -> None:
    """Soon: a container that a test before has started needs a moment."""

    def healthy() -> None:
        state = host.check_output("docker inspect --format '{{.State.Health.Status}}' %s", name)
        assert state.strip() == "healthy", name

    eventually(healthy, 90, AssertionError)
