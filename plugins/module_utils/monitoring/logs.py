"""From the network model to what its collectors and its Loki are told."""

from __future__ import annotations

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import IN_SECRETS
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring import fluent_bit
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.log_collector import (
    DATA_FOLDER,
    HostLogs,
    Places,
    Server,
    Sink,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.loki import Loki

COLLECTOR_FILE = "collector.yml"
FLUENT_BIT_FILE = "fluent-bit.yml"
LOKI_FILE = "loki.yml"
# Where a collector sees its host's /var/log.
HOST_LOG = "/host/log"
_TLS = f"{IN_SECRETS}/tls"
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12}


def host_logs(network: Network, service: Service) -> HostLogs:
    """What the collector of one host is told, for a network whose model has ``monitoring.logs``."""
    monitoring = network.settings["monitoring"]
    logs = monitoring["logs"]
    data = DATA_FOLDER if service.kind == "otel-collector" else fluent_bit.DATA_FOLDER
    metrics = Server("")
    if service.ports:
        address = f"0.0.0.0:{service.ports['main']}"
        metrics = Server(address, f"{_TLS}/server.crt", f"{_TLS}/server.key", f"{_TLS}/ca.crt")
    return HostLogs(
        host=service.host.name,
        domain=network.settings["domain"],
        organizations=tuple(network.organizations),
        channels=tuple(channel["name"] for channel in network.settings["channels"]),
        sink=_sink(network),
        metrics=metrics,
        queue_bytes=_bytes(logs["queue_size"]),
        interval=monitoring["scrape_interval"],
        places=Places(journal=f"{HOST_LOG}/journal", data=data),
    )


def _bytes(size: str) -> int:
    return int(size[:-2]) * _UNITS[size[-2:]]


def _sink(network: Network) -> Sink:
    """Our own Loki by mutual TLS, or somebody else's sink by a token."""
    given = network.settings["monitoring"]["logs"]["sink"]
    if given:
        return Sink(
            given["url"],
            ca_file=f"{IN_SECRETS}/sink/ca.crt",
            token_file=f"{IN_SECRETS}/sink/token",
        )
    (loki,) = network.monitoring_of("loki")
    return Sink(
        # By address: certificates have it, and nobody needs a name server for it.
        f"https://{loki.host.address}:{loki.ports['main']}/otlp",
        ca_file=f"{_TLS}/ca.crt",
        cert_file=f"{_TLS}/server.crt",
        key_file=f"{_TLS}/server.key",
    )


def own_loki(network: Network, service: Service) -> Loki:
    """What our own Loki is told."""
    logs = network.settings["monitoring"]["logs"]
    return Loki(
        "0.0.0.0",
        service.ports["main"],
        24 * logs["retention_days"],
        _bytes(logs["retention_size"]),
        cert_file=f"{_TLS}/server.crt",
        key_file=f"{_TLS}/server.key",
        client_ca_file=f"{_TLS}/ca.crt",
    )
