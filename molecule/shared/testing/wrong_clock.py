"""Stands before a node's operations endpoint and tells another time. Runs on a lab host, with plain Python.

    wrong_clock.py PORT ENDPOINT_PORT SECONDS FOLDER

FOLDER has the node's own ``server.crt``, ``server.key`` and ``ca.crt``. The port is opened before anything else.
"""

import http.client
import json
import ssl
import sys
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def main(port, endpoint, seconds, folder):
    ahead = timedelta(seconds=int(seconds))
    trusted = ssl.create_default_context(cafile=folder + "/ca.crt")
    trusted.check_hostname = False
    trusted.load_cert_chain(folder + "/server.crt", folder + "/server.key")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            connection = http.client.HTTPSConnection("127.0.0.1", int(endpoint), context=trusted, timeout=10)
            connection.request("GET", self.path)
            answer = connection.getresponse()
            body = answer.read()
            if self.path == "/healthz":
                said = json.loads(body)
                said["time"] = (datetime.fromisoformat(said["time"][:19]) + ahead).isoformat() + "Z"
                body = json.dumps(said).encode()
            self.send_response_only(answer.status)
            self.send_header(
                "Date", format_datetime(parsedate_to_datetime(answer.headers["Date"]) + ahead, usegmt=True)
            )
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(folder + "/server.crt", folder + "/server.key")
    served.load_verify_locations(folder + "/ca.crt")
    served.verify_mode = ssl.CERT_REQUIRED
    server = ThreadingHTTPServer(("0.0.0.0", int(port)), Handler)
    server.socket = served.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
