"""Proposals, transactions put together from endorsements, and what gateways say when they refuse."""

from __future__ import annotations

import hashlib

import grpc
import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.endorser import rpc_error
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.gateway import (
    CommitStatus,
    error_details,
    require_valid,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.proposal import new_proposal
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transaction import (
    assemble,
    from_envelope,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.signers import signer
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, proposal_response_pb2, transaction_pb2
from google.protobuf import any_pb2


def response(result: bytes, endorser: bytes = b"peer") -> proposal_response_pb2.ProposalResponse:
    action = proposal_pb2.ChaincodeAction(response=proposal_response_pb2.Response(status=200, payload=result))
    payload = proposal_response_pb2.ProposalResponsePayload(extension=action.SerializeToString())
    return proposal_response_pb2.ProposalResponse(
        payload=payload.SerializeToString(),
        endorsement=proposal_response_pb2.Endorsement(endorser=endorser, signature=b"s"),
    )


def test_a_proposal_carries_what_peers_check() -> None:
    who = signer()
    made = new_proposal(who, "demo", "assets", [b"Read", b"1"], {"price": b"7"}, True, nonce=b"n" * 24)
    assert made.tx_id == hashlib.sha256(b"n" * 24 + who.creator).hexdigest()
    who.certificate.public_key().verify(
        made.signed.signature, made.signed.proposal_bytes, ec.ECDSA(hashes.SHA256())
    )
    proposal = proposal_pb2.Proposal.FromString(made.signed.proposal_bytes)
    header = common_pb2.Header.FromString(proposal.header)
    channel_header = common_pb2.ChannelHeader.FromString(header.channel_header)
    assert (channel_header.type, channel_header.channel_id) == (common_pb2.ENDORSER_TRANSACTION, "demo")
    assert channel_header.tx_id == made.tx_id and channel_header.timestamp.seconds
    extension = proposal_pb2.ChaincodeHeaderExtension.FromString(channel_header.extension)
    assert extension.chaincode_id.name == "assets"
    signature_header = common_pb2.SignatureHeader.FromString(header.signature_header)
    assert (signature_header.creator, signature_header.nonce) == (who.creator, b"n" * 24)
    payload = proposal_pb2.ChaincodeProposalPayload.FromString(proposal.payload)
    spec = chaincode_pb2.ChaincodeInvocationSpec.FromString(payload.input).chaincode_spec
    assert (list(spec.input.args), spec.input.is_init) == ([b"Read", b"1"], True)
    assert payload.TransientMap["price"] == b"7"


def test_every_proposal_is_another_transaction() -> None:
    who = signer()
    assert len({new_proposal(who, "demo", "assets", [b"f"]).tx_id for _unused in range(3)}) == 3


def test_a_transaction_has_all_endorsements_and_no_private_input() -> None:
    proposal = new_proposal(signer(), "demo", "assets", [b"f"], {"price": b"very private"})
    endorsed = assemble(proposal, {"a": response(b"r", b"peer a"), "b": response(b"r", b"peer b")})
    assert (endorsed.tx_id, endorsed.channel, endorsed.payload) == (proposal.tx_id, "demo", b"r")
    assert b"very private" in proposal.signed.proposal_bytes
    assert b"very private" not in endorsed.envelope.payload
    assert from_envelope(endorsed.tx_id, "demo", endorsed.envelope) == endorsed
    payload = common_pb2.Payload.FromString(endorsed.envelope.payload)
    transaction = transaction_pb2.Transaction.FromString(payload.data)
    action = transaction_pb2.ChaincodeActionPayload.FromString(transaction.actions[0].payload).action
    assert [item.endorser for item in action.endorsements] == [b"peer a", b"peer b"]
    assert transaction.actions[0].header == payload.header.signature_header


def test_peers_that_disagree_make_no_transaction() -> None:
    with pytest.raises(FabricError, match=r"do not agree .*\(at a, b\)"):
        assemble(new_proposal(signer(), "demo", "assets", [b"f"]), {"a": response(b"1"), "b": response(b"2")})


def test_error_details_of_a_gateway() -> None:
    """google.rpc.Status on the wire: 1 code, 2 message, 3 details; written here by hand."""
    detail = any_pb2.Any()
    detail.Pack(gateway_pb2.ErrorDetail(address="peer0:7051", msp_id="Org1MSP", message="no such asset"))
    other = any_pb2.Any(type_url="type.googleapis.com/other", value=b"x")
    packed = [
        bytes([0x1A, len(item.SerializeToString())]) + item.SerializeToString() for item in (other, detail)
    ]
    status = b"\x08\x0a" + b"\x12\x04text" + b"".join(packed)
    trailers = [("content-type", "grpc"), ("grpc-status-details-bin", status)]
    assert error_details(trailers) == ["Org1MSP peer0:7051: no such asset"]
    assert error_details([]) == []


class Failed(grpc.RpcError):
    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "details"


@pytest.mark.parametrize(
    ("code", "ready"),
    [
        (grpc.StatusCode.UNAVAILABLE, False),
        (grpc.StatusCode.DEADLINE_EXCEEDED, False),
        (grpc.StatusCode.ABORTED, True),
        (grpc.StatusCode.PERMISSION_DENIED, True),
    ],
)
def test_only_absent_nodes_are_worth_another_try(code: grpc.StatusCode, ready: bool) -> None:
    error = rpc_error(Failed(code), "asking", "peer0")
    assert isinstance(error, NotReadyError) is not ready
    assert error.what == f"asking failed: {code.name}: details" and error.where == "peer0"


def test_a_committed_transaction_without_effect_is_an_error() -> None:
    assert require_valid(CommitStatus("id", "VALID", 3), "submitting")
    with pytest.raises(FabricError, match="block 3 was refused: MVCC_READ_CONFLICT"):
        require_valid(CommitStatus("id", "MVCC_READ_CONFLICT", 3), "submitting")
