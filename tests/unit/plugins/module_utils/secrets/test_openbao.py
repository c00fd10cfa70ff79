"""What is said when a store does not answer, or answers with an error."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import x509
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao import OpenBao

ADDRESS = "127.0.0.1"
Serve = Callable[..., str]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server's certificate and a client's."""
    folder = tmp_path_factory.mktemp("store")
    root = x509.make_root("bootstrap", "Selvedge", 30)
    server = x509.issue_server(root, "store", "Selvedge", [ADDRESS], 30)
    (folder / "ca").write_text(root.cert_pem)
    (folder / "cert").write_text(server.cert_pem)
    (folder / "key").write_text(server.key_pem)
    return folder


@pytest.fixture
def serve(files: Path) -> Iterator[Serve]:
    """``serve(login=(200, answer), other=(503, answer))`` has a server that answers so, and gives its URL."""
    running = []

    def serve(login: tuple[int, str] = (200, ""), other: tuple[int, str] = (200, "")) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                code, error = login if self.path == "/v1/auth/cert/login" else other
                token = {"auth": {"client_token": "t", "lease_duration": 60}}
                body = json.dumps({"errors": [error]} if error else token).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer((ADDRESS, 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files / "cert", files / "key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append(server)
        return f"https://{ADDRESS}:{server.server_port}"

    yield serve
    for server in running:
        server.shutdown()
        server.server_close()


def said(files: Path, url: str) -> str:
    """What reading a secret from the store at ``url`` ends with."""
    store = OpenBao(
        url, str(files / "ca"), str(files / "cert"), str(files / "key"), server_name=ADDRESS, timeout=0
    )
    with pytest.raises(SecretsError) as raised:
        store.read("org1/msp")
    return str(raised.value)


def test_a_store_that_does_not_answer_is_named_with_what_looks_and_what_starts(files: Path) -> None:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        url = f"https://{ADDRESS}:{probe.getsockname()[1]}"
        text = said(files, url)
    assert text.startswith("logging in with the client certificate failed: ")
    assert text.endswith(
        f" (at {url}). Next: preflight.yml tells what keeps it from answering; where it was stopped, start.yml starts "
        "it"
    )


def test_a_sealed_store_is_unsealed_by_its_start(files: Path, serve: Serve) -> None:
    url = serve(login=(503, "Vault is sealed"))
    assert said(files, url).endswith(
        f"(at {url} auth/cert/login). Next: on its host, which preflight.yml names: systemctl restart "
        "selvedge-material-store selvedge-stack@store. The store unseals itself when it starts; if it stays sealed, "
        "read its log, and replace nothing before you have copies"
    )


@pytest.mark.parametrize(
    ("answers", "next_step"),
    [
        (
            {"login": (501, "not initialized")},
            "site.yml brings the store, which initialises itself at its first start; if it did not, read its log",
        ),
        (
            {"login": (503, "no upstream")},
            "preflight.yml tells what keeps it from answering; where it was stopped, start.yml starts it",
        ),
        (
            {"login": (400, "failed to match all constraints for this login certificate")},
            "the folder .state must be the one that the store was deployed with: restore it",
        ),
        (
            {"other": (400, "check-and-set parameter did not match the current version")},
            "somebody else has written it meanwhile: run again",
        ),
        (
            {"other": (400, "missing field")},
            "read the store's log with docker logs on its host, then run again",
        ),
        (
            {"other": (500, "internal error")},
            "read the store's log with docker logs on its host, then run again",
        ),
    ],
)
def test_every_answer_of_the_store_has_a_next_step(
    files: Path, serve: Serve, answers: dict[str, tuple[int, str]], next_step: str
) -> None:
    text = said(files, serve(**answers))
    assert next(iter(answers.values()))[1] in text
    assert text.endswith(f"). Next: {next_step}")
