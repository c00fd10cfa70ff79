"""A port of this machine behind which a server of the monitoring is: a browser has no certificate that it takes."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ansible_collections.selvedge.fabric.molecule.shared.testing.monitoring import Server


@contextmanager
def passed_on(server: Server) -> Iterator[str]:
    """The URL on this machine's loopback at which ``server`` answers, asked with the monitor's certificate."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = f"https://{server.service.reach()}{self.path}"
            try:
                answer = urllib.request.urlopen(url, context=server.monitor, timeout=20)
            except urllib.error.HTTPError as error:
                answer = error
            except OSError as error:  # It is away, as tests have it.
                self.send_error(502, str(error))
                return
            with answer:
                body = answer.read()
                self.send_response(answer.status)
                for name in ("Content-Type", "Content-Security-Policy"):
                    if value := answer.headers.get(name):
                        self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{proxy.server_address[1]}"
        finally:
            proxy.shutdown()
