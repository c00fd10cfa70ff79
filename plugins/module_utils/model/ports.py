"""Which ports a service has on its host, unless the model says otherwise."""

from __future__ import annotations

from collections import Counter
from typing import Any

# The kind, and the image, of a peer's state database where it is one of its own.
COUCHDB = "couchdb"
# First port of each kind. Every organisation has a hundred of its own, in the order of the model; the n-th of a kind
# and an organisation on one host adds ten times n. So a node that is added at the end of its organisation, or an
# organisation at the end of the model, moves nobody's ports. Last digits differ, so kinds never meet.
FIRST_PORTS = {
    "orderer": {"main": 7050, "admin": 7053, "operations": 9443},
    "peer": {"main": 7051, "operations": 9445},
    "ca": {"main": 7054, "operations": 9444},
    COUCHDB: {"operations": 9446},
}
PORT_KEYS = {"main": "port", "admin": "admin_port", "operations": "operations_port"}
# A peer's key for the one port of its CouchDB.
COUCHDB_PORT_KEY = "couchdb_port"
# The kind of the service that judges the network; it acts as a client of each organisation.
HEALTH_EXPORTER = "health-exporter"
# The kind, and the image, of the service of which the model names upstream's image itself.
GRAFANA = "grafana"
# What may collect the logs of a host; the model says which does.
COLLECTORS = ("otel-collector", "fluent-bit")
# The model's key for the one port of each service of the monitoring; empty for one that nobody reaches.
MONITORING_KEYS = {
    "node-exporter": "node_exporter_port",
    "blackbox-exporter": "blackbox_exporter_port",
    "prometheus": "port",
    "alertmanager": "alertmanager_port",
    HEALTH_EXPORTER: "health_exporter_port",
    "loki": "logs.port",
    "otel-collector": "logs.collector_port",
    "fluent-bit": "",
    GRAFANA: "grafana.port",
}


def setting(settings: Any, key: str) -> Any:
    """What a part of the model has at a key such as ``logs.port``; None where there is nothing."""
    for part in key.split("."):
        settings = settings.get(part) if isinstance(settings, dict) else None
    return settings


class Ports:
    """Hands out ports host by host."""

    def __init__(self) -> None:
        self._count: Counter[tuple[str, str, str]] = Counter()
        self._blocks: dict[str, dict[str, int]] = {kind: {} for kind in FIRST_PORTS}

    def take(self, kind: str, organization: str, host: str, settings: dict[str, Any]) -> dict[str, int]:
        """The ports of the organisation's next ``kind`` on ``host``, by use: ``main``, ``operations``, ``admin``."""
        block = self._blocks[kind].setdefault(organization, len(self._blocks[kind]))
        index = self._count[kind, organization, host]
        self._count[kind, organization, host] += 1
        return {
            use: settings.get(PORT_KEYS[use]) or first + 100 * block + 10 * index
            for use, first in FIRST_PORTS[kind].items()
        }
