"""The health exporter's part of a host: its configuration, its service, and the narrow identities that it acts as.

Pure, like the rest of the model. It runs on one host and reaches all nodes at the addresses that hosts use. In each
organisation it is a plain client of its own; of the store it needs no more than :func:`secret_paths`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.compose import (
    WATCHER_EVERY,
    bind,
    digest_of,
    shell,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.draft import probe_name
from ansible_collections.selvedge.fabric.plugins.module_utils.model.limits import COMMIT_SLOW_S
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import (
    CA_CERT,
    IN_SECRETS,
    UID,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import (
    REVISION_FILE,
    folder_of,
    mount_of,
    revision_of,
    wrap,
)

USER = "probe"
CONFIG_FILE = "/etc/selvedge/exporter.json"
_FIELDS = {
    f"users/{USER}": ("sign_cert", "sign_key", "tls_cert", "tls_key"),
    "msp": ("ca_cert", "tls_ca_cert"),
}


def identities(network: Network, exporter: Service) -> list[dict[str, Any]]:
    """Its users, as the module ``identity`` takes them; each can be its TLS certificate."""
    hosts = sorted({exporter.name, exporter.host.address, exporter.host.reach, "127.0.0.1"})
    return [
        {
            "name": probe_name(org.name, network.settings["domain"]),
            "organization": org.name,
            "kind": "client",
            "secret": f"{mount_of(org.name)}/users/{USER}",
            "hosts": hosts,
        }
        for org in network.organizations.values()
    ]


def secret_paths(network: Network) -> list[str]:
    """What its host may read in the store for it, ``<mount>/<path>``."""
    return [f"{mount_of(name)}/{path}" for name in network.organizations for path in _FIELDS]


def templates(network: Network, exporter: Service) -> list[dict[str, Any]]:
    """What the store's agent renders for it: a file a field, and the marker that says of which revision they are."""
    rendered = []
    for name in network.organizations:
        mount = mount_of(name)
        for path, fields in _FIELDS.items():
            for field in fields:
                contents = wrap(f"{mount}/data/{path}", "{{ .Data.data." + field + " }}")
                rendered.append(_template(exporter, f"{mount}/{path}/{field}", contents))
    first = f"{mount_of(exporter.organization)}/data/msp"
    return [*rendered, _template(exporter, REVISION_FILE, wrap(first, revision_of(rendered)))]


def _template(exporter: Service, file: str, contents: str) -> dict[str, Any]:
    dest = f"{folder_of(exporter)}/{file}"
    return {"dest": dest, "contents": contents, "perms": "0400", "user": str(UID), "group": str(UID)}


def config(network: Network, exporter: Service, controller: Mapping[str, Any]) -> str:
    """The text of its configuration file.

    :param controller: the controller's view (``view.controller_view``), or its part about the ledger
    """
    mine = f"{IN_SECRETS}/{mount_of(exporter.organization)}"
    found = {
        "listen": f"0.0.0.0:{exporter.ports['main']}",
        "tls": {
            "cert_file": f"{mine}/users/{USER}/tls_cert",
            "key_file": f"{mine}/users/{USER}/tls_key",
            "client_ca_file": f"{mine}/msp/tls_ca_cert",
        },
        "secrets_dir": IN_SECRETS,
        "user": USER,
        "probe_budget": COMMIT_SLOW_S,
        "topology": {
            "organizations": controller["topology"]["organizations"],
            "orderers": [_node(service) for service in network.orderers],
            "peers": [_node(service) for service in network.peers],
        },
        "channels": controller["channels"],
        "chaincodes": [
            {key: item[key] for key in ("name", "channel", "organizations", "peers", "probe")}
            for item in controller["chaincodes"]
        ],
        "authorities": [
            {
                "name": org.name,
                "mount": mount_of(org.name),
                "ca_address": _address(org.ca),
                "operations_address": _address(org.ca, "operations"),
                "server_name": org.ca.name,
            }
            for org in network.organizations.values()
        ],
        "store": {"url": network.store_url, "ca_file": CA_CERT},
        "hosts": {
            **{service.name: service.host.name for service in _nodes(network)},
            "store": network.store_host.name,
        },
    }
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


def service(exporter: Service, image: str, config_file: str, text: str, revision: str) -> dict[str, Any]:
    """Its container.

    :param config_file: where ``text``, the configuration, lies on the host
    :param revision: of the secrets that are rendered for it
    """
    mine, port = f"{IN_SECRETS}/{mount_of(exporter.organization)}", exporter.ports["main"]
    probe = [
        "/usr/local/bin/healthcheck",
        f"https://127.0.0.1:{port}/healthz",
        "-ca", f"{mine}/msp/tls_ca_cert",
        "-cert", f"{mine}/users/{USER}/tls_cert",
        "-key", f"{mine}/users/{USER}/tls_key",
        "-server-name", exporter.name,
    ]  # fmt: skip
    return {
        **shell(exporter.name, image, exporter.settings, probe, WATCHER_EVERY),
        "ports": [f"{port}:{port}"],
        "labels": {"selvedge.config": digest_of(text, revision)},
        "volumes": [
            bind(folder_of(exporter), IN_SECRETS),
            bind(config_file, CONFIG_FILE),
            bind(CA_CERT, CA_CERT),
        ],
    }


def _nodes(network: Network) -> list[Service]:
    return [*network.cas, *network.orderers, *network.peers]


def _address(service: Service, port: str = "main") -> str:
    """Where another host reaches it; containers of one host that share no network do so, too."""
    return f"{service.host.address}:{service.ports[port]}"


def _node(service: Service) -> dict[str, Any]:
    # No admin address: it never asks there.
    return {
        "name": service.name,
        "organization": service.organization,
        "address": _address(service),
        "operations_address": _address(service, "operations"),
        "endpoint": service.endpoint,
    }
