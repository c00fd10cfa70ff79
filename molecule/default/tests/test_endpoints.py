"""Who is let in at the doors that are for administrators only, and who is not."""

from __future__ import annotations

import http.client
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint, tls_context
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import (
    KeyPair,
    issue_server,
    make_root,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import open_store

_REFUSED = (ssl.SSLError, ConnectionResetError, BrokenPipeError)


class Https(http.client.HTTPSConnection):
    """Checks the server's own name, whatever address it connects to."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._name, self._tls = endpoint.server_name, tls_context(endpoint)
        super().__init__(endpoint.address, context=self._tls, timeout=20)

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


def status(endpoint: Endpoint, path: str) -> int:
    """HTTP status of a GET request. TLS 1.3 tells a client only then that its certificate is not welcome."""
    connection = Https(endpoint)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def doors(deployment: Deployment) -> Iterator[tuple[str, Endpoint, str]]:
    """Every endpoint that wants a client certificate: its name, the endpoint as an administrator, a path there."""
    topology = deployment.topology
    for node in [*topology.orderers, *topology.peers]:
        yield f"operations of {node.name}", topology.operations_endpoint(node), "/metrics"
    for node in topology.orderers:
        yield f"admin of {node.name}", topology.admin_endpoint(node), "/participation/v1/channels"
    for authority in deployment.network.cas:
        admin = topology.secret(f"{topology.organization(authority.organization).mount}/users/admin")
        yield (
            f"operations of {authority.name}",
            Endpoint(
                authority.reach("operations"),
                authority.name,
                topology.msp(authority.organization)["tls_ca_cert"],
                admin["tls_cert"],
                admin["tls_key"],
            ),
            "/metrics",
        )


def test_administrators_are_let_in(deployment: Deployment) -> None:
    answers = {name: status(endpoint, path) for name, endpoint, path in doors(deployment)}
    assert answers == dict.fromkeys(answers, 200)
    network = deployment.network
    assert len(answers) == 2 * len(network.orderers) + len(network.peers) + len(network.cas)


def test_nobody_is_let_in_without_a_certificate(deployment: Deployment) -> None:
    for name, endpoint, path in doors(deployment):
        with pytest.raises(_REFUSED):
            raise AssertionError(
                f"{name}: {status(replace(endpoint, client_cert_pem='', client_key_pem=''), path)}"
            )


def test_a_certificate_of_another_organisation_is_refused(deployment: Deployment) -> None:
    topology = deployment.topology
    for organization in topology.organizations.values():
        admin = topology.secret(f"{organization.mount}/users/admin")
        for node in [*topology.orderers, *topology.peers]:
            if node.organization == organization.name:
                continue
            endpoint = replace(
                topology.operations_endpoint(node),
                client_cert_pem=admin["tls_cert"],
                client_key_pem=admin["tls_key"],
            )
            with pytest.raises(_REFUSED):
                raise AssertionError(
                    f"{node.name} lets {organization.name} in: {status(endpoint, '/metrics')}"
                )


def test_a_self_made_certificate_is_refused(deployment: Deployment) -> None:
    root = make_root("stranger", "Nobody", 1)
    stranger = issue_server(root, "admin", "Nobody", ["admin"], 1)
    for name, endpoint, path in doors(deployment):
        made = replace(endpoint, client_cert_pem=stranger.cert_pem, client_key_pem=stranger.key_pem)
        with pytest.raises(_REFUSED):
            raise AssertionError(f"{name}: {status(made, path)}")


def test_the_store_knows_its_controller_by_name(deployment: Deployment) -> None:
    """The store's and the registry's own certificates come from the same CA, and must not administer the store."""
    state = deployment.state_dir
    issuer = KeyPair((state / "ca.crt").read_text(), (state / "ca.key").read_text())
    other = issue_server(issuer, "registry.example", "Selvedge", ["registry.example"], 1)
    with tempfile.TemporaryDirectory(prefix="selvedge-stranger-", dir="/dev/shm") as folder:
        files = {"cert_file": other.cert_pem, "key_file": other.key_pem}
        for name, text in files.items():
            Path(folder, name).write_text(text)
        paths = {name: str(Path(folder, name)) for name in files}
        with pytest.raises(SecretsError, match="logging in"):
            open_store({**deployment.controller["store"], **paths}).list(
                deployment.network.cas[0].organization
            )
