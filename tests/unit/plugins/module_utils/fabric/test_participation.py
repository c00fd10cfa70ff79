"""The participation API's client against a small HTTPS server with mutual TLS."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import participation
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.metrics import Metrics
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import (
    Endpoint,
    load_client_certificate,
)
from ansible_collections.selvedge.fabric.tests.live.pki import Authority
from fabric_protos.common import common_pb2

NAME = "orderer0.orderer.lab"
INFO = {"name": "demo", "url": "", "consensusRelation": "consenter", "status": "active", "height": 3}


class Server(http.server.ThreadingHTTPServer):
    """Answers what ``answers`` holds for "METHOD path", and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, tuple[int, Any]] = {}
        self.bodies: list[bytes] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def _answer(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        status, body = self.server.answers[f"{self.command} {self.path}"]
        self.send_response(status)
        self.end_headers()
        if status != 204:
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, *_unused: Any) -> None: ...


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("tlsca")


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_client_certificate(context, *authority.issue(NAME, tls=True))
    context.load_verify_locations(cadata=authority.cert)
    context.verify_mode = ssl.CERT_REQUIRED
    found = Server()
    found.socket = context.wrap_socket(found.socket, server_side=True)
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def endpoint(server: Server, authority: Authority) -> Endpoint:
    server.bodies.clear()
    cert, key = authority.issue("admin", tls=True)
    return Endpoint(f"127.0.0.1:{server.server_address[1]}", NAME, authority.cert, cert, key)


def test_list(server: Server, endpoint: Endpoint) -> None:
    channels = [{"name": "a", "url": "x"}, {"name": "b", "url": "y"}]
    server.answers = {"GET /participation/v1/channels": (200, {"systemChannel": None, "channels": channels})}
    assert participation.list_channels(endpoint) == ["a", "b"]
    server.answers = {"GET /participation/v1/channels": (200, {"systemChannel": None, "channels": None})}
    assert participation.list_channels(endpoint) == []


def test_status(server: Server, endpoint: Endpoint) -> None:
    server.answers = {"GET /participation/v1/channels/demo": (200, INFO)}
    status = participation.channel_status(endpoint, "demo")
    assert status == participation.ChannelStatus("demo", "consenter", "active", 3)
    server.answers = {"GET /participation/v1/channels/demo": (404, {"error": "channel does not exist"})}
    assert participation.channel_status(endpoint, "demo") is None


def test_join_sends_the_block_as_a_file(server: Server, endpoint: Endpoint) -> None:
    server.answers = {"POST /participation/v1/channels": (201, INFO)}
    block = common_pb2.Block(data=common_pb2.BlockData(data=[b"\r\n--\x00\xff"]))
    assert participation.join(endpoint, block).height == 3
    assert block.SerializeToString() in server.bodies[0]
    assert b'name="config-block"; filename=' in server.bodies[0]


def test_remove(server: Server, endpoint: Endpoint) -> None:
    server.answers = {"DELETE /participation/v1/channels/demo": (204, None)}
    assert participation.remove(endpoint, "demo") is True
    server.answers = {"DELETE /participation/v1/channels/demo": (404, {"error": "none"})}
    assert participation.remove(endpoint, "demo") is False


@pytest.mark.parametrize("status", [400, 405, 409, 500])
def test_a_refusal_carries_the_reason(status: int, server: Server, endpoint: Endpoint) -> None:
    server.answers = {"POST /participation/v1/channels": (status, {"error": "cannot join: channel exists"})}
    with pytest.raises(FabricError, match="cannot join: channel exists") as caught:
        participation.join(endpoint, common_pb2.Block())
    assert not isinstance(caught.value, NotReadyError)
    assert NAME in str(caught.value)


def test_a_refusal_that_is_no_json(server: Server, endpoint: Endpoint) -> None:
    server.answers = {"GET /participation/v1/channels": (502, b"<html>bad gateway")}
    with pytest.raises(FabricError, match="bad gateway"):
        participation.list_channels(endpoint)


def test_a_disabled_api_may_come_back(server: Server, endpoint: Endpoint) -> None:
    server.answers = {"GET /participation/v1/channels": (503, {"error": "disabled"})}
    with pytest.raises(NotReadyError):
        participation.list_channels(endpoint)


def test_an_unreachable_orderer(endpoint: Endpoint) -> None:
    with pytest.raises(NotReadyError, match="refused"):
        participation.list_channels(replace(endpoint, address="127.0.0.1:1"))


def test_the_server_must_have_the_right_name(endpoint: Endpoint) -> None:
    with pytest.raises(FabricError, match="Hostname mismatch") as caught:
        participation.list_channels(replace(endpoint, server_name="orderer1.orderer.lab"))
    assert not isinstance(caught.value, NotReadyError), "waiting does not change a certificate"


def test_no_other_ca_is_trusted(endpoint: Endpoint) -> None:
    with pytest.raises(FabricError, match="self-signed|unable to get local issuer"):
        participation.list_channels(replace(endpoint, tls_ca_pem=Authority("other").cert))


@pytest.mark.parametrize(
    ("status", "relation", "expected"),
    [
        (1, 1, ("consenter", "active")),
        (2, 2, ("follower", "onboarding")),
        (3, 1, ("consenter", "failed")),
        (0, 3, ("config-tracker", "inactive")),
    ],
)
def test_an_orderers_metrics_say_the_same(status: int, relation: int, expected: tuple[str, str]) -> None:
    metrics = Metrics.from_text(
        f'participation_status{{channel="demo"}} {status}\n'
        f'participation_consensus_relation{{channel="demo"}} {relation}\n'
        'ledger_blockchain_height{channel="demo"} 4\n'
    )
    found = participation.status_in_metrics(metrics, "demo")
    assert found == participation.ChannelStatus("demo", *expected, 4)
    assert participation.status_in_metrics(metrics, "other") is None
