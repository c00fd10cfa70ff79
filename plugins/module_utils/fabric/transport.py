"""How the controller reaches a node: gRPC over TLS, and HTTPS with a client certificate from memory."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

with suppress(ImportError):  # the module says which package is missing
    import grpc

# A block may carry 10 MiB of transactions by default and a chaincode package more.
_MAX_MESSAGE = 100 * 1024 * 1024


@dataclass(frozen=True)
class Endpoint:
    """A TLS endpoint as the controller reaches it.

    :param address: ``host:port`` to connect to
    :param server_name: the name that the server's certificate carries
    :param tls_ca_pem: PEM of the TLS CA to trust, and of no other
    :param client_cert_pem: PEM of the client certificate, for endpoints with mutual TLS
    :param client_key_pem: its key, in memory only
    """

    address: str
    server_name: str
    tls_ca_pem: str
    client_cert_pem: str = ""
    client_key_pem: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.server_name} {self.address}"


class _Pool:
    """One channel for each endpoint, opened when it is first needed."""

    def __init__(self) -> None:
        self._lock, self._channels = threading.Lock(), dict[Endpoint, Any]()

    def channel(self, endpoint: Endpoint) -> grpc.Channel:
        with self._lock:
            if endpoint not in self._channels:
                self._channels[endpoint] = _open(endpoint)
            return self._channels[endpoint]

    def close(self) -> None:
        for channel in self._channels.values():
            channel.close()


_SHARED: ContextVar[_Pool | None] = ContextVar("shared channels", default=None)


@contextmanager
def shared_channels() -> Iterator[None]:
    """Inside the block all questions to an endpoint go over one connection: a TLS handshake costs both sides more than
    most answers. Other threads share it when they run in a copy of this context (``contextvars.copy_context``)."""
    pool = _Pool()
    token = _SHARED.set(pool)
    try:
        yield
    finally:
        _SHARED.reset(token)
        pool.close()


@contextmanager
def grpc_channel(endpoint: Endpoint) -> Iterator[grpc.Channel]:
    """A gRPC channel to ``endpoint``; closed on leaving the block, unless it is shared."""
    pool = _SHARED.get()
    if pool is not None:
        yield pool.channel(endpoint)
        return
    channel = _open(endpoint)
    try:
        yield channel
    finally:
        channel.close()


def _open(endpoint: Endpoint) -> grpc.Channel:
    credentials = grpc.ssl_channel_credentials(
        root_certificates=endpoint.tls_ca_pem.encode(),
        private_key=endpoint.client_key_pem.encode() or None,
        certificate_chain=endpoint.client_cert_pem.encode() or None,
    )
    options = [
        ("grpc.ssl_target_name_override", endpoint.server_name),
        ("grpc.max_receive_message_length", _MAX_MESSAGE),
        ("grpc.max_send_message_length", _MAX_MESSAGE),
        ("grpc.enable_http_proxy", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 500),
    ]
    return grpc.secure_channel(endpoint.address, credentials, options=options)


def tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    """An ``ssl.SSLContext`` that trusts only the endpoint's CA and presents its client certificate.

    The ``ssl`` module wants the key as a file path. An anonymous memory file keeps it off every disk.
    """
    context = ssl.create_default_context(cadata=endpoint.tls_ca_pem)
    if endpoint.client_key_pem:
        load_client_certificate(context, endpoint.client_cert_pem, endpoint.client_key_pem)
    return context


def load_client_certificate(context: ssl.SSLContext, cert_pem: str, key_pem: str) -> None:
    """Give ``context`` a client certificate whose key never touches a disk."""
    descriptor = os.memfd_create("selvedge-client", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, (cert_pem.rstrip() + "\n" + key_pem).encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
