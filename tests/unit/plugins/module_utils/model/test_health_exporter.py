"""The health exporter on a host: what it is told, what it may read, how it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.config import Config
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import NetworkCheck
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.model import health_exporter as exporter
from ansible_collections.selvedge.fabric.plugins.module_utils.model.limits import COMMIT_SLOW_S
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service, load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import HEALTH_EXPORTER
from ansible_collections.selvedge.fabric.plugins.module_utils.model.view import controller_view
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.alerts import ALERTS
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    WIDE_HOSTS,
    all_services,
    sample,
    wide_model,
)

ROOT = Path(__file__).resolve().parents[5]
IMAGE = f"registry/selvedge/health-exporter@sha256:{1:064x}"


def of(network: Network) -> Service:
    (found,) = network.monitoring_of(HEALTH_EXPORTER)
    return found


def text_of(network: Network) -> str:
    return exporter.config(network, of(network), controller_view(network, "/state"))


def config_of(network: Network) -> Config:
    return Config.from_dict(json.loads(text_of(network)))


class Reads:
    """A store that notes what is asked of it."""

    def __init__(self) -> None:
        self.paths: set[str] = set()

    def read(self, path: str) -> dict[str, str] | None:
        self.paths.add(path)
        return None


def test_a_slow_commit_is_the_same_for_all() -> None:
    """The exporter's verdict, the alert's, and that of verify.yml unless it is told otherwise."""
    defaults = yaml.safe_load((ROOT / "roles/verify/defaults/main.yml").read_text())
    (alert,) = [item for item in ALERTS if item.name == "CommitProbeSlow"]
    limits = {
        config_of(NETWORKS["lab"]).probe_budget,
        defaults["verify_probe_budget"],
        float(alert.expression.rpartition(" > ")[2]),
    }
    assert limits == {COMMIT_SLOW_S}


NETWORKS = {
    "lab": sample("monitored"),
    "wide": load({**wide_model(), "monitoring": {"host": "spare"}}, WIDE_HOSTS),
}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))
def test_the_exporter_reads_its_configuration(network: Network) -> None:
    config = config_of(network)
    assert {item.name for item in config.channels} == {item["name"] for item in network.settings["channels"]}
    services = [*network.cas, *network.orderers, *network.peers]
    assert config.hosts == {
        **{item.name: item.host.name for item in services},
        "store": network.store_host.name,
    }
    assert len(config.authorities) == len(network.organizations)
    assert all(probe.organization in network.organizations for probe in config.probes)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))
def test_it_may_read_what_it_needs_and_no_more(network: Network) -> None:
    """The very check that it makes, without a store."""
    config, store = config_of(network), Reads()
    topology = Topology.from_option(config.topology, store, user=config.user)
    NetworkCheck(topology, config.channels, config.authorities, read_nodes=False, ask_admin=False)()
    assert store.paths == set(exporter.secret_paths(network))
    assert not any("admin" in path or "/nodes/" in path for path in store.paths)


def test_the_admin_port_is_not_in_it() -> None:
    network = sample("monitored")
    text = text_of(network)
    assert "admin_address" not in text
    assert all(f':{node.ports["admin"]}"' not in text for node in network.orderers)


def test_nodes_are_reached_as_other_hosts_reach_them() -> None:
    network = sample("monitored")
    config = config_of(network)
    peer = network.peers[0]
    found = next(item for item in config.topology["peers"] if item["name"] == peer.name)
    assert found["address"] == f"{peer.host.address}:{peer.ports['main']}"
    assert config.store["url"].startswith(f"https://{network.store_host.address}:")


def test_the_agent_renders_what_the_configuration_names() -> None:
    network = sample("monitored")
    folder = f"/run/selvedge/secrets/{of(network).name}"
    rendered = exporter.templates(network, of(network))
    files = {item["dest"].replace(folder, "/run/secrets") for item in rendered}
    config = config_of(network)
    wanted = {str(path) for path in (config.cert_file, config.key_file, config.client_ca_file)}
    assert wanted <= files
    assert {item["perms"] for item in rendered} == {"0400"}
    secret = {path.replace("/", "/data/", 1) for path in exporter.secret_paths(network)}
    assert {item["contents"].split('"')[1] for item in rendered} == secret
    assert rendered[-1]["dest"].endswith("/revision")


def test_its_users_are_plain_clients() -> None:
    network = sample("monitored")
    found = exporter.identities(network, of(network))
    assert {item["kind"] for item in found} == {"client"}
    assert [item["secret"] for item in found] == [f"{name}/users/probe" for name in network.organizations]
    assert all(of(network).name in item["hosts"] for item in found)
    everybody = [item["name"] for item in controller_view(network, "/state")["identities"]]
    assert all(everybody.count(item["name"]) == 1 for item in found)


def test_its_container_is_as_hard_as_all_others() -> None:
    network = sample("monitored")

    def made(text: str) -> dict[str, Any]:
        return exporter.service(of(network), IMAGE, "/etc/selvedge/exporter.json", text, "1")

    service = made(text_of(network))
    assert (service["user"], service["read_only"], service["cap_drop"]) == ("10001:10001", True, ["ALL"])
    assert all(mount["read_only"] for mount in service["volumes"])
    assert service["healthcheck"]["test"][2] == "https://127.0.0.1:9470/healthz"
    assert "environment" not in service
    assert made("other")["labels"] != service["labels"], "another configuration restarts it"


def test_its_host_runs_it_with_what_it_is_told() -> None:
    network = sample("monitored")
    service = all_services(network)[of(network).name]
    mounts = {item["target"]: item["source"] for item in service["volumes"]}
    assert mounts[exporter.CONFIG_FILE] == "/etc/selvedge/monitoring/health-exporter/exporter.json"
    paths = next(
        item["paths"]
        for item in controller_view(network, "/state")["store_config"]["hosts"]
        if item["name"] == of(network).host.name
    )
    assert set(exporter.secret_paths(network)) <= set(paths)
