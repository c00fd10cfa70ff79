"""The network model, validated and complete: what the operator wrote, and names, ports, addresses filled in.

``load`` is pure: same model and same hosts, same network. Nothing here talks to a host.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.schema import Problem, check

# How boot material lies on a host's disk: sealed by systemd, or in files that only root can read.
SEALS = ("systemd-creds", "none")


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
    """

    name: str
    reach: str
    address: str
    seal: str = "systemd-creds"
    lab_image: str = "debian-13"


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


# First port of each kind; the n-th of a kind on one host adds ten times n. Last digits differ, so kinds never
# meet.
_PORTS = {
    "orderer": {"main": 7050, "admin": 7053, "operations": 9443},
    "peer": {"main": 7051, "operations": 9445},
    "ca": {"main": 7054, "operations": 9444},
}
_PORT_KEYS = {"main": "port", "admin": "admin_port", "operations": "operations_port"}

# An organisation's mount in the store carries its name. Source: OpenBao, vault/mount.go (protectedMounts).
_RESERVED = ("audit", "auth", "cubbyhole", "identity", "sys")


class _Ports:
    """Hands out ports host by host."""

    def __init__(self) -> None:
        self._count: Counter[tuple[str, str]] = Counter()

    def take(self, kind: str, host: str, settings: dict[str, Any]) -> dict[str, int]:
        index = self._count[kind, host]
        self._count[kind, host] += 1
        return {
            use: settings.get(_PORT_KEYS[use]) or first + 10 * index for use, first in _PORTS[kind].items()
        }


def load(model: Any, hosts: dict[str, dict[str, str]]) -> Network:
    """Validate ``model`` against the inventory's ``hosts`` and complete it. Neither is changed.

    :param model: the ``selvedge_network`` variable
    :param hosts: inventory name to ``{"reach": ..., "address": ...}``, and what else a Host has
    :raises ModelError: with every mistake that was found
    """
    settings, problems = check(model)
    if isinstance(model, dict):
        problems += [*_reference_problems(settings, set(hosts)), *_port_problems(settings)]
    problems += [*_address_problems(hosts), *_seal_problems(hosts)]
    if problems:
        raise ModelError(problems)
    settings["domain"] = settings["domain"] or f"{settings['name']}.example"
    return _complete(settings, {name: Host(name, **value) for name, value in hosts.items()})


def _complete(settings: dict[str, Any], hosts: dict[str, Host]) -> Network:
    ports = _Ports()
    organizations = {}
    for org in settings["organizations"]:

        def service(kind: str, label: str, item: dict[str, Any], org: dict[str, Any] = org) -> Service:
            name = f"{label}.{org['name']}.{settings['domain']}"
            taken = ports.take(kind, item["host"], item)
            return Service(kind, name, hosts[item["host"]], org["name"], item, taken)

        for index, peer in enumerate(org["peers"]):
            peer["anchor"] = index == 0 if peer["anchor"] is None else peer["anchor"]
        organizations[org["name"]] = Organization(
            name=org["name"],
            msp_id=_msp_id(org),
            ca=service("ca", "ca", org["ca"]),
            orderers=[service("orderer", node["name"], node) for node in org["orderers"]],
            peers=[service("peer", node["name"], node) for node in org["peers"]],
        )
    return Network(settings["name"], settings, hosts, organizations, _chaincodes(settings, organizations))


def _msp_id(org: dict[str, Any]) -> str:
    given: str | None = org["msp_id"]
    return given or org["name"].replace("-", " ").title().replace(" ", "") + "MSP"


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


# What follows looks at a model that may have other mistakes as well, so that the operator hears of all of them at
# once. Lists and mappings are always there; what is in them may be missing or of a wrong type.


def _named(settings: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The maps of a list that have a name."""
    return [item for item in settings.get(key, []) if isinstance(item.get("name"), str)]


def _placed(settings: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Kind, path and settings of everything that has a host of its own."""
    yield "registry", "registry", settings.get("registry", {})
    yield "store", "secrets_store", settings.get("secrets_store", {})
    for org in _named(settings, "organizations"):
        path = f"organizations[{org['name']}]"
        yield "ca", f"{path}.ca", org.get("ca", {})
        for kind in ("orderer", "peer"):
            for node in _named(org, f"{kind}s"):
                yield kind, f"{path}.{kind}s[{node['name']}]", node


def _address_problems(hosts: dict[str, dict[str, str]]) -> Iterator[Problem]:
    """Other hosts find a node by its host's address, without DNS; the store binds credentials to it."""
    for name, value in hosts.items():
        try:
            ipaddress.IPv4Address(value["address"])
        except ValueError:
            right = (
                "give the host the variable selvedge_address with the IPv4 address that the other hosts use"
            )
            yield Problem(
                f"hosts[{name}].selvedge_address", f"is {value['address']!r}, no IPv4 address", right
            )


def _seal_problems(hosts: dict[str, dict[str, str]]) -> Iterator[Problem]:
    for name, value in hosts.items():
        if value.get("seal", SEALS[0]) not in SEALS:
            wrong = f"is {value['seal']!r}, which is no way to keep boot material"
            yield Problem(f"hosts[{name}].selvedge_seal", wrong, f"one of {', '.join(SEALS)}")


def _reference_problems(settings: dict[str, Any], hosts: set[str]) -> Iterator[Problem]:
    """Names that point at nothing, and names that stand twice."""
    known = f"hosts of the inventory are {', '.join(sorted(hosts))}"
    for _, path, item in _placed(settings):
        host = item.get("host")
        if isinstance(host, str) and host not in hosts:
            yield Problem(f"{path}.host", f"names host {host!r}, which the inventory does not have", known)
    for key in ("organizations", "channels", "chaincodes"):
        yield from _duplicates(key, _named(settings, key))
    for org in _named(settings, "organizations"):
        yield from _organization_problems(org)
    yield from _msp_problems(settings)
    yield from _channel_problems(settings)


def _duplicates(path: str, items: list[dict[str, Any]]) -> Iterator[Problem]:
    for name, count in Counter(item["name"] for item in items).items():
        if count > 1:
            yield Problem(f"{path}[{name}]", f"stands {count} times", "give each a name of its own")


def _organization_problems(org: dict[str, Any]) -> Iterator[Problem]:
    path = f"organizations[{org['name']}]"
    if org["name"] in _RESERVED:
        yield Problem(
            f"{path}.name",
            "is a name that the secrets store keeps for itself",
            f"give one that is none of {', '.join(_RESERVED)}",
        )
    for key in ("orderers", "peers"):
        yield from _duplicates(f"{path}.{key}", _named(org, key))
        if any(node["name"] == "ca" for node in _named(org, key)):
            yield Problem(
                f"{path}.{key}[ca]", "has the name of the organisation's CA", "give it another name"
            )
    if org.get("peers") and org.get("orderers"):
        yield Problem(path, "has peers and orderers", "give the orderers an organisation of their own")


def _msp_problems(settings: dict[str, Any]) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for org in _named(settings, "organizations"):
        if not isinstance(org["msp_id"], str | None):
            continue
        other = taken.setdefault(_msp_id(org), org["name"])
        if other != org["name"]:
            path = f"organizations[{org['name']}].msp_id"
            wrong = f"is {_msp_id(org)!r}, which organizations[{other}] has"
            yield Problem(path, wrong, "give one of them another MSP id")


def _channel_problems(settings: dict[str, Any]) -> Iterator[Problem]:
    organizations = _named(settings, "organizations")
    peer_orgs = [org["name"] for org in organizations if org.get("peers")]
    channels = _named(settings, "channels")
    if channels and organizations and not any(org.get("orderers") for org in organizations):
        yield Problem(
            "organizations", "have no orderer, but there are channels", "give one organisation orderers"
        )
    for channel in channels:
        path = f"channels[{channel['name']}].organizations"
        for name, count in Counter(map(str, channel.get("organizations", []))).items():
            if name not in peer_orgs:
                right = f"organisations with peers are {', '.join(peer_orgs) or 'none'}"
                yield Problem(path, f"names {name!r}, which is no organisation with peers", right)
            if count > 1:
                yield Problem(path, f"names {name!r} {count} times", "name it once")
    names = [channel["name"] for channel in channels]
    for chaincode in _named(settings, "chaincodes"):
        channel_name = chaincode.get("channel")
        if isinstance(channel_name, str) and channel_name not in names:
            yield Problem(
                f"chaincodes[{chaincode['name']}].channel",
                f"names {channel_name!r}, which is not in channels",
                f"channels are {', '.join(names) or 'none'}",
            )


def _port_problems(settings: dict[str, Any]) -> Iterator[Problem]:
    """Two services on one port of one host."""
    ports = _Ports()
    taken: dict[tuple[str, int], str] = {}
    for kind, path, item in _placed(settings):
        host = item.get("host")
        if not isinstance(host, str):
            continue
        wanted = ports.take(kind, host, item) if kind in _PORTS else {"main": item["port"]}
        for use, port in wanted.items():
            if not isinstance(port, int):
                continue
            owner = f"{path}.{_PORT_KEYS[use]}"
            other = taken.setdefault((host, port), owner)
            if other != owner:
                wrong = f"is {port} on {host}, which {other} has"
                yield Problem(owner, wrong, "give one of them another port")
