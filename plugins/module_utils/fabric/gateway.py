"""Transactions through a peer's Gateway service: evaluate, endorse, submit, and wait for the commit.

Source of the protocol: hyperledger/fabric ``internal/pkg/gateway`` and hyperledger/fabric-gateway.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.concurrent import remaining, until_ready
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.endorser import rpc_error
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.proposal import Proposal, new_proposal
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transaction import (
    Endorsed,
    from_envelope,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint, grpc_channel

with suppress(ImportError):  # the module says which package is missing
    import grpc
    from fabric_protos.common import common_pb2
    from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
    from fabric_protos.peer import transaction_pb2
    from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

# What a gateway says while its peer has not yet heard of enough others (internal/pkg/gateway/registry.go).
_NOT_DISCOVERED = (
    "no combination of peers can be derived",
    "failed to select a set of endorsers",
    "failed to find any endorsing peers",
    "no peers available to evaluate",
)


class NoGatewayError(FabricError):
    """The peer offers no Gateway service: it is older than 2.4, or its Gateway is switched off."""


@dataclass(frozen=True)
class CommitStatus:
    """How a transaction ended.

    :param status: Fabric's validation code, ``VALID`` or the reason that it had no effect
    :param block_number: the block that it is in
    """

    tx_id: str
    status: str
    block_number: int


@dataclass(frozen=True)
class TransactionResult:
    """A committed transaction.

    :param payload: what the chaincode returned
    """

    tx_id: str
    block_number: int
    status: str
    payload: bytes = field(repr=False)


@cache
def _status_class() -> Any:
    """``google.rpc.Status``, as much of it as is needed, without another package for three fields."""
    file = descriptor_pb2.FileDescriptorProto(
        name="selvedge/status.proto", package="selvedge", syntax="proto3"
    )
    details = file.message_type.add(name="Status").field.add(name="details", number=3)
    details.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
    details.label = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("selvedge.Status"))


def error_details(trailers: Sequence[tuple[str, str | bytes]]) -> list[str]:
    """What each node said, ``"Org1MSP host:port: message"``, from the trailer ``grpc-status-details-bin``."""
    found = []
    for key, value in trailers:
        if key != "grpc-status-details-bin" or not isinstance(value, bytes):
            continue
        for packed in _status_class().FromString(value).details:
            detail = gateway_pb2.ErrorDetail()
            if any_pb2.Any.FromString(packed).Unpack(detail):
                found.append(f"{detail.msp_id} {detail.address}: {detail.message}")
    return found


def _call(endpoint: Endpoint, what: str, call: Callable[[gateway_pb2_grpc.GatewayStub], Any]) -> Any:
    with grpc_channel(endpoint) as channel:
        try:
            return call(gateway_pb2_grpc.GatewayStub(channel))
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNIMPLEMENTED:
                raise NoGatewayError(f"{what} failed: the peer has no Gateway", str(endpoint)) from error
            said = [error.details() or "", *error_details(error.trailing_metadata() or ())]
            details = "; ".join(filter(None, said))
            if any(message in details for message in _NOT_DISCOVERED):
                step = "peers learn by gossip who else runs the chaincode; check the anchor peers"
                raise NotReadyError(f"{what} failed: {details}", str(endpoint), step) from error
            raise rpc_error(error, what, str(endpoint), details) from error


def evaluate(
    endpoint: Endpoint, proposal: Proposal, organizations: Sequence[str] = (), timeout: float = 30
) -> bytes:
    """Run a chaincode function on a peer that the gateway chooses; return its result, write nothing.

    :param organizations: MSP ids of the organisations whose peers may be asked; empty: the gateway chooses
    """
    request = gateway_pb2.EvaluateRequest(
        transaction_id=proposal.tx_id,
        channel_id=proposal.channel,
        proposed_transaction=proposal.signed,
        target_organizations=list(organizations),
    )
    response = _call(
        endpoint,
        f"evaluating {proposal.chaincode} on channel {proposal.channel}",
        lambda stub: stub.Evaluate(request, timeout=timeout),
    )
    return bytes(response.result.payload)


def endorse(
    endpoint: Endpoint, proposal: Proposal, organizations: Sequence[str] = (), timeout: float = 30
) -> Endorsed:
    """Collect endorsements.

    :param organizations: MSP ids of the organisations that must endorse; empty: the gateway chooses, by the
        chaincode's policy
    """
    request = gateway_pb2.EndorseRequest(
        transaction_id=proposal.tx_id,
        channel_id=proposal.channel,
        proposed_transaction=proposal.signed,
        endorsing_organizations=list(organizations),
    )
    response = _call(
        endpoint,
        f"endorsing a transaction of {proposal.chaincode} on channel {proposal.channel}",
        lambda stub: stub.Endorse(request, timeout=timeout),
    )
    return from_envelope(proposal.tx_id, proposal.channel, response.prepared_transaction)


def submit(endpoint: Endpoint, signer: Signer, endorsed: Endorsed, timeout: float = 30) -> None:
    """Sign an endorsed transaction and hand it to the ordering service through the peer.

    Does not wait for the commit. Is tried again while no orderer takes it, as in the second before a new
    channel has its leader: a transaction that gets there twice has its effect once.
    """
    deadline = time.monotonic() + timeout
    request = gateway_pb2.SubmitRequest(
        transaction_id=endorsed.tx_id,
        channel_id=endorsed.channel,
        prepared_transaction=common_pb2.Envelope(
            payload=endorsed.envelope.payload, signature=signer.sign(endorsed.envelope.payload)
        ),
    )
    what = f"submitting transaction {endorsed.tx_id} to channel {endorsed.channel}"
    until_ready(
        lambda: _call(endpoint, what, lambda stub: stub.Submit(request, timeout=remaining(deadline))),
        deadline,
    )


def commit_status(
    endpoint: Endpoint, signer: Signer, channel: str, tx_id: str, timeout: float = 30
) -> CommitStatus:
    """Wait until this peer has committed the transaction. Does not judge the status: the caller does.

    Raises NotReadyError when the peer has not committed it within ``timeout`` seconds.
    """
    request = gateway_pb2.CommitStatusRequest(
        transaction_id=tx_id, channel_id=channel, identity=signer.creator
    ).SerializeToString()
    signed = gateway_pb2.SignedCommitStatusRequest(request=request, signature=signer.sign(request))
    response = _call(
        endpoint,
        f"waiting for transaction {tx_id} on channel {channel}",
        lambda stub: stub.CommitStatus(signed, timeout=timeout),
    )
    return CommitStatus(tx_id, transaction_pb2.TxValidationCode.Name(response.result), response.block_number)


def require_valid(status: CommitStatus, what: str, where: str = "") -> CommitStatus:
    """Raise FabricError unless the transaction took effect."""
    if status.status != "VALID":
        raise FabricError(
            f"{what}: transaction {status.tx_id} in block {status.block_number} was refused: {status.status}",
            where,
            "a transaction refused for MVCC_READ_CONFLICT can be sent again",
        )
    return status


def submit_transaction(
    endpoint: Endpoint,
    signer: Signer,
    channel: str,
    chaincode: str,
    args: Sequence[bytes],
    transient: Mapping[str, bytes] | None = None,
    endorsing_organizations: Sequence[str] = (),
    timeout: float = 60,
    is_init: bool = False,
) -> TransactionResult:
    """Endorse, submit, and wait for the commit on this peer.

    :param args: the function's name first, then its arguments
    :param endorsing_organizations: MSP ids
    :param is_init: whether this is the initialisation that the chaincode's definition requires
    :param timeout: seconds for all of it; endorsing is tried again while nodes are not ready

    Raises FabricError when it is not endorsed or not valid, NotReadyError when a node is not there or the
    time is up. After a NotReadyError while waiting the transaction may still commit.
    """
    deadline = time.monotonic() + timeout
    proposal = new_proposal(signer, channel, chaincode, args, transient, is_init)
    endorsed = until_ready(
        lambda: endorse(endpoint, proposal, endorsing_organizations, remaining(deadline)), deadline
    )
    submit(endpoint, signer, endorsed, remaining(deadline))
    status = commit_status(endpoint, signer, channel, proposal.tx_id, remaining(deadline))
    require_valid(status, f"submitting to {chaincode} on channel {channel}", str(endpoint))
    return TransactionResult(proposal.tx_id, status.block_number, status.status, endorsed.payload)
