"""Who is woken: a webhook on the controller that remembers what Alertmanager tells it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Listens on an address that the lab's hosts reach.

    :param address: such as that of the lab's network on this machine
    """

    def __init__(self, address: str) -> None:
        self._alerts: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with receiver._lock:
                    receiver._alerts += told["alerts"]
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                """Say nothing: what came is looked at by tests."""

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://{address}:{self.port}/alerts"

    @contextmanager
    def listening(self) -> Iterator[Receiver]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self._alerts.clear()

    @property
    def firing(self) -> list[dict[str, str]]:
        """Labels of every alert that it was told of and whose last word was not that it is over."""
        with self._lock:
            last = {item["fingerprint"]: item for item in self._alerts}
        return [item["labels"] for item in last.values() if item["status"] == "firing"]

    @property
    def heard(self) -> list[dict[str, str]]:
        """Labels of every alert that it was told of as firing, at any time."""
        with self._lock:
            return [item["labels"] for item in self._alerts if item["status"] == "firing"]
