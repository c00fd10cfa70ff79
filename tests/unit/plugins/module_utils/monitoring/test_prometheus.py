"""What Prometheus asks follows from the model, and promtool accepts it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import HEALTH_EXPORTER
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import folder_of, templates
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.files import config_files
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.prometheus import (
    HEALTH_JOB,
    prometheus_config,
    scrape_configs,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    CA_CERT,
    LAB_HOSTS,
    WIDE_HOSTS,
    monitored_model,
    sample,
    wide_model,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.oracles import accepted


def jobs(network: Network) -> dict[str, list[dict[str, Any]]]:
    """Targets by the label ``job``, each with its address as ``at`` and its configuration as ``by``."""
    found: dict[str, list[dict[str, Any]]] = {}
    for config in scrape_configs(network):
        for static in config["static_configs"]:
            item = {**static["labels"], "at": static["targets"], "by": config}
            found.setdefault(static["labels"]["job"], []).append(item)
    return found


def wide() -> Network:
    return load({**wide_model(), "monitoring": {"host": "spare"}}, WIDE_HOSTS)


def test_every_service_of_the_model_is_a_target() -> None:
    network = sample("monitored")
    found = {job: sorted(item["node"] for item in items) for job, items in jobs(network).items()}
    assert found == {
        "orderer": sorted(item.name for item in network.orderers),
        "peer": sorted(item.name for item in network.peers),
        "ca": sorted(item.name for item in network.cas),
        "store": ["store.lab.example"],
        "node-exporter": [f"node-exporter-host{number}.monitoring.lab.example" for number in (1, 2, 3)],
        "blackbox-exporter": [
            f"blackbox-exporter-host{number}.monitoring.lab.example" for number in (1, 2, 3)
        ],
        "prometheus": ["prometheus.monitoring.lab.example"],
        "alertmanager": ["alertmanager.monitoring.lab.example"],
        HEALTH_JOB: ["health-exporter.monitoring.lab.example"],
        "chaincode": sorted(item.name for item in network.chaincodes),
        "certificate": sorted(
            [
                "store.lab.example",
                "registry.lab.example",
                *(
                    item.name
                    for item in [*network.cas, *network.orderers, *network.peers, *network.monitoring]
                ),
            ]
        ),
        "store-seal": ["store.lab.example"],
    }


def test_a_target_says_where_it_belongs() -> None:
    found = jobs(sample("monitored"))
    peer = next(item for item in found["peer"] if item["node"] == "peer1.org2.lab.example")
    assert {key: peer[key] for key in ("instance", "organization", "host", "at")} == {
        "instance": "peer1.org2.lab.example",
        "organization": "org2",
        "host": "host3",
        "at": ["172.30.10.13:9545"],
    }
    chaincode = next(item for item in found["chaincode"] if item["node"] == "assets.peer0.org2.lab.example")
    assert (chaincode["channel"], chaincode["chaincode"], chaincode["host"]) == ("main", "assets", "host2")
    assert all("organization" not in item for item in found["node-exporter"])


def test_a_node_is_asked_by_the_certificate_of_its_own_organization() -> None:
    found = jobs(sample("monitored"))
    for kind in ("orderer", "peer", "ca"):
        for item in found[kind]:
            assert item["by"]["scheme"] == "https"
            assert (
                item["by"]["tls_config"]["cert_file"]
                == f"/run/secrets/orgs/{item['organization']}/client.crt"
            )


def test_a_chaincode_is_asked_from_its_own_host_by_its_own_name() -> None:
    """Its port is not published: only who is on the network of its host's ledger reaches it."""
    network = sample("monitored")
    addresses = {host.name: f"{host.address}:9115" for host in network.hosts.values()}
    for item in jobs(network)["chaincode"]:
        assert item["at"] == [f"{item['node']}:9999"]
        assert item["by"]["relabel_configs"][-1]["replacement"] == addresses[item["host"]]
        assert item["by"]["params"]["module"] == [f"chaincode_{item['organization']}"]


def test_the_store_is_known_by_the_bootstrap_ca_and_shown_no_token() -> None:
    (store,) = jobs(sample("monitored"))["store"]
    assert store["by"]["tls_config"] == {"ca_file": "/etc/prometheus/ca.crt"}
    assert "authorization" not in store["by"]
    assert store["by"]["params"] == {"format": ["prometheus"]}


def test_every_file_that_is_named_is_mounted() -> None:
    """A secret that is rendered, or a file of the configuration; what is rendered and not named is nobody's."""
    network = sample("monitored")
    (service,) = network.monitoring_of("prometheus")
    rendered = {item["dest"] for item in templates(network, service, {})}
    files = config_files(network, service, CA_CERT)
    named = {
        word for text in files.values() for word in text.split() if word.startswith(("/run/", "/etc/prom"))
    }
    secrets = {word.replace("/run/secrets", folder_of(service)) for word in named if word.startswith("/run")}
    assert secrets <= rendered
    assert rendered - secrets == {f"{folder_of(service)}/revision"}
    assert {word.rpartition("/")[2] for word in named if word.startswith("/etc")} <= set(files)


def test_no_job_stands_twice_and_no_target_is_without_its_labels() -> None:
    for network in (sample("monitored"), wide()):
        configs = scrape_configs(network)
        assert max(Counter(config["job_name"] for config in configs).values()) == 1
        for config in configs:
            for static in config["static_configs"]:
                known = {"job", "instance", "node"}
                # Who judges all hosts says itself which one it speaks of.
                assert known | ({"host"} if static["labels"]["job"] != HEALTH_JOB else set()) <= set(
                    static["labels"]
                )


def test_who_judges_nodes_is_asked_where_there_is_one_and_says_of_whom_it_speaks() -> None:
    network = sample("monitored")
    (found,) = jobs(network)[HEALTH_JOB]
    assert found["at"] == ["172.30.10.13:9470"]
    # The first organisation with peers: it is certified as a client of that one.
    assert found["by"]["tls_config"]["cert_file"] == "/run/secrets/orgs/org1/client.crt"
    # A verdict on a node of another host must not look like one of this host's.
    assert found["by"]["honor_labels"] is True
    assert not {"host", "organization"} & set(found)


def test_a_host_with_nothing_else_can_watch_the_others() -> None:
    network = wide()
    assert [item.host.name for item in network.monitoring_of("blackbox-exporter")] == [
        "east",
        "west",
        "spare",
    ]
    others = [item for item in network.monitoring if item.kind != HEALTH_EXPORTER]
    # Not the first, which has orderers: their admin port trusts every TLS certificate of it.
    assert {item.organization for item in others} == {"north-sea"}
    central = next(config for config in scrape_configs(network) if config["job_name"] == "certificate")
    assert central["relabel_configs"][-1]["replacement"] == "172.30.10.14:9115"


@pytest.mark.parametrize(("interval", "timeout"), [("5s", "5s"), ("15s", "10s"), ("1m", "10s")])
def test_a_scrape_ends_before_the_next_one(interval: str, timeout: str) -> None:
    model = monitored_model()
    model["monitoring"]["scrape_interval"] = interval
    config = prometheus_config(load(model, LAB_HOSTS))
    assert (config["global"]["scrape_interval"], config["global"]["scrape_timeout"]) == (interval, timeout)


def test_certificates_are_looked_at_less_often_than_a_sample_gets_stale() -> None:
    found = {item["by"].get("scrape_interval") for item in jobs(sample("monitored"))["certificate"]}
    assert found == {"1m"}


def test_remote_write_is_there_where_the_model_says_so() -> None:
    assert "remote_write" not in prometheus_config(wide())
    assert prometheus_config(sample("monitored"))["remote_write"] == [
        {
            "name": "archive",
            "url": "https://metrics.example.org/api/v1/write",
            "basic_auth": {"username": "lab", "password_file": "/run/secrets/remote_write/archive"},
        }
    ]


@pytest.mark.parametrize("name", ["monitored", "wide"])
def test_promtool_accepts_the_configuration_and_the_rules(name: str, tmp_path: Path) -> None:
    network = wide() if name == "wide" else sample(name)
    (service,) = network.monitoring_of("prometheus")
    for file, text in config_files(network, service, CA_CERT).items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text.replace("/etc/prometheus", str(tmp_path)))
    accepted("prometheus/promtool", "check", "config", "--syntax-only", tmp_path / "prometheus.yml")
    accepted("prometheus/promtool", "check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules.yml")


def test_the_rules_are_the_same_for_every_network() -> None:
    texts = []
    for network in (sample("monitored"), wide()):
        (service,) = network.monitoring_of("prometheus")
        texts.append(config_files(network, service, CA_CERT)["rules.yml"])
    assert texts[0] == texts[1]
    assert len(yaml.safe_load(texts[0])["groups"]) == 2
