"""The network model, validated and complete: what the operator wrote, and names, ports, addresses filled in.

``load`` is pure: same model and same hosts, same network. Nothing here talks to a host.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model import rules
from ansible_collections.selvedge.fabric.plugins.module_utils.model.draft import (
    Draft,
    couchdb_name,
    domain_of,
    monitor_name,
    monitoring_name,
    msp_id_of,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import (
    COUCHDB,
    COUCHDB_PORT_KEY,
    GRAFANA,
    HEALTH_EXPORTER,
    MONITORING_KEYS,
    PORT_KEYS,
    Ports,
    setting,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.schema import Problem, check


class ModelError(ValueError):
    """A model with mistakes; ``problems`` has all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"the network model has {len(problems)} mistake(s), no host was touched:\n{lines}")


@dataclass(frozen=True)
class Host:
    """An inventory host.

    :param reach: the address that the controller uses (``ansible_host``)
    :param address: the address that other hosts use (``selvedge_address``)
    :param seal: how its boot material lies on its disk, one of SEALS (``selvedge_seal``)
    :param lab_image: what it is made from where it is a lab host (``lab_image``)
    :param lab_ports: ports that a lab host publishes beside those of the model, so that it can grow (``lab_ports``)
    """

    name: str
    reach: str
    address: str
    seal: str = "systemd-creds"
    lab_image: str = "debian-13"
    lab_ports: Sequence[int] = ()


@dataclass(frozen=True)
class Service:
    """A node, CA, state database, chaincode instance or part of the monitoring that runs on a host.

    :param kind: ``orderer``, ``peer``, ``ca``, ``couchdb``, ``chaincode``, or one of MONITORING_KEYS
    :param name: fully qualified name; container name, TLS server name, name in the store
    :param settings: its part of the model, defaults filled in
    :param ports: by use: ``main``, ``operations``, ``admin``
    """

    kind: str
    name: str
    host: Host
    organization: str
    settings: dict[str, Any] = field(repr=False)
    ports: dict[str, int]

    @property
    def endpoint(self) -> str:
        """``host:port`` as other nodes reach it."""
        return f"{self.name}:{self.ports['main']}"

    def reach(self, port: str = "main") -> str:
        """``host:port`` as the controller reaches it."""
        return f"{self.host.reach}:{self.ports[port]}"


@dataclass(frozen=True)
class Organization:
    """An organisation with its services."""

    name: str
    msp_id: str
    ca: Service
    orderers: list[Service]
    peers: list[Service]

    @property
    def role(self) -> str:
        """``orderer`` for an ordering organisation, else ``peer``."""
        return "orderer" if self.orderers else "peer"


@dataclass(frozen=True)
class Network:
    """The whole network.

    :param state_databases: each peer's CouchDB, in their order; empty where they keep their state themselves
    :param monitoring: exporters, Prometheus and Alertmanager; empty where the model has no monitoring
    :param warnings: what is no mistake and may still not be meant
    """

    name: str
    settings: dict[str, Any] = field(repr=False)
    hosts: dict[str, Host]
    organizations: dict[str, Organization]
    chaincodes: list[Service]
    state_databases: list[Service] = field(default_factory=list)
    monitoring: list[Service] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @property
    def orderers(self) -> list[Service]:
        return [node for org in self.organizations.values() for node in org.orderers]

    @property
    def peers(self) -> list[Service]:
        return [node for org in self.organizations.values() for node in org.peers]

    @property
    def cas(self) -> list[Service]:
        return [org.ca for org in self.organizations.values()]

    @property
    def store_host(self) -> Host:
        return self.hosts[self.settings["secrets_store"]["host"]]

    @property
    def registry_host(self) -> Host:
        return self.hosts[self.settings["registry"]["host"]]

    @property
    def store_url(self) -> str:
        """The store as other hosts reach it."""
        return f"https://{self.store_host.address}:{self.settings['secrets_store']['port']}"

    @property
    def registry_address(self) -> str:
        """``host:port`` of the registry as hosts reach it; first part of image references."""
        return f"{self.registry_host.address}:{self.settings['registry']['port']}"

    def services(self, host: str) -> Iterator[Service]:
        """Everything that runs on a host, in a stable order."""
        nodes = [*self.cas, *self.orderers, *self.state_databases, *self.peers, *self.chaincodes]
        for service in [*nodes, *self.monitoring]:
            if service.host.name == host:
                yield service

    def monitoring_of(self, kind: str) -> list[Service]:
        """The services of one kind of the monitoring."""
        return [service for service in self.monitoring if service.kind == kind]

    def state_database_of(self, node: Service) -> Service | None:
        """The CouchDB beside a peer; None for other nodes, and where peers keep their state themselves."""
        name = couchdb_name(node.name)
        return next((item for item in self.state_databases if item.name == name), None)

    def guard(self, collector: Service) -> str:
        """The container that stands between a host's collector and its engine."""
        return monitoring_name("engine-watch", collector.host.name, self.settings["domain"])

    def monitor(self, organization: str) -> str:
        """The client by which Prometheus is known to an organisation's nodes."""
        return monitor_name(organization, self.settings["domain"])


def load(model: Any, hosts: dict[str, dict[str, Any]]) -> Network:
    """Validate ``model`` against the inventory's ``hosts`` and complete it. Neither is changed.

    :param model: the ``selvedge_network`` variable
    :param hosts: inventory name to ``{"reach": ..., "address": ...}``, and what else a Host has; ``port`` where SSH's
        is not 22, ``variables`` (names of those that begin with ``selvedge_``)
    :raises ModelError: with every mistake that was found
    """
    settings, problems = check(model)
    draft = Draft(settings, hosts)
    problems += rules.mistakes(draft)
    if problems:
        raise ModelError(problems)
    warnings = rules.warnings(draft)
    settings["domain"] = domain_of(settings)
    known = {
        name: Host(name, **{key: item for key, item in value.items() if key not in ("port", "variables")})
        for name, value in hosts.items()
    }
    return _complete(settings, known, warnings)


def _complete(settings: dict[str, Any], hosts: dict[str, Host], warnings: list[Problem]) -> Network:
    ports = Ports()
    organizations = {}
    for org in settings["organizations"]:

        def service(kind: str, label: str, item: dict[str, Any], org: dict[str, Any] = org) -> Service:
            name = f"{label}.{org['name']}.{settings['domain']}"
            taken = ports.take(kind, org["name"], item["host"], item)
            return Service(kind, name, hosts[item["host"]], org["name"], item, taken)

        for index, peer in enumerate(org["peers"]):
            peer["anchor"] = index == 0 if peer["anchor"] is None else peer["anchor"]
        organizations[org["name"]] = Organization(
            name=org["name"],
            msp_id=msp_id_of(org),
            ca=service("ca", "ca", org["ca"]),
            orderers=[service("orderer", node["name"], node) for node in org["orderers"]],
            peers=[service("peer", node["name"], node) for node in org["peers"]],
        )
    chaincodes = _chaincodes(settings, organizations)
    return Network(
        settings["name"],
        settings,
        hosts,
        organizations,
        chaincodes,
        state_databases=_state_databases(settings, organizations, ports),
        monitoring=_monitoring(settings, hosts, chaincodes),
        warnings=warnings,
    )


def _state_databases(
    settings: dict[str, Any], organizations: dict[str, Organization], ports: Ports
) -> list[Service]:
    """A CouchDB beside every peer, if the model wants any; its metrics alone are seen from outside its host."""
    if settings[COUCHDB] is None:
        return []
    limits = {key: settings[COUCHDB][key] for key in ("memory", "pids", "runtime")}

    def beside(peer: Service) -> Service:
        given = {PORT_KEYS["operations"]: peer.settings[COUCHDB_PORT_KEY]}
        taken = (
            ports.take(COUCHDB, peer.organization, peer.host.name, given) if settings["monitoring"] else {}
        )
        own = {"name": peer.settings["name"], **limits}
        return Service(COUCHDB, couchdb_name(peer.name), peer.host, peer.organization, own, taken)

    return [beside(peer) for org in organizations.values() for peer in org.peers]


def _chaincodes(settings: dict[str, Any], organizations: dict[str, Organization]) -> list[Service]:
    """One instance of every chaincode beside every peer of its channel's organisations."""
    members = {channel["name"]: channel["organizations"] for channel in settings["channels"]}
    return [
        Service(
            "chaincode", f"{item['name']}.{peer.name}", peer.host, peer.organization, item, {"main": 9999}
        )
        for item in settings["chaincodes"]
        for name in members[item["channel"]]
        for peer in organizations[name].peers
    ]


# What the guard of the engine's socket may take, beside each collector: it hands on and keeps nothing.
GUARD = {"memory": "32m", "pids": 32, "runtime": "runc"}
# What each exporter, Alertmanager, and what has to do with logs may take; Prometheus' limits are the model's.
_SMALL = {
    "node-exporter": {"memory": "96m", "pids": 64},
    "blackbox-exporter": {"memory": "96m", "pids": 64},
    "alertmanager": {"memory": "192m", "pids": 128},
    # Measured: 70 MB for five nodes, and a thread a question.
    HEALTH_EXPORTER: {"memory": "256m", "pids": 256},
    "otel-collector": {"memory": "256m", "pids": 128},
    "fluent-bit": {"memory": "256m", "pids": 128},
    "loki": {"memory": "768m", "pids": 256},
}


def _limits(given: dict[str, Any], kind: str) -> dict[str, Any]:
    """What a service of the monitoring may take; Grafana's is in its own part of the model."""
    own = given[GRAFANA] if kind == GRAFANA else given
    return {**{key: own[key] for key in ("memory", "pids", "runtime")}, **_SMALL.get(kind, {})}


def _monitoring(settings: dict[str, Any], hosts: dict[str, Host], chaincodes: list[Service]) -> list[Service]:
    """Exporters where there is something to be asked, Prometheus and Alertmanager on their host."""
    given = settings["monitoring"]
    if given is None:
        return []
    probing = {given["host"], *(service.host.name for service in chaincodes)}
    places = {
        "node-exporter": list(hosts),
        "blackbox-exporter": [name for name in hosts if name in probing],
        "prometheus": [given["host"]],
        "alertmanager": [given["host"]],
        HEALTH_EXPORTER: [given["host"]],
    }
    # An orderer's admin port trusts every TLS certificate of its organisation: exporters get none of them unasked.
    names = [org["name"] for org in settings["organizations"]]
    judge = next((org["name"] for org in settings["organizations"] if org["peers"]), names[0])
    given["organization"] = given["organization"] or judge
    if logs := given["logs"]:
        places[logs["collector"]] = list(hosts)
        places["loki"] = [] if logs["sink"] else [given["host"]]
    if given["grafana"]:
        places[GRAFANA] = [given["host"]]
    return [
        Service(
            kind,
            monitoring_name(kind, host, settings["domain"]),
            hosts[host],
            # It acts as a client of each organisation.
            judge if kind == HEALTH_EXPORTER else given["organization"],
            _limits(given, kind),
            {"main": setting(given, key)} if (key := MONITORING_KEYS[kind]) else {},
        )
        for kind, names in places.items()
        for host in names
    ]
