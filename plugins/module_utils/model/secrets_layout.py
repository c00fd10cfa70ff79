"""Which secret a service sees as which file: from the store's fields to paths below /run/secrets."""

from __future__ import annotations

from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import SECRETS, UID

# Tells client, peer, admin and orderer certificates apart by their organisational unit.
# Source: Fabric documentation, "Membership Service Provider", Node OUs.
NODE_OUS = "NodeOUs:\n  Enable: true\n" + "".join(
    f"  {kind}OUIdentifier:\n    Certificate: cacerts/ca.crt\n    OrganizationalUnitIdentifier: {kind.lower()}\n"
    for kind in ("Client", "Peer", "Admin", "Orderer")
)

_TLS = {"tls/server.crt": "tls_cert", "tls/server.key": "tls_key", "tls/ca.crt": "tls_ca_cert"}
_MSP = {
    "msp/signcerts/cert.pem": "sign_cert",
    "msp/keystore/key.pem": "sign_key",
    "msp/cacerts/ca.crt": "ca_cert",
    "msp/tlscacerts/ca.crt": "tls_ca_cert",
}
_FILES = {"peer": {**_MSP, **_TLS}, "orderer": {**_MSP, **_TLS}, "chaincode": _TLS}


def mount_of(organization: str) -> str:
    """An organisation's mount in the store carries its name."""
    return organization


def secret_path(service: Service) -> str:
    """``mount/path`` of a service's secret."""
    folder = "ca/server" if service.kind == "ca" else f"nodes/{service.name}"
    return f"{mount_of(service.organization)}/{folder}"


def data_path(service: Service) -> str:
    """The same as the store's HTTP API names it."""
    mount, rest = secret_path(service).split("/", 1)
    return f"{mount}/data/{rest}"


def folder_of(service: Service) -> str:
    """The folder in the host's tmpfs that the service's container mounts."""
    return f"{SECRETS}/{service.name}"


def wrap(path: str, text: str) -> str:
    """An agent template: ``text`` may use ``.Data.data.<field>`` of the secret at ``path`` (API form)."""
    return '{{ with secret "' + path + '" }}' + text + "{{ end }}"


def templates(network: Network, service: Service, ca_files: dict[str, str]) -> list[dict[str, Any]]:
    """The agent's templates for one service.

    :param ca_files: for a CA, its configuration files by name, with ``{{ .Data.data.<field> }}`` in them
    """
    path = data_path(service)
    if service.kind == "ca":
        files = {name: wrap(path, text) for name, text in ca_files.items()}
    else:
        files = {
            name: wrap(path, "{{ .Data.data." + field + " }}") for name, field in _FILES[service.kind].items()
        }
        if service.kind != "chaincode":
            files["msp/config.yaml"] = NODE_OUS
    return [
        {
            "dest": f"{folder_of(service)}/{name}",
            "contents": contents,
            "perms": "0400",
            "user": str(UID),
            "group": str(UID),
        }
        for name, contents in sorted(files.items())
    ]
