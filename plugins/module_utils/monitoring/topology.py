"""What the network page knows of the network before it asks: the model, reduced to what is drawn."""

from __future__ import annotations

from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service

_NODES = ("orderer", "peer", "ca")


def topology(network: Network) -> dict[str, Any]:
    """Organisations, hosts, nodes and channels, in the order in which they are drawn; plain JSON.

    A node has ``name`` (the label ``node`` of its metrics), ``subject`` (as the health check names it), ``label``
    (short), ``kind``, ``organization``, ``host``, ``channels``, ``beside``: names of what belongs to it there, and
    ``chaincodes`` beside it: ``name``, ``node`` and ``channel``.
    """
    channels = network.settings["channels"]
    return {
        "name": network.name,
        "domain": network.settings["domain"],
        "version": network.settings["fabric_version"],
        "organizations": [{"name": org.name, "msp_id": org.msp_id} for org in network.organizations.values()],
        "hosts": [{"name": host.name, "address": host.address} for host in network.hosts.values()],
        "nodes": [node for host in network.hosts for node in _on(network, host)],
        "channels": [
            {
                "name": item["name"],
                "organizations": list(item["organizations"]),
                "chaincodes": [
                    code["name"] for code in network.settings["chaincodes"] if code["channel"] == item["name"]
                ],
            }
            for item in channels
        ],
    }


def _on(network: Network, host: str) -> list[dict[str, Any]]:
    """The nodes of one host, those of all organisations first."""
    found = []
    if network.store_host.name == host:
        name = f"store.{network.settings['domain']}"
        found.append(_node(name, "secrets store", "store", "", host) | {"subject": "store"})
    for service in network.services(host):
        if service.kind in _NODES:
            label = service.name.removesuffix(f".{network.settings['domain']}")
            node = _node(service.name, label, service.kind, service.organization, host)
            codes = _codes(network, service)
            database = network.state_database_of(service)
            beside = [*([database.name] if database else []), *(code["node"] for code in codes)]
            found.append(
                node | {"channels": _channels(network, service), "chaincodes": codes, "beside": beside}
            )
    return found


def _node(name: str, label: str, kind: str, organization: str, host: str) -> dict[str, Any]:
    return {
        "name": name,
        "subject": name,
        "label": label,
        "kind": kind,
        "organization": organization,
        "host": host,
        "channels": [],
        "chaincodes": [],
        "beside": [],
    }


def _channels(network: Network, service: Service) -> list[str]:
    """Every orderer serves every channel; a peer those that its organisation takes part in."""
    if service.kind == "ca":
        return []
    return [
        item["name"]
        for item in network.settings["channels"]
        if service.kind == "orderer" or service.organization in item["organizations"]
    ]


def _codes(network: Network, peer: Service) -> list[dict[str, str]]:
    """The chaincode servers beside a peer."""
    return [
        {"name": item.settings["name"], "node": item.name, "channel": item.settings["channel"]}
        for item in network.chaincodes
        if peer.kind == "peer" and item.name.endswith(f".{peer.name}")
    ]
