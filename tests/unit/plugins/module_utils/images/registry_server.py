"""A registry in this process: the endpoints of the distribution specification that push and pull use, over TLS.

It checks what a registry checks (digests, referenced blobs) and can be told to refuse.
"""

from __future__ import annotations

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
    :param absolute: whether an upload's location is a whole URL, or a path with a query as some registries have it
    """

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)
    refuse: dict[tuple[str, str], int] = field(default_factory=dict)
    absolute: bool = True
    location: bool = True


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
        self._answer(status, json.dumps({"errors": [{"code": code, "message": code.lower()}]}).encode())

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        self.state.log.append((self.command, parts.path))
        for (method, piece), status in self.state.refuse.items():
            if method == self.command and piece in parts.path:
                return self._error(status, "REFUSED")
        if parts.path == "/v2/":
            return self._answer(200)
        *repository, kind, reference = parts.path.removeprefix("/v2/").split("/")
        name = "/".join(repository)
        if kind == "manifests":
            return self._manifest(name, reference, body)
        if self.command in ("HEAD", "GET") and kind == "blobs":
            blob = self.state.blobs.get(f"{name}@{reference}")
            return self._answer(404) if blob is None else self._answer(200, blob)
        if self.command == "POST" and kind == "uploads":
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
        server = issue_server(root, "registry", "Selvedge", ["127.0.0.1"], 1)
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
