"""Prometheus' configuration: what it asks, how often, and by which certificate. Made from the model, no secret in it.

Every series carries ``job``, ``instance`` and ``node`` (a full name), and where it belongs to them ``organization``,
``host``, ``channel`` and ``chaincode``. Source: Prometheus' manual, "Configuration".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Host, Network, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import IN_SECRETS
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import (
    COUCHDB,
    GRAFANA,
    HEALTH_EXPORTER,
    MONITORING_KEYS,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import METRICS_PASSWORD

FOLDER = "/etc/prometheus"
# The job of the service that judges nodes and commits transactions.
HEALTH_JOB = "selvedge-health"
# The jobs of the monitoring's own services.
WATCHING = tuple(
    HEALTH_JOB if kind == HEALTH_EXPORTER else kind for kind, key in MONITORING_KEYS.items() if key
)
# As whom Prometheus asks Grafana, which knows logins and no client certificates.
GRAFANA_USER = "prometheus"
# Jobs whose targets are asked by a blackbox exporter: that the exporter answers says nothing of them.
PROBES = ("certificate", "chaincode", "store-seal")
_SCRAPE_TIMEOUT_S = 10
# How often what changes by the day is looked at; a sample counts for five minutes.
_SELDOM = "1m"
Labels = dict[str, str]


def prometheus_config(network: Network) -> dict[str, Any]:
    """The whole configuration, for a network whose model has monitoring."""
    settings = network.settings["monitoring"]
    interval = settings["scrape_interval"]
    timeout = min(_SCRAPE_TIMEOUT_S, 60 if interval == "1m" else int(interval[:-1]))
    config: dict[str, Any] = {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": f"{timeout}s",
            "evaluation_interval": interval,
            "external_labels": {"network": network.name},
        },
        "rule_files": [f"{FOLDER}/rules.yml"],
        "alerting": {
            "alertmanagers": [
                {
                    "scheme": "https",
                    "tls_config": client_tls(settings["organization"]),
                    "static_configs": [
                        {"targets": [_at(item.host, item.ports["main"])]}
                        for item in network.monitoring_of("alertmanager")
                    ],
                }
            ]
        },
        "scrape_configs": scrape_configs(network),
    }
    if settings["remote_write"]:
        config["remote_write"] = [_remote_write(item) for item in settings["remote_write"]]
    return config


def client_tls(organization: str) -> dict[str, str]:
    """How Prometheus shows itself to whatever an organisation's TLS CA certifies."""
    folder = f"{IN_SECRETS}/orgs/{organization}"
    return {
        "ca_file": f"{folder}/ca.crt",
        "cert_file": f"{folder}/client.crt",
        "key_file": f"{folder}/client.key",
    }


def scrape_configs(network: Network) -> list[dict[str, Any]]:
    """One configuration for each job and TLS CA; a job's name is a label, as several of them share it."""
    ours = network.settings["monitoring"]["organization"]
    jobs = []
    for kind, nodes in (
        ("orderer", network.orderers),
        ("peer", network.peers),
        ("ca", network.cas),
        (COUCHDB, network.state_databases),
    ):
        for org in network.organizations:
            members = [node for node in nodes if node.organization == org]
            targets = [_target(kind, node, node.ports["operations"]) for node in members]
            if targets:
                jobs.append(_job(f"{kind}/{org}", targets, org))
    jobs.append(_store(network))
    # Who judges others has a job of its own.
    for kind in [key for key in MONITORING_KEYS if key != HEALTH_EXPORTER]:
        members = [item for item in network.monitoring_of(kind) if item.ports]
        if found := [_target(kind, item, item.ports["main"]) for item in members]:
            jobs.append(_job(kind, found, ours, **(_as_user() if kind == GRAFANA else {})))
    return [*jobs, *_health(network), *_probes(network)]


def _job(name: str, targets: list[dict[str, Any]], organization: str, **more: Any) -> dict[str, Any]:
    return {
        "job_name": name,
        "scheme": "https",
        "tls_config": client_tls(organization),
        "static_configs": targets,
        **more,
    }


def _as_user() -> dict[str, Any]:
    file = f"{IN_SECRETS}/{GRAFANA}/{METRICS_PASSWORD}"
    return {"basic_auth": {"username": GRAFANA_USER, "password_file": file}}


def _at(host: Host, port: int) -> str:
    """By address: Prometheus needs no names, and certificates have the addresses."""
    return f"{host.address}:{port}"


def _target(job: str, service: Service, port: int) -> dict[str, Any]:
    return {"targets": [_at(service.host, port)], "labels": labels_of(job, service)}


def labels_of(job: str, service: Service) -> Labels:
    """What is known of a service beside what it says itself."""
    found = {"job": job, "instance": service.name, "node": service.name, "host": service.host.name}
    # What watches a host is nobody's: it is the network's.
    return found if service.kind in MONITORING_KEYS else {**found, "organization": service.organization}


def _store(network: Network) -> dict[str, Any]:
    """The store's own metrics, which need no token."""
    labels = _of_store(network, "store")
    return {
        "job_name": "store",
        "scheme": "https",
        "metrics_path": "/v1/sys/metrics",
        "params": {"format": ["prometheus"]},
        "tls_config": {"ca_file": f"{FOLDER}/ca.crt"},
        "static_configs": [{"targets": [_store_address(network)], "labels": labels}],
    }


def _of_store(network: Network, job: str) -> Labels:
    name = f"store.{network.settings['domain']}"
    return {"job": job, "instance": name, "node": name, "host": network.store_host.name}


def _store_address(network: Network) -> str:
    return _at(network.store_host, network.settings["secrets_store"]["port"])


def _health(network: Network) -> Iterator[dict[str, Any]]:
    """Who judges all nodes, where there is one. What it says is of others, so its own place is no label of it."""
    for service in network.monitoring_of(HEALTH_EXPORTER):
        labels = {"job": HEALTH_JOB, "instance": service.name, "node": service.name}
        target = {"targets": [_at(service.host, service.ports["main"])], "labels": labels}
        yield _job(HEALTH_JOB, [target], service.organization, honor_labels=True)


def _probes(network: Network) -> Iterator[dict[str, Any]]:
    """What blackbox exporters ask: chaincodes from beside them, everything else from the monitoring's host."""
    exporters = {item.host.name: item for item in network.monitoring_of("blackbox-exporter")}
    for name, exporter in exporters.items():
        for org in network.organizations:
            instances = [
                {"targets": [item.endpoint], "labels": _of_chaincode(item)}
                for item in network.chaincodes
                if item.host.name == name and item.organization == org
            ]
            if instances:
                yield _probe(network, f"chaincode/{name}/{org}", f"chaincode_{org}", exporter, instances)
    central = exporters[network.settings["monitoring"]["host"]]
    certificates = _probe(network, "certificate", "certificate", central, list(_certificates(network)))
    yield {**certificates, "scrape_interval": _SELDOM}
    url = f"https://{_store_address(network)}/v1/sys/health?standbyok=true"
    seal = [{"targets": [url], "labels": _of_store(network, "store-seal")}]
    yield _probe(network, "store-seal", "store", central, seal)


def _probe(
    network: Network, name: str, module: str, exporter: Service, targets: list[dict[str, Any]]
) -> dict[str, Any]:
    relabel = [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"target_label": "__address__", "replacement": _at(exporter.host, exporter.ports["main"])},
    ]
    more = {"metrics_path": "/probe", "params": {"module": [module]}, "relabel_configs": relabel}
    return _job(name, targets, network.settings["monitoring"]["organization"], **more)


def _of_chaincode(instance: Service) -> Labels:
    settings = instance.settings
    return {
        **labels_of("chaincode", instance),
        "chaincode": settings["name"],
        "channel": settings["channel"],
    }


def _certificates(network: Network) -> Iterator[dict[str, Any]]:
    """Every TLS server that is reached from outside its host."""
    reached = [item for item in network.monitoring if item.ports]
    servers = [
        *((item, "main") for item in [*network.cas, *network.orderers, *network.peers, *reached]),
        *((item, "operations") for item in network.state_databases),
    ]
    for service, port in servers:
        target = _target("certificate", service, service.ports[port])
        # What it is says who renews it.
        yield {**target, "labels": {**target["labels"], "kind": service.kind}}
    labels = {**_of_store(network, "certificate"), "kind": "store"}
    yield {"targets": [_store_address(network)], "labels": labels}
    registry = f"registry.{network.settings['domain']}"
    labels = {
        "job": "certificate",
        "instance": registry,
        "node": registry,
        "host": network.registry_host.name,
        "kind": "registry",
    }
    yield {"targets": [network.registry_address], "labels": labels}


def _remote_write(item: dict[str, Any]) -> dict[str, Any]:
    found = {"name": item["name"], "url": item["url"]}
    if not item["user"]:
        return found
    password = f"{IN_SECRETS}/remote_write/{item['name']}"
    return {**found, "basic_auth": {"username": item["user"], "password_file": password}}
