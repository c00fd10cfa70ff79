"""Models for tests: the lab's own, and a consortium with everything that the lab's leaves to defaults."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model import view
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, load

ROOT = Path(__file__).parents[5]
LAB_FILE = ROOT / "inventory/lab/group_vars/all/network.yml"
CA_CERT = "-----BEGIN CERTIFICATE-----\nnot checked here\n-----END CERTIFICATE-----\n"


def _hosts(names: list[str]) -> dict[str, dict[str, str]]:
    return {
        name: {"reach": f"127.0.10.{number}", "address": f"172.30.10.{10 + number}"}
        for number, name in enumerate(names, 1)
    }


LAB_HOSTS = _hosts(["host1", "host2", "host3"])
WIDE_HOSTS = _hosts(["core", "east", "west", "spare"])

WIDE: dict[str, Any] = {
    "name": "wide",
    "domain": "fabric.example.org",
    "fabric_version": "3.1.1",
    "registry": {"host": "core", "port": 5005},
    "secrets_store": {"host": "west", "port": 8207, "memory": "1g", "runtime": "crun"},
    "organizations": [
        {
            "name": "ord",
            "ca": {"host": "core", "port": 17054, "operations_port": 19444},
            "orderers": [
                {"name": "o1", "host": "core", "log_level": "debug"},
                {"name": "o2", "host": "core", "admin_port": 7999},
                {"name": "o3", "host": "core"},
            ],
        },
        {
            "name": "north-sea",
            "ca": {"host": "core"},
            "peers": [
                {"name": "p1", "host": "east", "memory": "2g", "pids": 900, "runtime": "runsc"},
                {"name": "p2", "host": "east", "port": 17051, "operations_port": 19445, "anchor": True},
                {"name": "p3", "host": "east"},
            ],
        },
        {"name": "south", "ca": {"host": "core"}, "peers": [{"name": "p1", "host": "west"}]},
    ],
    "channels": [
        {"name": "all", "organizations": ["north-sea", "south"], "capabilities": {"channel": "V3_0"}},
        {"name": "north.only", "organizations": ["north-sea"], "batch_timeout": "2s"},
    ],
    "chaincodes": [
        {"name": "assets", "channel": "all", "version": "1.0"},
        {"name": "bonds", "channel": "north.only", "version": "7", "image": "bonds", "image_version": "7.1"},
    ],
}


def lab_model() -> dict[str, Any]:
    """A fresh copy of the lab's model."""
    model: dict[str, Any] = yaml.safe_load(LAB_FILE.read_text())["selvedge_network"]
    return model


# Monitoring with everything that a model can say of it.
MONITORING: dict[str, Any] = {
    "host": "host3",
    "organization": "org1",
    "receivers": [
        {
            "name": "oncall",
            "kind": "webhook",
            "secret": "org1/receivers/oncall",
            "severities": ["critical"],
        },
        {
            "name": "mail",
            "kind": "email",
            "to": "ops@example.org",
            "from": "selvedge@example.org",
            "smarthost": "mail.example.org:587",
            "user": "selvedge",
            "secret": "org2/receivers/mail",
        },
    ],
    "remote_write": [
        {
            "name": "archive",
            "url": "https://metrics.example.org/api/v1/write",
            "user": "lab",
            "secret": "org1/storage/archive",
        }
    ],
}


def monitored_model() -> dict[str, Any]:
    """A fresh copy of the lab's model, with monitoring."""
    return {**lab_model(), "monitoring": copy.deepcopy(MONITORING)}


SINK = {"url": "https://logs.example.org/otlp", "secret": "org1/logs/sink"}


def logged_model(**logs: Any) -> dict[str, Any]:
    """A fresh copy of the lab's model, with monitoring and logs."""
    model = monitored_model()
    model["monitoring"]["logs"] = copy.deepcopy(logs)
    return model


# What a network with Fluent Bit pulls: all that it runs, but chaincodes and the health exporter.
FLUENT = (
    "alertmanager:0.31.1",
    "blackbox-exporter:0.26.0",
    "fabric-ca:1.5.15",
    "fabric-orderer:2.5.9",
    "fabric-peer:2.5.9",
    "fluent-bit:5.1.1",
    "loki:3.5.0",
    "node-exporter:1.12.1",
    "openbao:2.4.0",
    "prometheus:3.13.5",
    "registry:3.0.0",
)


def fluent_model(**logs: Any) -> dict[str, Any]:
    """A fresh copy of the lab's model, with monitoring and Fluent Bit for its logs."""
    given = {
        label: f"mirror.example/{label.partition(':')[0]}@sha256:{number:064x}"
        for number, label in enumerate(FLUENT)
    }
    return {
        **logged_model(collector="fluent-bit", **logs),
        "image_source": "pull",
        "upstream_images": given,
    }


GRAFANA_IMAGE = f"docker.io/grafana/grafana@sha256:{'c0ffee' * 10}0123"


def pictured_model(**grafana: Any) -> dict[str, Any]:
    """A fresh copy of the lab's model, with monitoring, logs and Grafana."""
    model = logged_model()
    model["monitoring"]["grafana"] = {"image": GRAFANA_IMAGE, **grafana}
    return model


COUCHDB_IMAGE = f"docker.io/library/couchdb@sha256:{'decade' * 10}4567"


def couched_model(**couchdb: Any) -> dict[str, Any]:
    """A fresh copy of the lab's model, with monitoring, logs and a CouchDB beside every peer."""
    return {**logged_model(), "couchdb": {"image": COUCHDB_IMAGE, **couchdb}}


def wide_couched_model() -> dict[str, Any]:
    """The consortium, with a CouchDB beside every peer and no monitoring."""
    return {**wide_model(), "couchdb": {"image": COUCHDB_IMAGE, "memory": "2g", "runtime": "crun"}}


def wide_model() -> dict[str, Any]:
    """A fresh copy of the consortium: many nodes on one host, a host without services, explicit ports."""
    return copy.deepcopy(WIDE)


def big_model(hosts: int = 50, organizations: int = 5, peers: int = 100) -> dict[str, Any]:
    """A consortium of many hosts: five orderers, peers spread over all hosts, two channels with a chaincode each."""
    names = [f"host{number:02}" for number in range(hosts)]
    members = [f"org{number}" for number in range(1, organizations + 1)]
    return {
        "name": "big",
        "registry": {"host": names[0]},
        "secrets_store": {"host": names[1 % hosts]},
        "organizations": [
            {
                "name": "ordering",
                "ca": {"host": names[0]},
                "orderers": [{"name": f"orderer{n}", "host": names[n % hosts]} for n in range(5)],
            },
            *(
                {
                    "name": name,
                    "ca": {"host": names[(5 + index) % hosts]},
                    "peers": [
                        {"name": f"peer{n}", "host": names[n % hosts]}
                        for n in range(peers)
                        if n % organizations == index
                    ],
                }
                for index, name in enumerate(members)
            ),
        ],
        "channels": [
            {"name": "main", "organizations": members},
            {"name": "second", "organizations": members[:2]},
        ],
        "chaincodes": [
            {"name": "assets", "channel": "main", "version": "1.0"},
            {"name": "bonds", "channel": "second", "version": "1.0"},
        ],
    }


BIG_HOSTS = _hosts([f"host{number:02}" for number in range(50)])
MODELS = {
    "lab": (lab_model, LAB_HOSTS),
    "wide": (wide_model, WIDE_HOSTS),
    "monitored": (monitored_model, LAB_HOSTS),
    "logged": (logged_model, LAB_HOSTS),
    "fluent": (fluent_model, LAB_HOSTS),
    "pictured": (pictured_model, LAB_HOSTS),
    "couched": (couched_model, LAB_HOSTS),
    "wide-couched": (wide_couched_model, WIDE_HOSTS),
}


def sample(name: str) -> Network:
    """One of MODELS, loaded."""
    model, hosts = MODELS[name]
    return load(model(), hosts)


def lock_of(network: Network) -> dict[str, str]:
    """A lock file with everything that the network runs."""
    found = {}
    for number, item in enumerate(view.required_images(network), 1):
        digest = f"sha256:{number:064x}"
        found[f"{item['name']}:{item.get('version', '1.0.0')}"] = f"selvedge/{item['name']}@{digest}"
    return found


def views(network: Network) -> dict[str, dict[str, Any]]:
    """Each host's view."""
    lock = lock_of(network)
    return {host: view.host_view(network, host, lock, CA_CERT) for host in network.hosts}


def all_services(network: Network) -> dict[str, dict[str, Any]]:
    """Every Compose service of the network by its container's name, the registry's too."""
    stacks = [stack for found in views(network).values() for stack in found["stacks"].values()]
    stacks.append(view.registry_view(network, f"sha256:{9:064x}")["stack"])
    return {name: item for stack in stacks for name, item in stack["services"].items()}
