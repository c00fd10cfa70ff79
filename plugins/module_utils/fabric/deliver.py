"""Blocks from an orderer's or a peer's Deliver service.

A signer needs the channel's Readers policy. Source: hyperledger/fabric ``common/deliver/deliver.go``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configupdate import signed_envelope
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.endorser import rpc_error
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint, grpc_channel

with suppress(ImportError):  # the module says which package is missing
    import grpc
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from fabric_protos.common import common_pb2, configtx_pb2
    from fabric_protos.orderer import ab_pb2, ab_pb2_grpc
    from fabric_protos.peer import events_pb2_grpc

ORDERER = "orderer"
PEER = "peer"
NEWEST = -1

_LAST_BLOCK = 2**64 - 1
# A channel that is still starting, or has no Raft leader, answers with these.
_NOT_READY = ("SERVICE_UNAVAILABLE", "NOT_FOUND")
# A leader counts only the orderers that it has heard of since its election, for a second or two.
_QUORUM_LOSS = "configuration will result in quorum loss"


class ChannelNotFoundError(NotReadyError):
    """The node does not know the channel, or does not have the block yet."""


def _position(number: int) -> ab_pb2.SeekPosition:
    if number == NEWEST:
        return ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())
    return ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=number))


def _tls_cert_hash(endpoint: Endpoint) -> bytes:
    if not endpoint.client_cert_pem:
        return b""
    certificate = x509.load_pem_x509_certificate(endpoint.client_cert_pem.encode())
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()


def blocks(
    endpoint: Endpoint,
    signer: Signer,
    channel: str,
    start: int = 0,
    stop: int | None = None,
    node: str = ORDERER,
    wait: bool = False,
    best_effort: bool = False,
    timeout: float = 10,
) -> Iterator[common_pb2.Block]:
    """Blocks from ``start`` to ``stop``, both included.

    :param start: a number or ``NEWEST``
    :param stop: a number, ``NEWEST``, or None for no end (only sensible with ``wait``)
    :param node: ``ORDERER`` or ``PEER``
    :param wait: wait for blocks that do not exist yet, up to ``timeout``; else they are an error
    :param best_effort: also from an orderer that has no Raft leader
    :param timeout: seconds for the whole stream

    Raises ChannelNotFoundError when there is no such channel or block at this node, NotReadyError when the
    node is unreachable, has no leader or the time is over, FabricError when it refuses.
    """
    seek = ab_pb2.SeekInfo(
        start=_position(start),
        stop=_position(_LAST_BLOCK if stop is None else stop),
        behavior=ab_pb2.SeekInfo.BLOCK_UNTIL_READY if wait else ab_pb2.SeekInfo.FAIL_IF_NOT_READY,
        error_response=ab_pb2.SeekInfo.BEST_EFFORT if best_effort else ab_pb2.SeekInfo.STRICT,
    )
    envelope = signed_envelope(
        channel, common_pb2.DELIVER_SEEK_INFO, seek.SerializeToString(), signer, _tls_cert_hash(endpoint)
    )
    what = f"reading blocks of channel {channel}"
    with grpc_channel(endpoint) as connection:
        stub: Any = events_pb2_grpc.DeliverStub(connection)
        if node == ORDERER:
            stub = ab_pb2_grpc.AtomicBroadcastStub(connection)
        try:
            for response in stub.Deliver(iter([envelope]), timeout=timeout):
                if response.WhichOneof("Type") == "block":
                    yield response.block
                    continue
                if response.status == common_pb2.SUCCESS:
                    return
                raise _status_error(response.status, what, str(endpoint))
        except grpc.RpcError as error:
            raise rpc_error(error, what, str(endpoint)) from error


def _status_error(status: int, what: str, where: str) -> FabricError:
    message = f"{what} failed: {common_pb2.Status.Name(status)}"
    if status == common_pb2.NOT_FOUND:
        return ChannelNotFoundError(message, where, "check that the node has joined the channel")
    if common_pb2.Status.Name(status) in _NOT_READY:
        return NotReadyError(message, where, "check that the channel has a Raft leader")
    return FabricError(message, where, "check the signer's certificate and the controller's clock")


def block(
    endpoint: Endpoint,
    signer: Signer,
    channel: str,
    number: int = NEWEST,
    node: str = ORDERER,
    wait: bool = False,
    best_effort: bool = False,
    timeout: float = 10,
) -> common_pb2.Block:
    """One block; parameters and errors as in :func:`blocks`."""
    found = list(blocks(endpoint, signer, channel, number, number, node, wait, best_effort, timeout))
    if len(found) != 1:
        raise FabricError(f"asked for one block of channel {channel}, got {len(found)}", str(endpoint))
    return found[0]


def last_config_index(newest: common_pb2.Block) -> int:
    """The number of the newest configuration block, as it stands in a block's signed metadata."""
    if newest.header.number == 0:
        return 0
    signatures = common_pb2.Metadata.FromString(newest.metadata.metadata[common_pb2.SIGNATURES])
    metadata = common_pb2.OrdererBlockMetadata.FromString(signatures.value)
    return int(metadata.last_config.index)


def config_block(
    endpoint: Endpoint,
    signer: Signer,
    channel: str,
    node: str = ORDERER,
    best_effort: bool = False,
    timeout: float = 10,
) -> common_pb2.Block:
    """The newest configuration block; parameters and errors as in :func:`blocks`."""
    newest = block(endpoint, signer, channel, NEWEST, node, best_effort=best_effort, timeout=timeout)
    index = last_config_index(newest)
    if index == newest.header.number:
        return newest
    return block(endpoint, signer, channel, index, node, best_effort=best_effort, timeout=timeout)


def config_of(config_block: common_pb2.Block) -> configtx_pb2.Config:
    """The configuration inside a configuration block. Raises FabricError when it is another kind of block."""
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(config_block.data.data[0]).payload)
    header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    if header.type != common_pb2.CONFIG:
        raise FabricError(f"block {config_block.header.number} holds no configuration", header.channel_id)
    return configtx_pb2.ConfigEnvelope.FromString(payload.data).config


def broadcast(endpoint: Endpoint, envelope: common_pb2.Envelope, what: str, timeout: float = 10) -> None:
    """Hand an envelope to an orderer; it is ordered when this returns, in a block a little later.

    Raises NotReadyError when the orderer is unreachable or has no leader, FabricError with its reason when
    it refuses.
    """
    with grpc_channel(endpoint) as connection:
        stub = ab_pb2_grpc.AtomicBroadcastStub(connection)
        try:
            response = next(iter(stub.Broadcast(iter([envelope]), timeout=timeout)))
        except grpc.RpcError as error:
            raise rpc_error(error, what, str(endpoint)) from error
        except StopIteration as error:
            raise NotReadyError(f"{what} failed: no answer", str(endpoint)) from error
    if response.status == common_pb2.SUCCESS:
        return
    message = f"{what} failed: {common_pb2.Status.Name(response.status)}: {response.info}"
    if response.status == common_pb2.SERVICE_UNAVAILABLE:
        raise NotReadyError(message, str(endpoint), "check that the channel has a Raft leader")
    if _QUORUM_LOSS in response.info:
        raise NotReadyError(message, str(endpoint), "check that all orderers of the channel are up")
    raise FabricError(message, str(endpoint), "check which organisations' admins have to sign")
