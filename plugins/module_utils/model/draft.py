"""A model that may have mistakes, as the rules look at it.

The operator is to hear of all mistakes at once, so rules run on a model whose keys are already known to be wrong.
Lists and mappings are always there; what is in them may be missing or of a wrong type, and is then left out here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import (
    COLLECTORS,
    COUCHDB,
    GRAFANA,
    HEALTH_EXPORTER,
    MONITORING_KEYS,
)

SSH_PORT = 22
# What stands in the place of an organisation in the names of the monitoring's containers.
MONITORING = "monitoring"
# Of these there is one on each host that needs it; of the others one.
ON_MANY_HOSTS = ("node-exporter", "blackbox-exporter", *COLLECTORS, "engine-watch")
# How boot material lies on a host's disk: sealed by systemd, or in files that only root can read.
SEALS = ("systemd-creds", "none")


class Placed(NamedTuple):
    """Something that the model puts on a host.

    :param kind: ``registry``, ``store``, ``ca``, ``orderer``, ``peer`` or ``monitoring``
    :param path: where in the model it stands
    """

    kind: str
    path: str
    settings: dict[str, Any]
    organization: str = ""

    @property
    def host(self) -> str | None:
        host = self.settings.get("host")
        return host if isinstance(host, str) else None


@dataclass(frozen=True)
class Draft:
    """A model with defaults filled in, and the inventory's hosts.

    :param hosts: inventory name to ``reach``, ``address`` and, where it is not 22, ``port``; ``variables`` names those
        that begin with ``selvedge_``
    """

    settings: dict[str, Any]
    hosts: dict[str, dict[str, Any]]

    @cached_property
    def organizations(self) -> list[dict[str, Any]]:
        return named(self.settings, "organizations")

    @cached_property
    def channels(self) -> list[dict[str, Any]]:
        return named(self.settings, "channels")

    @cached_property
    def chaincodes(self) -> list[dict[str, Any]]:
        return named(self.settings, "chaincodes")

    @cached_property
    def placed(self) -> list[Placed]:
        """Everything that has a host of its own; chaincodes run beside peers."""
        found = [
            Placed("registry", "registry", self.settings.get("registry", {})),
            Placed("store", "secrets_store", self.settings.get("secrets_store", {})),
        ]
        for org in self.organizations:
            path = f"organizations[{org['name']}]"
            found.append(Placed("ca", f"{path}.ca", org.get("ca", {}), org["name"]))
            for kind in ("orderer", "peer"):
                for node in named(org, f"{kind}s"):
                    found.append(Placed(kind, f"{path}.{kind}s[{node['name']}]", node, org["name"]))
        if self.monitoring is not None:
            found.append(Placed("monitoring", "monitoring", self.monitoring))
        return found

    @property
    def monitoring(self) -> dict[str, Any] | None:
        """What the model says of the monitoring; None where there is none."""
        given = self.settings.get("monitoring")
        return given if isinstance(given, dict) else None

    def monitored(self) -> Iterator[tuple[str, str]]:
        """Kind and host of each service of the monitoring; hosts as the model has them, known or not."""
        if self.monitoring is None:
            return
        yield from (("node-exporter", host) for host in self.hosts)
        central = self.monitoring.get("host")
        probing = [central, *(peer.get("host") for _unused, _unused, peer in self._instances())]
        for host in dict.fromkeys(item for item in probing if isinstance(item, str)):
            yield "blackbox-exporter", host
        if isinstance(central, str):
            yield from ((kind, central) for kind in ("prometheus", "alertmanager", HEALTH_EXPORTER))
        logs = self.monitoring.get("logs")
        if isinstance(logs, dict):
            if (collector := logs.get("collector")) in COLLECTORS:
                yield from ((collector, host) for host in self.hosts)
            if isinstance(central, str) and logs.get("sink") is None:
                yield "loki", central
        if isinstance(central, str) and isinstance(self.monitoring.get("grafana"), dict):
            yield GRAFANA, central

    def state_databases(self) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Path in the model, organisation and peer of every peer that has a CouchDB beside it."""
        if not isinstance(self.settings.get(COUCHDB), dict):
            return
        for org in self.organizations:
            for peer in named(org, "peers"):
                yield f"organizations[{org['name']}].peers[{peer['name']}]", org, peer

    def _instances(self) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
        """Chaincode, organisation and peer of every instance of a chaincode."""
        for chaincode in self.chaincodes:
            for org in self.members(chaincode.get("channel")):
                for peer in named(org, "peers"):
                    yield chaincode, org, peer

    @property
    def node_kinds(self) -> set[str]:
        """``orderers``, ``peers``: those that the network has."""
        return {f"{item.kind}s" for item in self.placed if item.kind in ("orderer", "peer")}

    def members(self, channel: Any) -> list[dict[str, Any]]:
        """The organisations with peers of the channel of this name; none when there is no such channel."""
        names = [
            name
            for item in self.channels
            if item["name"] == channel
            for name in item.get("organizations", [])
        ]
        return [org for org in self.organizations if org["name"] in names and org.get("peers")]

    def ssh_port(self, host: str) -> int:
        """The port of SSH on a host; 22 when the inventory says nothing sensible."""
        given = str(self.hosts.get(host, {}).get("port", SSH_PORT))
        return int(given) if given.isdecimal() else SSH_PORT

    def full_names(self) -> Iterator[tuple[str, str]]:
        """Who has which fully qualified name: containers, certificates and enrolments carry it."""
        domain = domain_of(self.settings)
        for kind in ("registry", "store"):
            yield {"store": "secrets_store"}.get(kind, kind), f"{kind}.{domain}"
        for org in self.organizations:
            path = f"organizations[{org['name']}]"
            yield f"{path}.ca", f"ca.{org['name']}.{domain}"
            yield f"the admin of {path}", f"admin.{org['name']}.{domain}"
            if self.monitoring is not None:
                yield f"the monitoring's client of {path}", monitor_name(org["name"], domain)
                yield f"the health exporter's client of {path}", probe_name(org["name"], domain)
            for key in ("orderers", "peers"):
                for node in named(org, key):
                    yield f"{path}.{key}[{node['name']}]", f"{node['name']}.{org['name']}.{domain}"
        for path, org, peer in self.state_databases():
            yield f"the CouchDB of {path}", couchdb_name(f"{peer['name']}.{org['name']}.{domain}")
        for chaincode, org, peer in self._instances():
            name = f"{chaincode['name']}.{peer['name']}.{org['name']}.{domain}"
            yield f"chaincodes[{chaincode['name']}]", name
        for kind, host in self.monitored():
            key = MONITORING_KEYS[kind] or "logs.collector"
            yield f"monitoring.{key} on {host}", monitoring_name(kind, host, domain)


def named(settings: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The maps of a list that have a name."""
    return [item for item in settings.get(key, []) if isinstance(item.get("name"), str)]


def couchdb_name(peer: str) -> str:
    """The full name of a peer's CouchDB."""
    return f"{COUCHDB}.{peer}"


def monitor_name(organization: str, domain: str) -> str:
    """The client by which Prometheus is known to an organisation's nodes."""
    return f"monitor.{organization}.{domain}"


def probe_name(organization: str, domain: str) -> str:
    """The client as which the health exporter asks an organisation's nodes and commits its transactions."""
    return f"probe.{organization}.{domain}"


def monitoring_name(kind: str, host: str, domain: str) -> str:
    """The full name of a service of the monitoring; an inventory's name may have dots."""
    label = f"{kind}-{host.replace('.', '-')}" if kind in ON_MANY_HOSTS else kind
    return f"{label}.{MONITORING}.{domain}"


def domain_of(settings: dict[str, Any]) -> str:
    """The network's domain, given or made from its name."""
    return str(settings.get("domain") or f"{settings.get('name')}.example")


def msp_id_of(organization: dict[str, Any]) -> str:
    """An organisation's MSP id, given or made from its name."""
    given: Any = organization.get("msp_id")
    return str(given or organization["name"].replace("-", " ").title().replace(" ", "") + "MSP")
