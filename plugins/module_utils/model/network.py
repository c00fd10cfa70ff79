"""The network model, validated and complete: what the operator wrote, with names, ports and addresses filled in.

``load`` is pure: same model and same hosts, same network. Nothing here talks to a host.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

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
    """

    name: str
    reach: str
    address: str


@dataclass(frozen=True)
class Service:
    """A node, CA or chaincode instance that runs on a host.

    :param kind: ``orderer``, ``peer``, ``ca`` or ``chaincode``
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
    """The whole network."""

    name: str
    settings: dict[str, Any] = field(repr=False)
    hosts: dict[str, Host]
    organizations: dict[str, Organization]
    chaincodes: list[Service]

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
        for service in [*self.cas, *self.orderers, *self.peers, *self.chaincodes]:
            if service.host.name == host:
                yield service


# First port of each kind; the n-th of a kind on one host adds ten times n. Last digits differ, so kinds never meet.
_PORTS = {
    "orderer": {"main": 7050, "admin": 7053, "operations": 9443},
    "peer": {"main": 7051, "operations": 9445},
    "ca": {"main": 7054, "operations": 9444},
}
_PORT_KEYS = {"main": "port", "admin": "admin_port", "operations": "operations_port"}


class _Ports:
    """Hands out ports host by host."""

    def __init__(self) -> None:
        self._count: Counter[tuple[str, str]] = Counter()

    def take(self, kind: str, host: str, settings: dict[str, Any]) -> dict[str, int]:
        index = self._count[kind, host]
        self._count[kind, host] += 1
        return {use: settings.get(_PORT_KEYS[use]) or first + 10 * index for use, first in _PORTS[kind].items()}


def load(model: Any, hosts: dict[str, dict[str, str]]) -> Network:
    """Validate ``model`` against the inventory's ``hosts`` and complete it.

    :param model: the ``selvedge_network`` variable
    :param hosts: inventory name to ``{"reach": ..., "address": ...}``
    :raises ModelError: with every mistake that was found
    """
    settings, problems = check(model)
    if problems:
        raise ModelError(problems)
    problems = list(_reference_problems(settings, set(hosts)))
    if problems:
        raise ModelError(problems)
    settings["domain"] = settings["domain"] or f"{settings['name']}.example"
    network = _complete(settings, {name: Host(name, **value) for name, value in hosts.items()})
    problems = list(_port_problems(network))
    if problems:
        raise ModelError(problems)
    return network


def _complete(settings: dict[str, Any], hosts: dict[str, Host]) -> Network:
    ports = _Ports()
    organizations = {}
    for org in settings["organizations"]:

        def service(kind: str, label: str, item: dict[str, Any], org: dict[str, Any] = org) -> Service:
            name = f"{label}.{org['name']}.{settings['domain']}"
            return Service(kind, name, hosts[item["host"]], org["name"], item, ports.take(kind, item["host"], item))

        for index, peer in enumerate(org["peers"]):
            peer["anchor"] = index == 0 if peer["anchor"] is None else peer["anchor"]
        organizations[org["name"]] = Organization(
            name=org["name"],
            msp_id=org["msp_id"] or org["name"].replace("-", " ").title().replace(" ", "") + "MSP",
            ca=service("ca", "ca", org["ca"]),
            orderers=[service("orderer", node["name"], node) for node in org["orderers"]],
            peers=[service("peer", node["name"], node) for node in org["peers"]],
        )
    return Network(settings["name"], settings, hosts, organizations, _chaincodes(settings, organizations))


def _chaincodes(settings: dict[str, Any], organizations: dict[str, Organization]) -> list[Service]:
    """One instance of every chaincode beside every peer of its channel's organisations."""
    members = {channel["name"]: channel["organizations"] for channel in settings["channels"]}
    return [
        Service("chaincode", f"{item['name']}.{peer.name}", peer.host, peer.organization, item, {"main": 9999})
        for item in settings["chaincodes"]
        for name in members[item["channel"]]
        for peer in organizations[name].peers
    ]


def _reference_problems(settings: dict[str, Any], hosts: set[str]) -> Iterator[Problem]:
    """Names that point at nothing, and names that stand twice."""
    known = f"hosts of the inventory are {', '.join(sorted(hosts))}"
    for path, host in _host_references(settings):
        if host not in hosts:
            yield Problem(path, f"names host {host!r}, which the inventory does not have", known)
    for path, items in _named_lists(settings):
        for name, count in Counter(item["name"] for item in items).items():
            if count > 1:
                yield Problem(f"{path}[{name}]", f"stands {count} times", "give each a name of its own")
    peer_orgs = [org["name"] for org in settings["organizations"] if org["peers"]]
    for org in settings["organizations"]:
        if org["peers"] and org["orderers"]:
            yield Problem(
                f"organizations[{org['name']}]",
                "has peers and orderers",
                "give the orderers an organisation of their own",
            )
    if settings["channels"] and not any(org["orderers"] for org in settings["organizations"]):
        yield Problem("organizations", "have no orderer, but there are channels", "give one organisation orderers")
    for channel in settings["channels"]:
        for name in channel["organizations"]:
            if name not in peer_orgs:
                yield Problem(
                    f"channels[{channel['name']}].organizations",
                    f"names {name!r}, which is no organisation with peers",
                    f"organisations with peers are {', '.join(peer_orgs) or 'none'}",
                )
    channels = [channel["name"] for channel in settings["channels"]]
    for chaincode in settings["chaincodes"]:
        if chaincode["channel"] not in channels:
            yield Problem(
                f"chaincodes[{chaincode['name']}].channel",
                f"names {chaincode['channel']!r}, which is not in channels",
                f"channels are {', '.join(channels) or 'none'}",
            )


def _host_references(settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "registry.host", settings["registry"]["host"]
    yield "secrets_store.host", settings["secrets_store"]["host"]
    for org in settings["organizations"]:
        yield f"organizations[{org['name']}].ca.host", org["ca"]["host"]
        for kind in ("orderers", "peers"):
            for node in org[kind]:
                yield f"organizations[{org['name']}].{kind}[{node['name']}].host", node["host"]


def _named_lists(settings: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for key in ("organizations", "channels", "chaincodes"):
        yield key, settings[key]
    for org in settings["organizations"]:
        for kind in ("orderers", "peers"):
            yield f"organizations[{org['name']}].{kind}", org[kind]


def _port_problems(network: Network) -> Iterator[Problem]:
    """Two services on one port of one host."""
    taken: dict[tuple[str, int], str] = {}
    fixed = [
        (network.registry_host.name, network.settings["registry"]["port"], "registry.port"),
        (network.store_host.name, network.settings["secrets_store"]["port"], "secrets_store.port"),
    ]
    services = [
        (service.host.name, port, f"{service.name} ({use} port)")
        for service in [*network.cas, *network.orderers, *network.peers]
        for use, port in service.ports.items()
    ]
    for host, port, owner in [*fixed, *services]:
        other = taken.setdefault((host, port), owner)
        if other != owner:
            yield Problem(owner, f"wants port {port} of {host}, which {other} has", "give one of them another port")
