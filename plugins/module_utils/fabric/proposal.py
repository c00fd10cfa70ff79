"""Proposals: what a client asks a chaincode, with headers, and signed.

Source of the layout: ``CreateChaincodeProposalWithTxIDNonceAndTransient`` in hyperledger/fabric
``protoutil/proputils.go``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer, new_nonce

with suppress(ImportError):  # the module says which package is missing
    from fabric_protos.common import common_pb2
    from fabric_protos.peer import chaincode_pb2, proposal_pb2


def transaction_id(nonce: bytes, creator: bytes) -> str:
    """The id that Fabric computes for a transaction: lower-case hex of SHA-256 over nonce and creator."""
    return hashlib.sha256(nonce + creator).hexdigest()


@dataclass(frozen=True)
class Proposal:
    """A signed proposal and what its transaction will be called.

    :param tx_id: 64 hex digits
    :param channel: the channel's id; empty for system chaincodes that belong to the peer
    :param chaincode: the chaincode's name
    :param signed: the message that Endorser and Gateway take
    """

    tx_id: str
    channel: str
    chaincode: str
    signed: proposal_pb2.SignedProposal


def new_proposal(
    signer: Signer,
    channel: str,
    chaincode: str,
    args: Sequence[bytes],
    transient: Mapping[str, bytes] | None = None,
    is_init: bool = False,
    nonce: bytes | None = None,
) -> Proposal:
    """Build and sign a proposal.

    :param args: the function's name first, then its arguments
    :param transient: private input; peers see it, no ledger keeps it
    :param is_init: whether this is the chaincode's required initialisation
    :param nonce: only for tests that need a known transaction id
    """
    nonce = nonce or new_nonce()
    creator = signer.creator
    tx_id = transaction_id(nonce, creator)
    chaincode_id = chaincode_pb2.ChaincodeID(name=chaincode)
    channel_header = common_pb2.ChannelHeader(
        type=common_pb2.ENDORSER_TRANSACTION,
        channel_id=channel,
        tx_id=tx_id,
        extension=proposal_pb2.ChaincodeHeaderExtension(chaincode_id=chaincode_id).SerializeToString(),
    )
    channel_header.timestamp.GetCurrentTime()
    header = common_pb2.Header(
        channel_header=channel_header.SerializeToString(),
        signature_header=common_pb2.SignatureHeader(creator=creator, nonce=nonce).SerializeToString(),
    )
    spec = chaincode_pb2.ChaincodeSpec(
        type=chaincode_pb2.ChaincodeSpec.GOLANG,
        chaincode_id=chaincode_id,
        input=chaincode_pb2.ChaincodeInput(args=list(args), is_init=is_init),
    )
    payload = proposal_pb2.ChaincodeProposalPayload(
        input=chaincode_pb2.ChaincodeInvocationSpec(chaincode_spec=spec).SerializeToString(),
        TransientMap=dict(transient or {}),
    )
    proposal_bytes = proposal_pb2.Proposal(
        header=header.SerializeToString(), payload=payload.SerializeToString()
    ).SerializeToString()
    signed = proposal_pb2.SignedProposal(proposal_bytes=proposal_bytes, signature=signer.sign(proposal_bytes))
    return Proposal(tx_id, channel, chaincode, signed)
