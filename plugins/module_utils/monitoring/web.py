"""The configuration of a server of Prometheus' family: TLS, and who may come.

Source: prometheus/exporter-toolkit, docs/web-configuration.md.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import IN_SECRETS
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import GRAFANA

TLS = f"{IN_SECRETS}/tls"


def web_config(network: Network, service: Service) -> dict[str, Any]:
    """Mutual TLS: only the monitoring's own client is let in, and the service itself for its healthcheck.

    A certificate of the same CA is not enough, or every node's key would open Prometheus. Prometheus lets in Grafana as
    well, as itself: the monitoring's client may ask all nodes, and is not for a server that people log in to.
    Certificates are read anew for each connection, so a renewed one needs no restart.
    """
    names = [network.monitor(service.organization), service.name]
    if service.kind == "prometheus":
        names += [item.name for item in network.monitoring_of(GRAFANA)]
    return {
        "tls_server_config": {
            "cert_file": f"{TLS}/server.crt",
            "key_file": f"{TLS}/server.key",
            "client_auth_type": "RequireAndVerifyClientCert",
            "client_ca_file": f"{TLS}/ca.crt",
            "client_allowed_sans": names,
            "min_version": "TLS13",
        }
    }
