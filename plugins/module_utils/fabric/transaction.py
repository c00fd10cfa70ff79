"""What peers endorsed, put together as a transaction that its client can sign."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.proposal import Proposal

with suppress(ImportError):  # the module says which package is missing
    from fabric_protos.common import common_pb2
    from fabric_protos.peer import proposal_pb2, proposal_response_pb2, transaction_pb2


@dataclass(frozen=True)
class Endorsed:
    """An endorsed transaction that nobody has submitted.

    :param payload: what the chaincode returned
    :param envelope: the transaction, not yet signed by its client
    """

    tx_id: str
    channel: str
    payload: bytes = field(repr=False)
    envelope: common_pb2.Envelope = field(repr=False)


def from_envelope(tx_id: str, channel: str, envelope: common_pb2.Envelope) -> Endorsed:
    """Take a transaction that a gateway prepared."""
    payload = common_pb2.Payload.FromString(envelope.payload)
    transaction = transaction_pb2.Transaction.FromString(payload.data)
    action = transaction_pb2.ChaincodeActionPayload.FromString(transaction.actions[0].payload).action
    return Endorsed(tx_id, channel, _result(action.proposal_response_payload), envelope)


def _result(response_payload: bytes) -> bytes:
    """The chaincode's answer, out of a serialized ``ProposalResponsePayload``."""
    payload = proposal_response_pb2.ProposalResponsePayload.FromString(response_payload)
    return bytes(proposal_pb2.ChaincodeAction.FromString(payload.extension).response.payload)


def assemble(proposal: Proposal, responses: Mapping[str, proposal_response_pb2.ProposalResponse]) -> Endorsed:
    """Put the endorsements of several peers together.

    :param responses: at least one; the keys say who answered

    Raises FabricError when the peers computed different results: then one of them lags behind, or the
    chaincode is not deterministic. Source: ``CreateSignedTx`` in hyperledger/fabric ``protoutil/txutils.go``.
    """
    payloads = {response.payload for response in responses.values()}
    if len(payloads) != 1:
        raise FabricError(
            f"peers do not agree on the result of {proposal.chaincode} on channel {proposal.channel}",
            ", ".join(responses),
            "try again; if it stays, compare the peers' block heights",
        )
    message = proposal_pb2.Proposal.FromString(proposal.signed.proposal_bytes)
    header = common_pb2.Header.FromString(message.header)
    proposed = proposal_pb2.ChaincodeProposalPayload.FromString(message.payload)
    proposed.ClearField("TransientMap")  # private input must not get into the block
    response_payload = payloads.pop()
    action = transaction_pb2.ChaincodeActionPayload(
        chaincode_proposal_payload=proposed.SerializeToString(),
        action=transaction_pb2.ChaincodeEndorsedAction(
            proposal_response_payload=response_payload,
            endorsements=[response.endorsement for response in responses.values()],
        ),
    )
    transaction = transaction_pb2.Transaction(
        actions=[
            transaction_pb2.TransactionAction(
                header=header.signature_header, payload=action.SerializeToString()
            )
        ]
    )
    payload = common_pb2.Payload(header=header, data=transaction.SerializeToString())
    envelope = common_pb2.Envelope(payload=payload.SerializeToString())
    return Endorsed(proposal.tx_id, proposal.channel, _result(response_payload), envelope)
