"""The exporter's endpoint, asked over real TLS."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.endpoint import Endpoint
from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.exposition import Snapshot
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import operations, x509
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health, Status
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint as Address

ROOT, STRANGE = (x509.make_root(name, "test", 30) for name in ("root", "strange"))
CLIENT, STRANGER = (
    x509.issue_server(root, "prometheus", "test", ["prometheus"], 30) for root in (ROOT, STRANGE)
)
NAME = "exporter.lab"
SICK = Health("peer0", "peer", "Org1", Status.UNHEALTHY, ("it is away",), "start it")


def install(folder: Path) -> str:
    """A new certificate in place; return it."""
    server = x509.issue_server(ROOT, NAME, "test", [NAME], 30)
    for name, text in (("cert", server.cert_pem), ("key", server.key_pem), ("ca", ROOT.cert_pem)):
        new = folder / f"{name}.new"
        new.write_text(text)
        new.rename(folder / name)
    return server.cert_pem


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Endpoint, list[Snapshot]]]:
    install(tmp_path)
    state = [Snapshot()]
    files = (tmp_path / "cert", tmp_path / "key", tmp_path / "ca")
    endpoint = Endpoint("127.0.0.1:0", *files, lambda: state[0], {}, 60)
    thread = threading.Thread(target=endpoint.serve_forever, daemon=True)
    thread.start()
    yield endpoint, state
    endpoint.shutdown()
    endpoint.server_close()
    thread.join()


def ask(endpoint: Endpoint, path: str, client: x509.KeyPair = CLIENT) -> tuple[int, str, str]:
    """Status, body and the certificate that was presented."""
    port = endpoint.server_address[1]
    address = Address(f"127.0.0.1:{port}", NAME, ROOT.cert_pem, client.cert_pem, client.key_pem)
    answers = operations.get(address, [path], 5)
    status, body = answers.replies[0]
    return status, body.decode(), answers.certificate_pem


def test_metrics_and_verdicts(served: tuple[Endpoint, list[Snapshot]]) -> None:
    endpoint, state = served
    state[0] = Snapshot((SICK,), 0.1, time.time())
    status, text, _unused = ask(endpoint, "/metrics")
    assert status == 200
    assert 'selvedge_node_status{subject="peer0",kind="peer",organization="Org1"} 2\n' in text
    status, text, _unused = ask(endpoint, "/status.json")
    (result,) = json.loads(text)["results"]
    assert (status, result["reasons"], result["remedy"]) == (200, ["it is away"], "start it")
    assert ask(endpoint, "/other")[0] == 404


def test_it_is_well_while_it_looks(served: tuple[Endpoint, list[Snapshot]]) -> None:
    endpoint, state = served
    status, text, _unused = ask(endpoint, "/healthz")
    assert status == 503 and "not there yet" in text
    state[0] = Snapshot(ended=time.time() - 50)
    assert ask(endpoint, "/healthz")[0] == 200
    state[0] = Snapshot(ended=time.time() - 100)
    status, text, _unused = ask(endpoint, "/healthz")
    assert status == 503 and "100 s ago" in text


def test_strangers_are_refused(served: tuple[Endpoint, list[Snapshot]]) -> None:
    endpoint, _unused = served
    with pytest.raises(FabricError):
        ask(endpoint, "/metrics", STRANGER)
    plain = http.client.HTTPConnection("127.0.0.1", endpoint.server_address[1], timeout=5)
    with pytest.raises((OSError, http.client.HTTPException)):
        plain.request("GET", "/metrics")
        plain.getresponse()
    plain.close()
    context = ssl.create_default_context(cadata=ROOT.cert_pem)
    connection = http.client.HTTPSConnection(
        "127.0.0.1", endpoint.server_address[1], context=context, timeout=5
    )
    context.check_hostname = False
    with pytest.raises((OSError, http.client.HTTPException)):
        connection.request("GET", "/metrics")
        connection.getresponse()
    connection.close()
    assert ask(endpoint, "/metrics")[0] == 200, "and nobody else suffers"


def test_a_renewed_certificate_is_taken_up(served: tuple[Endpoint, list[Snapshot]], tmp_path: Path) -> None:
    endpoint, _unused = served
    first = ask(endpoint, "/healthz")[2]
    renewed = install(tmp_path)
    os.utime(tmp_path / "cert", (1, 1))
    assert x509.load_certificate(ask(endpoint, "/healthz")[2]) == x509.load_certificate(renewed)
    assert renewed != first
    # Half of it there: the old one goes on.
    (tmp_path / "key").write_text("not a key")
    assert x509.load_certificate(ask(endpoint, "/healthz")[2]) == x509.load_certificate(renewed)
