"""How a client is let in, and what it says when it is not. What downloads make of it: test_blobs.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.images.client import Client, read
from ansible_collections.selvedge.fabric.plugins.module_utils.images.credentials import CredentialError
from ansible_collections.selvedge.fabric.plugins.module_utils.images.errors import PullError
from ansible_collections.selvedge.fabric.plugins.module_utils.images.reference import Reference, parse
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.images.registry_server import (
    RegistryServer,
    digest_of,
)

MANIFEST = b'{"schemaVersion": 2, "layers": []}'
USERS = {"me": "secret"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path) as running:
        running.state.publish("acme/demo", MANIFEST, blobs={}, kind="application/json")
        running.state.users = dict(USERS)
        yield running


class Reader:
    """Reads the manifest from the server, as ``me`` unless ``known`` says otherwise."""

    def __init__(self, server: RegistryServer, known: tuple[str, str] | None = ("me", "secret")) -> None:
        self.registry = server.url.removeprefix("https://")
        self.client = Client(server.ca_file, timeout=10, credentials={self.registry: known}.get)

    @property
    def reference(self) -> Reference:
        return parse(f"{self.registry}/acme/demo@{digest_of(MANIFEST)}")

    def __call__(self, part: str = "manifests") -> bytes:
        response = self.client.get(self.reference, f"{part}/{self.reference.digest}", {"X-Test": "1"})
        with response:
            return read(response, 1 << 20)


def test_a_token_is_asked_for_with_the_login_and_then_sent(server: RegistryServer) -> None:
    server.state.login = "token"
    reader = Reader(server)
    assert reader() == reader() == MANIFEST
    path = f"/v2/acme/demo/manifests/{digest_of(MANIFEST)}"
    basic = "Basic bWU6c2VjcmV0"
    assert server.state.seen == [
        (path, ""), ("/token", basic), (path, "Bearer token-0"), (path, "Bearer token-0")
    ]  # fmt: skip


def test_a_token_has_either_of_two_names(server: RegistryServer) -> None:
    server.state.login, server.state.tokens = "token", {"from-oauth"}
    server.state.given = json.dumps({"access_token": "from-oauth"}).encode()
    assert Reader(server)() == MANIFEST


@pytest.mark.parametrize("said", [b"{}", b"[]", b'"token"', b"<html>welcome</html>", b""])
def test_a_login_that_gives_no_token_is_named(server: RegistryServer, said: bytes) -> None:
    server.state.login, server.state.given = "token", said
    with pytest.raises(PullError, match=rf"^GET {server.url}/token answered without a token$"):
        Reader(server)()


@pytest.mark.parametrize(
    ("challenge", "asks"), [('Negotiate realm="acme"', 'Negotiate realm="acme"'), (" ", "nothing")]
)
def test_what_it_cannot_log_in_with_is_said(server: RegistryServer, challenge: str, asks: str) -> None:
    server.state.login, server.state.challenge = "token", challenge
    with pytest.raises(PullError, match=rf"answered 401: it asks for {asks}\. Next: log in there with"):
        Reader(server)()


def test_a_challenge_may_leave_out_what_follows_from_the_request(server: RegistryServer) -> None:
    """Then the scope is the repository's, to pull; this registry refuses a login without the service's name."""
    server.state.login, server.state.challenge = "token", f'Bearer realm="{server.url}/token"'
    with pytest.raises(PullError, match=r"/token answered 400: .*DENIED"):
        Reader(server)()
    server.state.challenge += ',service="registry.example"'
    assert Reader(server)() == MANIFEST


def test_a_password_is_not_sent_twice_where_it_is_wrong(server: RegistryServer) -> None:
    server.state.login = "basic"
    with pytest.raises(PullError, match="answered 401"):
        Reader(server, ("me", "wrong"))()
    assert len(server.state.seen) == 2


def test_a_token_that_does_not_let_in_is_not_asked_for_again(server: RegistryServer) -> None:
    server.state.login, server.state.given = "token", b'{"token": "worthless"}'
    with pytest.raises(PullError, match="answered 401: .*UNAUTHORIZED"):
        Reader(server)()
    assert [path for path, _unused in server.state.seen].count("/token") == 1


def test_a_basic_login_without_credentials_says_what_is_asked_for(server: RegistryServer) -> None:
    server.state.login = "basic"
    with pytest.raises(PullError, match='it asks for Basic realm="registry"'):
        Reader(server, None)()
    assert len(server.state.seen) == 1


def test_a_file_of_credentials_that_cannot_be_read_is_named(server: RegistryServer) -> None:
    def broken(registry: str) -> None:
        raise CredentialError(f"no credentials for {registry}: the file is broken")

    server.state.login = "token"
    reader = Reader(server)
    reader.client = Client(server.ca_file, credentials=broken)
    with pytest.raises(PullError, match=rf"^no credentials for {reader.registry}: the file is broken$"):
        reader()


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (403, "may read the repository"),
        (404, "upstream has no such repository or digest"),
        (429, "the registry limits downloads"),
        (503, "try again later"),
    ],
)
def test_a_refusal_has_its_next_step(server: RegistryServer, status: int, step: str) -> None:
    server.state.refuse["GET", "/manifests/"] = status
    with pytest.raises(PullError, match=rf"answered {status}: .*refused.*Next: .*{step}"):
        Reader(server)()


def test_a_long_refusal_is_cut_to_a_sentence(server: RegistryServer) -> None:
    server.state.refuse["GET", "/manifests/"] = 503
    server.state.said = b"<p>\n  so sorry  </p> " * 50_000
    with pytest.raises(PullError) as caught:
        Reader(server)()
    assert "answered 503: <p> so sorry </p> <p> so sorry" in str(caught.value)
    assert len(str(caught.value)) < 600


def test_no_more_is_read_than_is_wanted(server: RegistryServer) -> None:
    blob = bytes(1 << 17)
    server.state.publish("acme/demo", blobs={digest_of(blob): blob}, kind="")
    reader = Reader(server)
    with reader.client.get(reader.reference, f"blobs/{digest_of(blob)}", {}) as response:
        assert 1000 < len(read(response, 1000)) < len(blob)
