"""Ports, connections and certificates as seen from this machine. Runs on hosts, standard library only."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import re
import selectors
import socket
import ssl
import time
from typing import Any

OPEN = "open"
# A closed port: nobody listens, but the machine is there and nothing is in between.
REFUSED = "refused"
NO_ANSWER = "no answer"
NO_ROUTE = "no route"
UNKNOWN_NAME = "unknown name"

_LISTEN = "0A"
_BATCH = 256


def listeners(ports: set[int], proc: str = "/proc") -> dict[str, list[dict[str, Any]]]:
    """Who listens on which of these TCP ports.

    :returns: port (as text, for JSON) to ``process`` and ``pid`` of each holder; both are empty where another user's
        process cannot be seen
    """
    inodes: dict[str, int] = {}
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError), open(f"{proc}/net/{name}") as file:
            for line in list(file)[1:]:
                parts = line.split()
                port = int(parts[1].rsplit(":", 1)[1], 16)
                if parts[3] == _LISTEN and port in ports:
                    inodes[parts[9]] = port
    owners = _owners(set(inodes), proc) if inodes else {}
    found: dict[str, list[dict[str, Any]]] = {}
    for inode, port in inodes.items():
        process, pid = owners.get(inode, ("", 0))
        holder = {"process": process, "pid": pid}
        if holder not in found.setdefault(str(port), []):
            found[str(port)].append(holder)
    return found


def _owners(inodes: set[str], proc: str) -> dict[str, tuple[str, int]]:
    """Socket inode to name and id of a process that has it."""
    found: dict[str, tuple[str, int]] = {}
    for pid in filter(str.isdigit, os.listdir(proc)):
        # Processes end while we look, and those of others are closed to a plain user.
        with contextlib.suppress(OSError):
            for descriptor in os.listdir(f"{proc}/{pid}/fd"):
                with contextlib.suppress(OSError):
                    match = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"{proc}/{pid}/fd/{descriptor}"))
                    if match and match.group(1) in inodes and match.group(1) not in found:
                        with open(f"{proc}/{pid}/comm") as file:
                            found[match.group(1)] = file.read().strip(), int(pid)
    return found


def knock(targets: list[tuple[str, int]], timeout_s: float) -> dict[str, str]:
    """Try TCP connections, all at the same time; ``host:port`` to what came of it.

    The whole takes ``timeout_s`` for every 256 targets, and the time that names take to be looked up.
    """
    found: dict[str, str] = {}
    for start in range(0, len(targets), _BATCH):
        found.update(_knock(targets[start : start + _BATCH], timeout_s))
    return found


def _knock(targets: list[tuple[str, int]], timeout_s: float) -> dict[str, str]:
    found: dict[str, str] = {}
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as sockets:
        for host, port in targets:
            key = f"{host}:{port}"
            try:
                family, kind, protocol, _unused, address = socket.getaddrinfo(
                    host, port, type=socket.SOCK_STREAM
                )[0]
            except socket.gaierror:
                found[key] = UNKNOWN_NAME
                continue
            connection = sockets.enter_context(socket.socket(family, kind, protocol))
            connection.setblocking(False)
            code = connection.connect_ex(address)
            if code == errno.EINPROGRESS:
                selector.register(connection, selectors.EVENT_WRITE, key)
                found[key] = NO_ANSWER
            else:
                found[key] = outcome(code)
        end = time.monotonic() + timeout_s
        while selector.get_map() and (left := end - time.monotonic()) > 0:
            for ready, _events in selector.select(left):
                code = ready.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # type: ignore[union-attr]
                found[ready.data] = outcome(code)
                selector.unregister(ready.fileobj)
    return found


def outcome(code: int) -> str:
    """What the result of a connect() means."""
    if code == 0:
        return OPEN
    if code == errno.ECONNREFUSED:
        return REFUSED
    if code == errno.ETIMEDOUT:
        return NO_ANSWER
    # What a firewall says that forbids ("administratively prohibited"), too.
    if code in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return NO_ROUTE
    return os.strerror(code).lower()


def ask(address: str, port: int, path: str, ca_cert: str, timeout_s: float) -> dict[str, Any]:
    """Ask an HTTPS server that should have a certificate from the bootstrap CA.

    :returns: ``connection`` (as ``knock`` says it), then ``status`` of the answer, or ``verify`` (OpenSSL's words and
        the ``certificate`` that was shown, PEM), or ``error``. Without ``ca_cert`` only ``connection``.
    """
    connection = knock([(address, port)], timeout_s)[f"{address}:{port}"]
    answer: dict[str, Any] = {"connection": connection}
    if connection != OPEN or not ca_cert:
        return answer
    # Not create_default_context: newer Pythons are stricter there than the programs that will connect.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=ca_cert)
    client = http.client.HTTPSConnection(address, port, timeout=timeout_s, context=context)
    try:
        client.request("GET", path)
        answer["status"] = client.getresponse().status
    except ssl.SSLCertVerificationError as error:
        answer["verify"] = error.verify_message
        answer["certificate"] = _shown_certificate(address, port, timeout_s)
    except (OSError, http.client.HTTPException) as error:
        answer["error"] = str(error) or type(error).__name__
    finally:
        client.close()
    return answer


def _shown_certificate(address: str, port: int, timeout_s: float) -> str:
    """The certificate that a server shows, whoever made it, PEM; empty when it does not do so again."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), timeout_s) as plain,
            context.wrap_socket(plain) as secured,
        ):
            return ssl.DER_cert_to_PEM_cert(secured.getpeercert(binary_form=True) or b"")
    except OSError:
        return ""
