"""What a host, and the controller, must be able to do before the network can run there: for `preflight.yml`.

Expectations only; what is true of the hosts is found by ``preflight/evidence.py`` and judged by the rules beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model import compose
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import (
    GUARD,
    Host,
    Network,
    Service,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import (
    CA_CERT,
    CLEAR_CREDENTIALS,
    CONFIG,
    CREDENTIALS,
    DATA,
    LIBRARY,
    SECRETS,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import (
    COLLECTORS,
    COUCHDB,
    COUCHDB_PORT_KEY,
    MONITORING_KEYS,
    PORT_KEYS,
)

CONTROLLER = "controller"
# What images are built for, see images/oci.py.
ARCHITECTURE = "x86_64"
_UNIT_BYTES = {"m": 1 << 20, "g": 1 << 30}


def preflight_view(network: Network, host: str) -> dict[str, Any]:
    """What is expected of one host.

    :returns: ``name``, ``address`` (by which others reach it), ``architecture``, ``seal``; ``ports`` (``port``,
        ``service``, the ``key`` of the model that sets it) to be free or the services' own; ``limits`` (service to
        bytes of memory); ``runtimes`` (runtime to the services that want it); ``paths`` (``data``, ``config``,
        ``library``, ``secrets``); ``projects``, the network's Compose projects; ``trust``, files that hold
        the bootstrap CA's certificate after `bootstrap.yml`; ``endpoints`` and ``neighbours`` to be reached from it
    """
    return {
        "name": host,
        "address": network.hosts[host].address,
        "architecture": ARCHITECTURE,
        "seal": network.hosts[host].seal,
        "ports": list(_ports(network, host)),
        "limits": {name: bytes_of(item["memory"]) for name, item in _settings(network, host)},
        "runtimes": _runtimes(network, host),
        "paths": {"data": DATA, "config": CONFIG, "library": LIBRARY, "secrets": SECRETS},
        "projects": [
            f"{network.name}-{stack}"
            for stack in (
                "registry",
                "store",
                "ca",
                "ledger",
                *(["monitoring"] if network.monitoring else []),
            )
        ],
        "trust": [CA_CERT, f"/etc/docker/certs.d/{network.registry_address}/ca.crt"],
        "endpoints": _endpoints(network, lambda found: found.address),
        "neighbours": [
            {"host": other.name, "address": other.address, "ports": ports}
            for other in network.hosts.values()
            if other.name != host and (ports := list(_between(network, host, other.name)))
        ],
    }


def controller_preflight_view(network: Network) -> dict[str, Any]:
    """What is expected of the controller: that it reaches everything at the addresses that it uses."""
    return {
        "name": CONTROLLER,
        "endpoints": _endpoints(network, lambda found: found.reach),
        "neighbours": [
            {
                "host": host.name,
                "address": host.reach,
                "ports": [{"port": item["port"], "service": item["service"]} for item in ports],
            }
            for host in network.hosts.values()
            if (
                ports := [
                    item for item in _ports(network, host.name) if item["service"] not in _shared(network)
                ]
            )
        ],
    }


def bytes_of(limit: str) -> int:
    """``512m`` or ``2g``, as the model has it, in bytes."""
    return int(limit[:-1]) * _UNIT_BYTES[limit[-1]]


def _shared(network: Network) -> tuple[str, str]:
    """The registry's and the store's containers: they are asked by name, as ``endpoints``."""
    return f"registry.{network.settings['domain']}", f"store.{network.settings['domain']}"


def _endpoints(network: Network, address: Callable[[Host], str]) -> list[dict[str, Any]]:
    """The two servers that every host needs, with a path that says how they are, and where their keys lie."""
    registry, store = _shared(network)
    servers = (
        ("registry", network.registry_host, network.settings["registry"]["port"], "/v2/", registry),
        (
            "store",
            network.store_host,
            network.settings["secrets_store"]["port"],
            "/v1/sys/health?standbyok=true",
            store,
        ),
    )
    return [
        {
            "name": name,
            "host": host.name,
            "address": address(host),
            "port": port,
            "path": path,
            "service": service,
            "credentials": CLEAR_CREDENTIALS if host.seal == "none" else CREDENTIALS,
        }
        for name, host, port, path, service in servers
    ]


def _ports(network: Network, host: str) -> Iterator[dict[str, Any]]:
    """Every port that the model takes on a host."""
    registry, store = _shared(network)
    if network.registry_host.name == host:
        port = network.settings["registry"]["port"]
        yield {"port": port, "service": registry, "key": "registry.port"}
    if network.store_host.name == host:
        port = network.settings["secrets_store"]["port"]
        yield {"port": port, "service": store, "key": "secrets_store.port"}
    for service in _published(network, host):
        for use, port in service.ports.items():
            key = COUCHDB_PORT_KEY if service.kind == COUCHDB else PORT_KEYS[use]
            key = MONITORING_KEYS.get(service.kind, key)
            yield {"port": port, "service": service.name, "key": f"{_key(service)}.{key}"}


def _published(network: Network, host: str) -> Iterator[Service]:
    """Services that are reached from outside their host."""
    return (service for service in network.services(host) if service.kind != "chaincode")


def _key(service: Service) -> str:
    """The path of a service in the model."""
    if service.kind in MONITORING_KEYS:
        return "monitoring"
    path = f"organizations[{service.organization}]"
    if service.kind == "ca":
        return f"{path}.ca"
    kind = "peer" if service.kind == COUCHDB else service.kind
    return f"{path}.{kind}s[{service.settings['name']}]"


def _settings(network: Network, host: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and settings of everything that runs on a host; the registry has fixed limits."""
    registry, store = _shared(network)
    if network.registry_host.name == host:
        made = compose.registry(network, "-", "-", "-")
        yield registry, {"memory": made["mem_limit"], "runtime": made["runtime"]}
    if network.store_host.name == host:
        yield store, network.settings["secrets_store"]
    for service in network.services(host):
        yield service.name, service.settings
        if service.kind in COLLECTORS:
            yield network.guard(service), GUARD


def _runtimes(network: Network, host: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, item in _settings(network, host):
        found.setdefault(item["runtime"], []).append(name)
    return found


def _between(network: Network, host: str, other: str) -> Iterator[dict[str, Any]]:
    """Ports of another host that those of this one connect to: orderers and peers to each other, Prometheus to all,
    collectors to Loki."""
    nodes = [*network.orderers, *network.peers]
    if any(node.host.name == host for node in nodes):
        for node in nodes:
            if node.host.name == other:
                yield {"port": node.ports["main"], "service": node.name}
    if any(item.host.name == host for item in network.monitoring_of("prometheus")):
        for service in _published(network, other):
            asked = "main" if service.kind in MONITORING_KEYS else "operations"
            if asked in service.ports:
                yield {"port": service.ports[asked], "service": service.name}
    elif any(item.host.name == host for kind in COLLECTORS for item in network.monitoring_of(kind)):
        for loki in network.monitoring_of("loki"):
            if loki.host.name == other:
                yield {"port": loki.ports["main"], "service": loki.name}
