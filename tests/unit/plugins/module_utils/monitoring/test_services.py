"""How the services of the monitoring run, and what becomes of a network without."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model import view
from ansible_collections.selvedge.fabric.plugins.module_utils.model.leftovers import leftovers
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import (
    AGENT,
    MONITORING,
    SECRETS,
    STACKS,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import MONITORING_KEYS
from ansible_collections.selvedge.fabric.plugins.module_utils.model.preflight_view import preflight_view
from ansible_collections.selvedge.fabric.plugins.module_utils.model.restarts import kept_back
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring import network_page
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.web import web_config
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    all_services,
    lab_model,
    monitored_model,
    sample,
    views,
)


def files(found: dict[str, Any]) -> dict[str, str]:
    return {item["path"]: item["content"] for item in found["files"]}


def placed(found: dict[str, dict[str, Any]], stack: str) -> dict[str, list[str]]:
    return {
        host: [name.partition(".monitoring.")[0] for name in item["stacks"].get(stack, {"services": {}})["services"]
               if ".monitoring." in name]
        for host, item in found.items()
    }  # fmt: skip


def test_exporters_are_everywhere_and_the_rest_is_on_its_host() -> None:
    found = views(sample("monitored"))
    assert placed(found, "monitoring") == {
        "host1": ["node-exporter-host1"],
        "host2": ["node-exporter-host2"],
        "host3": ["node-exporter-host3", "prometheus", "alertmanager", "health-exporter"],
    }
    # Where the chaincodes are, on their network.
    assert placed(found, "ledger") == {host: [f"blackbox-exporter-{host}"] for host in LAB_HOSTS}


def test_a_monitoring_host_without_chaincodes_has_its_own_prober() -> None:
    model = {**lab_model(), "chaincodes": [], "monitoring": {"host": "host2"}}
    found = views(load(model, LAB_HOSTS))
    assert placed(found, "monitoring")["host2"] == [
        "node-exporter-host2",
        "blackbox-exporter-host2",
        "prometheus",
        "alertmanager",
        "health-exporter",
    ]
    assert placed(found, "ledger") == {host: [] for host in LAB_HOSTS}


def test_the_monitoring_changes_nothing_of_the_other_services() -> None:
    """But for the store, which counts what it does: it is restarted once."""
    before, after = all_services(sample("lab")), all_services(sample("monitored"))
    assert set(after) - set(before) == {item.name for item in sample("monitored").monitoring}
    without = {name: after[name] for name in before}
    # Digests of this test's lock are by number.
    for item in [*before.values(), *without.values()]:
        item["image"] = item["image"].partition("@")[0]
    changed = {name for name in before if before[name] != without[name]}
    assert changed == {"store"}


def test_units_of_the_monitoring_stand_apart() -> None:
    """The ledger's role starts the others; what watches is started later and stopped first."""
    found = views(sample("monitored"))["host3"]
    assert found["monitoring_units"] == ["selvedge-stack@monitoring.service"]
    assert "selvedge-stack@monitoring.service" not in found["units"]
    assert views(sample("lab"))["host3"]["monitoring_units"] == []
    # Before the ledger's network goes, whoever is on it has to go.
    assert found["traces"]["stacks"][:2] == ["monitoring", "ledger"]


def test_a_changed_rule_or_secret_restarts_its_service_alone() -> None:
    before = all_services(sample("monitored"))
    model = monitored_model()
    model["monitoring"]["receivers"][0]["severities"] = ["warning"]
    after = all_services(load(model, LAB_HOSTS))
    assert {name for name in before if before[name] != after[name]} == {"alertmanager.monitoring.lab.example"}
    model["monitoring"] = {**monitored_model()["monitoring"], "scrape_interval": "30s"}
    after = all_services(load(model, LAB_HOSTS))
    assert {name for name in before if before[name] != after[name]} == {"prometheus.monitoring.lab.example"}


def test_retention_is_by_size_and_alone() -> None:
    command = all_services(sample("monitored"))["prometheus.monitoring.lab.example"]["command"]
    assert "--storage.tsdb.retention.size=4GB" in command
    assert not any("retention.time" in word for word in command)


def test_every_server_lets_only_the_monitoring_in() -> None:
    network = sample("monitored")
    for service in network.monitoring:
        tls = web_config(network, service)["tls_server_config"]
        assert tls["client_auth_type"] == "RequireAndVerifyClientCert"
        assert tls["client_allowed_sans"] == ["monitor.org1.lab.example", service.name]
    for name, found in views(network).items():
        for path, text in files(found).items():
            if path.startswith(MONITORING) and path.endswith("web.yml"):
                assert "RequireAndVerifyClientCert" in text, (name, path)


def test_who_watches_hosts_cannot_read_their_keys() -> None:
    """It has the host's processes and files before it, so it is a user of its own."""
    services = all_services(sample("monitored"))
    users = {name: item["user"] for name, item in services.items()}
    exporters = {name for name in services if name.startswith("node-exporter")}
    assert {users[name] for name in exporters} == {"10002:10002"}
    assert {users[name] for name in set(services) - exporters} == {"10001:10001"}


def test_the_monitoring_host_reads_what_prometheus_and_alertmanager_need() -> None:
    layout = view.controller_view(sample("monitored"), "/state")["store_config"]
    hosts = {item["name"]: item for item in layout["hosts"]}
    wanted = {"org1/receivers/oncall", "org2/receivers/mail", "org1/storage/archive"}
    wanted |= {f"{org}/nodes/monitor.{org}.lab.example" for org in ("orderers", "org1", "org2")}
    assert wanted <= set(hosts["host3"]["paths"])
    assert not wanted & set(hosts["host1"]["paths"])


def test_the_store_counts_only_where_somebody_asks() -> None:
    path = "/etc/selvedge/store/openbao.json"
    assert '"telemetry"' in files(views(sample("monitored"))["host1"])[path]
    assert '"telemetry"' not in files(views(sample("lab"))["host1"])[path]


def test_preflight_knows_ports_and_who_connects() -> None:
    expected = preflight_view(sample("monitored"), "host3")
    keys = {item["key"]: item["port"] for item in expected["ports"]}
    assert {key: keys[f"monitoring.{key}"] for key in MONITORING_KEYS.values() if key and "." not in key} == {
        "node_exporter_port": 9100,
        "blackbox_exporter_port": 9115,
        "port": 9090,
        "alertmanager_port": 9093,
        "health_exporter_port": 9470,
    }
    asked = {item["host"]: {port["port"] for port in item["ports"]} for item in expected["neighbours"]}
    assert {9443, 9445, 9444, 9100, 9115} <= asked["host1"]
    assert "lab-monitoring" in expected["projects"]
    assert "lab-monitoring" not in preflight_view(sample("lab"), "host3")["projects"]


def test_the_monitoring_leaves_without_a_confirmation() -> None:
    network = sample("monitored")
    controller = view.controller_view(sample("lab"), "/state")
    assert kept_back([item.name for item in network.monitoring], controller) == []
    assert kept_back(["prometheus.org9.lab.example"], controller) == ["prometheus.org9.lab.example"]


def test_what_left_with_the_monitoring_is_removed() -> None:
    name = "node-exporter-host1.monitoring.lab.example"
    found = {STACKS: ["ledger", "monitoring"], SECRETS: [name], AGENT: ["agent.json"]}
    gone = leftovers(views(sample("lab"))["host1"], found)
    assert gone["stacks"] == ["monitoring"]
    assert {MONITORING, f"{STACKS}/monitoring", f"{SECRETS}/{name}"} <= set(gone["paths"])
    kept = leftovers(views(sample("monitored"))["host1"], found)
    assert kept["stacks"] == [] and MONITORING not in kept["paths"]


@pytest.mark.parametrize("host", LAB_HOSTS)
def test_a_prober_knows_the_authorities_of_the_chaincodes_beside_it(host: str) -> None:
    network = sample("monitored")
    text = files(views(network)[host])[f"{MONITORING}/blackbox-exporter/blackbox.yml"]
    modules = yaml.safe_load(text)["modules"]
    beside = {item.organization for item in network.chaincodes if item.host.name == host}
    assert set(modules) == {"certificate", "store", *(f"chaincode_{name}" for name in beside)}
    for name in beside:
        path = modules[f"chaincode_{name}"]["tcp"]["tls_config"]["ca_file"]
        assert path == f"/run/secrets/orgs/{name}/ca.crt"


def test_prometheus_serves_the_network_page() -> None:
    found = views(sample("monitored"))["host3"]
    page = files(found)[f"{MONITORING}/prometheus/consoles/network.html"]
    assert '"scrape_s":15' in page and "peer0.org1.lab.example" in page
    (prometheus,) = (
        item
        for name, item in found["stacks"]["monitoring"]["services"].items()
        if name.startswith("prometheus.")
    )
    assert "--web.console.templates=/etc/prometheus/consoles" in prometheus["command"]


def test_a_new_page_restarts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus reads it for each reader."""
    before = views(sample("monitored"))["host3"]
    monkeypatch.setattr(network_page, "POLL_S", 7)
    after = views(sample("monitored"))["host3"]
    assert files(before) != files(after)
    assert before["stacks"] == after["stacks"]
