"""Real sockets and real TLS servers of this process."""

from __future__ import annotations

import contextlib
import http.server
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import (
    KeyPair,
    issue_server,
    load_certificate,
    make_root,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight import network

CA = make_root("test CA", "Selvedge", 1)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if "sealed" in self.path else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def https(folder: Path, pair: KeyPair) -> Iterator[int]:
    """A server with this certificate; its port."""
    (folder / "cert").write_text(pair.cert_pem)
    (folder / "key").write_text(pair.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert", folder / "key")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as made:
        return int(made.getsockname()[1])


def full() -> tuple[socket.socket, list[socket.socket]]:
    """A listener whose queue is full: further connections get no answer, as behind a firewall."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    waiting = []
    for _unused in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(server.getsockname())
        waiting.append(client)
    return server, waiting


def test_a_listener_is_found_with_its_process(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    found = network.listeners({port, closed_port()})
    assert list(found) == [str(port)]
    comm = Path("/proc/self/comm").read_text().strip()
    assert found[str(port)] == [{"process": comm, "pid": os.getpid()}]


def test_a_listener_on_version_6_counts_too() -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with server:
        port = server.getsockname()[1]
        assert network.listeners({port})[str(port)][0]["pid"] == os.getpid()


def test_a_connection_is_no_listener(listener: socket.socket) -> None:
    """The port that a client happens to have is not taken."""
    with socket.create_connection(listener.getsockname()) as client:
        assert network.listeners({client.getsockname()[1]}) == {}


def test_knocking_tells_open_from_closed_from_nothing(listener: socket.socket) -> None:
    server, waiting = full()
    targets = [listener.getsockname(), ("127.0.0.1", closed_port()), server.getsockname()]
    started = time.monotonic()
    found = network.knock([*targets, ("no-such-host.invalid", 1)], 0.5)
    for item in (server, *waiting):
        item.close()
    assert list(found.values()) == ["open", "refused", "no answer", "unknown name"]
    assert time.monotonic() - started < 5


def test_many_are_knocked_at_together(listener: socket.socket) -> None:
    server, waiting = full()
    address, port = server.getsockname()
    # Every address of 127/8 is this machine, and this port of it is only taken at one.
    targets = [(f"127.0.1.{n}", port) for n in range(1, 200)] + [(address, port)]
    started = time.monotonic()
    found = network.knock(targets, 0.5)
    for item in (server, *waiting):
        item.close()
    assert sorted(set(found.values())) == ["no answer", "refused"]
    assert time.monotonic() - started < 2


def test_what_the_kernel_says_of_ways() -> None:
    assert network.outcome(113) == "no route"
    assert network.outcome(110) == "no answer"
    assert network.outcome(13) == "permission denied"


def test_a_server_with_the_right_certificate(tmp_path: Path) -> None:
    pair = issue_server(CA, "x", "Selvedge", ["127.0.0.1"], 1)
    with https(tmp_path, pair) as port:
        assert network.ask("127.0.0.1", port, "/v2/", CA.cert_pem, 5) == {"connection": "open", "status": 200}
        assert network.ask("127.0.0.1", port, "/sealed", CA.cert_pem, 5)["status"] == 503
        assert network.ask("127.0.0.1", port, "/v2/", "", 5) == {"connection": "open"}


@pytest.mark.parametrize(
    ("issuer", "host", "words"),
    [
        (make_root("other CA", "Acme", 1), "127.0.0.1", "unable to get local issuer certificate"),
        (CA, "192.0.2.7", "IP address mismatch"),
    ],
    ids=["another-authority", "another-address"],
)
def test_a_server_with_a_wrong_one_shows_it(tmp_path: Path, issuer: KeyPair, host: str, words: str) -> None:
    pair = issue_server(issuer, "registry.other", "Acme", [host], 1)
    with https(tmp_path, pair) as port:
        answer = network.ask("127.0.0.1", port, "/v2/", CA.cert_pem, 5)
    assert words in answer["verify"]
    assert load_certificate(answer["certificate"]) == load_certificate(pair.cert_pem)
    assert "status" not in answer


def test_a_port_that_speaks_something_else(listener: socket.socket) -> None:
    def greet() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _unused = listener.accept()
                client.sendall(b"220 mail.example ESMTP\r\n")
                client.close()

    threading.Thread(target=greet, daemon=True).start()
    answer = network.ask("127.0.0.1", listener.getsockname()[1], "/v2/", CA.cert_pem, 5)
    assert answer["connection"] == "open"
    assert answer["error"]
    assert "verify" not in answer


def test_a_port_that_says_nothing_is_given_up(listener: socket.socket) -> None:
    started = time.monotonic()
    answer = network.ask("127.0.0.1", listener.getsockname()[1], "/v2/", CA.cert_pem, 0.3)
    assert "timed out" in answer["error"]
    assert time.monotonic() - started < 3


def test_a_closed_port() -> None:
    assert network.ask("127.0.0.1", closed_port(), "/v2/", CA.cert_pem, 1) == {"connection": "refused"}
