"""The exporter's own HTTPS endpoint: ``/metrics``, ``/status.json`` and ``/healthz``, for clients of its CA only."""

from __future__ import annotations

import json
import logging
import ssl
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Any, cast

from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.exposition import (
    CONTENT_TYPE,
    Snapshot,
    render,
)

_LOG = logging.getLogger("exporter")
_TIMEOUT_S = 10.0
_JSON = "application/json"


class Endpoint(ThreadingHTTPServer):
    """Serves what ``snapshot`` returns.

    :param listen: ``host:port``
    :param stale_after: seconds after which the last check is too old to be well
    """

    daemon_threads = True

    def __init__(
        self,
        listen: str,
        cert_file: Path,
        key_file: Path,
        client_ca_file: Path,
        snapshot: Callable[[], Snapshot],
        hosts: dict[str, str],
        stale_after: float,
    ) -> None:
        self._files = (cert_file, key_file, client_ca_file)
        self._loaded: tuple[float, ...] = ()
        self.snapshot, self.hosts, self.stale_after = snapshot, hosts, stale_after
        self._context = self._load()
        host, _unused, port = listen.rpartition(":")
        super().__init__((host, int(port)), _Handler)

    def _load(self) -> ssl.SSLContext:
        cert, key, client_ca = self._files
        self._loaded = tuple(file.stat().st_mtime for file in self._files)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(client_ca))
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(cert, key)
        return context

    def get_request(self) -> tuple[Any, Any]:
        """A connection whose handshake its own thread does; the certificate is read again when it was renewed."""
        connection, address = super().get_request()
        connection.settimeout(_TIMEOUT_S)
        try:
            if self._loaded != tuple(file.stat().st_mtime for file in self._files):
                self._context = self._load()
        except (OSError, ssl.SSLError) as error:
            _LOG.warning("its renewed certificate cannot be read yet: %s", error)
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def finish_request(self, request: Any, client_address: Any) -> None:
        cast(ssl.SSLSocket, request).do_handshake()
        super().finish_request(request, client_address)

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """A stranger, or a client that went away, is one line and no trace."""
        _LOG.warning("a request of %s failed: %s", client_address[0], sys.exc_info()[1])

    def answer(self, path: str) -> tuple[HTTPStatus, str, str]:
        """Status, content type and text for a path."""
        snapshot = self.snapshot()
        if path == "/metrics":
            return HTTPStatus.OK, CONTENT_TYPE, render(snapshot, self.hosts)
        if path == "/status.json":
            return HTTPStatus.OK, _JSON, json.dumps(status_of(snapshot))
        if path == "/healthz":
            age = time.time() - snapshot.ended
            if age > self.stale_after:
                when = f"{age:.0f} s ago" if snapshot.ended else "not there yet"
                text = json.dumps({"status": "Service Unavailable", "reason": f"the last check is {when}"})
                return HTTPStatus.SERVICE_UNAVAILABLE, _JSON, text
            return HTTPStatus.OK, _JSON, json.dumps({"status": "OK"})
        return HTTPStatus.NOT_FOUND, "text/plain", "there are /metrics, /status.json and /healthz\n"


def status_of(snapshot: Snapshot) -> dict[str, Any]:
    """Every verdict with its reasons and its remedy, as modules return them: for a page and for people."""
    results = [*snapshot.results, *(probed.health for probed in snapshot.probes.values())]
    return {"ended": snapshot.ended, "results": [result.as_dict() for result in results]}


class _Handler(BaseHTTPRequestHandler):
    server_version = "selvedge-health"
    sys_version = ""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, kind, text = cast(Endpoint, self.server).answer(self.path.partition("?")[0])
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a line for each scrape would be most of the log."""
