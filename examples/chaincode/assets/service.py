"""The gRPC server that peers connect to."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterable
from typing import Any

import grpc
from fabric_chaincode_python.fabric_shim.interfaces import Chaincode
from fabric_protos.peer import chaincode_shim_pb2_grpc
from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage
from settings import Settings, TLSFiles
from stream import PeerStream

LOG = logging.getLogger("assets")

# The peer's own limit (hyperledger/fabric internal/pkg/comm). gRPC's is 4 MiB, less than what Fabric allows.
_MAX_MESSAGE = 100 * 1024 * 1024

_OPTIONS = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE),
    ("grpc.max_send_message_length", _MAX_MESSAGE),
    # Peers ping a quiet connection every minute. gRPC takes repeated pings within five minutes for an attack
    # and hangs up.
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A peer that vanished without a word.
    ("grpc.keepalive_time_ms", 120_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)

# How long transactions under way may take after SIGTERM; engines kill after 10 s.
_GRACE_SECONDS = 5


class ChaincodeService(chaincode_shim_pb2_grpc.ChaincodeServicer):  # type: ignore[misc]
    """Gives every connection its own :class:`PeerStream`."""

    def __init__(self, package_id: str, chaincode: Chaincode) -> None:
        self._package_id = package_id
        self._chaincode = chaincode

    async def Connect(self, stream: AsyncIterable[ChaincodeMessage], context: Any) -> None:
        """Serve one peer."""
        LOG.info("peer %s connected", context.peer())
        try:
            await PeerStream(self._package_id, self._chaincode).chat_with_peer(stream, context)
        finally:
            LOG.info("peer %s is gone", context.peer())


def make_server(settings: Settings, chaincode: Chaincode) -> tuple[grpc.aio.Server, int]:
    """Make the server, bound and not yet started; returns it with its port."""
    server = grpc.aio.server(options=_OPTIONS)
    chaincode_shim_pb2_grpc.add_ChaincodeServicer_to_server(
        ChaincodeService(settings.package_id, chaincode), server
    )
    if settings.tls is None:
        return server, server.add_insecure_port(settings.address)
    return server, server.add_secure_port(settings.address, _credentials(settings.tls))


async def serve(settings: Settings, chaincode: Chaincode) -> None:
    """Serve until SIGTERM or SIGINT. As PID 1 a process without a handler never sees SIGTERM."""
    server, _unused = make_server(settings, chaincode)
    await server.start()
    security = "plain text" if settings.tls is None else "mutual TLS" if settings.tls.client_ca else "TLS"
    LOG.info("serving %s on %s, %s", settings.package_id, settings.address, security)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    LOG.info("stopping")
    await server.stop(_GRACE_SECONDS)


def _credentials(tls: TLSFiles) -> grpc.ServerCredentials:
    """Read the files again for every new connection: a renewed certificate needs no restart."""
    return grpc.dynamic_ssl_server_credentials(
        _read_certificates(tls),
        lambda: _current(tls),
        require_client_authentication=tls.client_ca is not None,
    )


def _current(tls: TLSFiles) -> grpc.ServerCertificateConfiguration | None:
    try:
        return _read_certificates(tls)
    except OSError as problem:
        # Half-way through a renewal. None keeps the certificate that is in use.
        LOG.warning("TLS files are unreadable, keeping the ones in use: %s", problem)
        return None


def _read_certificates(tls: TLSFiles) -> grpc.ServerCertificateConfiguration:
    roots = tls.client_ca.read_bytes() if tls.client_ca else None
    return grpc.ssl_server_certificate_configuration([(tls.key.read_bytes(), tls.cert.read_bytes())], roots)
