"""A registry in this process: the endpoints of the distribution specification that push and pull use, over TLS.

It checks what a registry checks (digests, referenced blobs, logins) and can be told to refuse, or to serve badly.
"""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import issue_server, make_root


@dataclass
class State:
    """What the registry holds, and what it was asked.

    :param refuse: (method, part of the path) to the status that it answers with
    :param login: ``token`` or ``basic``, how it lets in; by default everybody may do everything
    :param realm: where it sends for tokens, if not to itself
    :param users: user to password
    :param challenge: what it asks for instead of ``login``'s own words
    :param given: what is said where tokens are given, instead of a token
    :param said: what it says beside the status of a refusal, instead of the specification's errors
    :param public: whether it gives tokens to everybody
    :param tokens: valid ones
    :param damaged: digest to what is served in its stead
    :param cuts: for each request of a blob in turn, after how many bytes the connection breaks
    :param ranges: whether it can send a part of a blob
    :param redirect: another server that blobs lie on, as large registries have it
    :param seen: path and ``Authorization`` of each request
    :param starts: where each part of a blob began that was asked for
    :param absolute: whether an upload's location is a whole URL, or a path with a query as some registries have it
    """

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)
    refuse: dict[tuple[str, str], int] = field(default_factory=dict)
    login: str = ""
    realm: str = ""
    challenge: str = ""
    given: bytes | None = None
    said: bytes | None = None
    users: dict[str, str] = field(default_factory=dict)
    public: bool = False
    tokens: set[str] = field(default_factory=set)
    damaged: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    redirect: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    absolute: bool = True
    location: bool = True

    def publish(self, repository: str, *manifests: bytes, blobs: dict[str, bytes], kind: str) -> None:
        """Have an image, as if somebody had pushed it."""
        self.blobs |= {f"{repository}@{digest}": data for digest, data in blobs.items()}
        for manifest in manifests:
            self.manifests[f"{repository}@{digest_of(manifest)}"] = manifest
            self.types[f"{repository}@{digest_of(manifest)}"] = kind


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: State
    address = ""

    def log_message(self, format: str, *args: object) -> None:
        """Tests read ``state.log``."""

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _error(self, status: int, code: str) -> None:
        errors = json.dumps({"errors": [{"code": code, "message": code.lower()}]}).encode()
        self._answer(status, errors if self.state.said is None else self.state.said)

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        self.state.log.append((self.command, parts.path))
        for (method, piece), status in self.state.refuse.items():
            if method == self.command and piece in parts.path:
                return self._error(status, "REFUSED")
        self.state.seen.append((parts.path, self.headers.get("Authorization", "")))
        if parts.path == "/token":
            return self._token(parse_qs(parts.query))
        if not self._may():
            return None
        if parts.path == "/v2/":
            return self._answer(200)
        *repository, kind, reference = parts.path.removeprefix("/v2/").split("/")
        name = "/".join(repository)
        if kind == "manifests":
            return self._manifest(name, reference, body)
        if self.command in ("HEAD", "GET") and kind == "blobs":
            blob = self.state.blobs.get(f"{name}@{reference}")
            return self._answer(404) if blob is None else self._blob(reference, blob)
        if self.command == "POST" and kind == "uploads":
            query = parse_qs(parts.query)
            if "mount" in query and f"{query['from'][0]}@{query['mount'][0]}" in self.state.blobs:
                here = name.removesuffix("/blobs")
                found = self.state.blobs[f"{query['from'][0]}@{query['mount'][0]}"]
                self.state.blobs[f"{here}@{query['mount'][0]}"] = found
                return self._answer(201)
            path = f"/v2/{name}/uploads/1"
            where = f"https://{self.address}{path}" if self.state.absolute else f"{path}?_state=abc"
            return self._answer(202, **({"Location": where} if self.state.location else {}))
        if self.command == "PUT" and kind == "uploads" and reference == "1":
            (digest,) = parse_qs(parts.query)["digest"]
            if not self.state.absolute and parse_qs(parts.query)["_state"] != ["abc"]:
                return self._error(400, "BLOB_UPLOAD_INVALID")
            if digest_of(body) != digest:
                return self._error(400, "DIGEST_INVALID")
            self.state.blobs[f"{name.removesuffix('/blobs')}@{digest}"] = body
            return self._answer(201)
        return self._error(404, "NAME_UNKNOWN")

    def _may(self) -> bool:
        """Whether the request may go on; else it has been answered."""
        sent, state = self.headers.get("Authorization", ""), self.state
        if not state.login or sent.removeprefix("Bearer ") in state.tokens:
            return True
        if state.login == "basic" and self._user(sent):
            return True
        realm = state.realm or f"https://{self.address}/token"
        challenge = (
            f'Bearer realm="{realm}",service="registry.example"'
            if state.login == "token"
            else 'Basic realm="registry"'
        )
        self._answer(
            401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', WWW_Authenticate=state.challenge or challenge
        )
        return False

    def _user(self, sent: str) -> str:
        user, _unused, password = base64.b64decode(sent.removeprefix("Basic ")).decode().partition(":")
        return user if sent.startswith("Basic ") and self.state.users.get(user) == password else ""

    def _token(self, query: dict[str, list[str]]) -> None:
        sent = self.headers.get("Authorization", "")
        if not (self.state.public and not sent) and not self._user(sent):
            return self._error(401, "UNAUTHORIZED")
        if query.get("service") != ["registry.example"] or not query["scope"][0].endswith(":pull"):
            return self._error(400, "DENIED")
        if self.state.given is not None:
            return self._answer(200, self.state.given)
        token = f"token-{len(self.state.tokens)}"
        self.state.tokens.add(token)
        return self._answer(200, json.dumps({"token": token, "expires_in": 300}).encode())

    def _blob(self, digest: str, blob: bytes) -> None:
        if self.state.redirect and self.command == "GET":
            return self._answer(307, Location=f"{self.state.redirect}{self.path}")
        blob = self.state.damaged.get(digest, blob)
        start = 0
        asked = self.headers.get("Range", "")
        if asked and self.state.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(blob):
                return self._answer(416)
        self.state.starts.append(start)
        cut = self.state.cuts.pop(0) if self.state.cuts and self.command == "GET" else None
        if cut is None:
            return self._answer(206 if start else 200, blob[start:])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(blob) - start))
        self.end_headers()
        self.wfile.write(blob[start : start + cut])
        self.close_connection = True
        return None

    def _manifest(self, name: str, reference: str, body: bytes) -> None:
        if self.command != "PUT":
            found = self.state.manifests.get(f"{name}@{reference}")
            if found is None:
                return self._answer(404)
            kind = self.state.types[f"{name}@{reference}"]
            return self._answer(200, found, Content_Type=kind, Docker_Content_Digest=reference)
        parsed = json.loads(body)
        for part in [parsed["config"], *parsed["layers"]]:
            if f"{name}@{part['digest']}" not in self.state.blobs:
                return self._error(400, "MANIFEST_BLOB_UNKNOWN")
        for key in (f"{name}@{digest_of(body)}", f"{name}:{reference}"):
            self.state.manifests[key] = body
            self.state.types[key] = self.headers["Content-Type"]
        return self._answer(201)

    do_HEAD = do_POST = do_PUT = do_GET = _handle


class RegistryServer:
    """Runs while the block does.

    :param folder: where its certificate goes; ``ca_file`` is the one to trust
    """

    def __init__(self, folder: Path) -> None:
        self.state = State()
        root = make_root("unit test CA", "Selvedge", 1)
        server = issue_server(root, "registry", "Selvedge", ["127.0.0.1", "localhost"], 1)
        self.ca_file = str(folder / "ca.crt")
        Path(self.ca_file).write_text(root.cert_pem)
        pem = folder / "server.pem"
        pem.write_text(server.cert_pem + server.key_pem)
        handler = type("Handler", (_Handler,), {"state": self.state})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        address = f"127.0.0.1:{self._server.server_address[1]}"
        handler.address = address  # type: ignore[attr-defined]
        self.url = f"https://{address}"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> RegistryServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
