"""Ask one peer: its Endorser service, the way to system chaincodes and to chaincode on exactly that peer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.concurrent import together
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.proposal import Proposal, new_proposal
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transaction import Endorsed, assemble
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint, grpc_channel

with suppress(ImportError):  # the module says which package is missing
    import grpc
    from fabric_protos.peer import peer_pb2_grpc, proposal_response_pb2

# Chaincodes answer 200 up to 399 for success, 400 and above for an error (hyperledger/fabric-chaincode-go
# ``shim.ERRORTHRESHOLD``).
_FIRST_ERROR_STATUS = 400
_PEER_ERROR_STATUS = 500

_NOT_READY = ("UNAVAILABLE", "DEADLINE_EXCEEDED")


def rpc_error(error: grpc.RpcError, what: str, where: str, details: str = "") -> FabricError:
    """The typed error for a failed call: NotReadyError when trying again may help, FabricError otherwise.

    :param what: what was tried, ``"evaluating assets on demo"``
    :param details: what came back; by default the status details of the call
    """
    code: grpc.StatusCode = error.code()
    message = f"{what} failed: {code.name}: {details or error.details() or 'no details'}"
    if code.name in _NOT_READY:
        return NotReadyError(message, where, "check that the node runs, and look at its log")
    return FabricError(message, where)


def _about(proposal: Proposal) -> str:
    return f"asking {proposal.chaincode}" + (f" on channel {proposal.channel}" if proposal.channel else "")


def _send(endpoint: Endpoint, proposal: Proposal, timeout: float) -> proposal_response_pb2.ProposalResponse:
    """Send a signed proposal to one peer and return whatever it answers."""
    with grpc_channel(endpoint) as channel:
        try:
            return peer_pb2_grpc.EndorserStub(channel).ProcessProposal(proposal.signed, timeout=timeout)
        except grpc.RpcError as error:
            raise rpc_error(error, _about(proposal), str(endpoint)) from error


def process_proposal(
    endpoint: Endpoint, proposal: Proposal, timeout: float = 10
) -> proposal_response_pb2.ProposalResponse:
    """Send a signed proposal to one peer and return its endorsement.

    Raises NotReadyError when the peer cannot be reached in ``timeout`` seconds, FabricError with the peer's
    or chaincode's message when it refuses.
    """
    response = _send(endpoint, proposal, timeout)
    status, message = response.response.status, response.response.message
    if status >= _FIRST_ERROR_STATUS:
        raise FabricError(f"{_about(proposal)} failed: {status}: {message}", str(endpoint))
    return response


def endorse_on(endpoints: Sequence[Endpoint], proposal: Proposal, timeout: float = 30) -> Endorsed:
    """Have exactly these peers endorse, at the same time.

    Unlike the Gateway this does not depend on what peers have learnt of each other by gossip, so it works in
    the second after they joined a channel.
    """
    calls = {str(endpoint): partial(process_proposal, endpoint, proposal, timeout) for endpoint in endpoints}
    return assemble(proposal, together(calls))


def require_answer(
    endpoint: Endpoint, signer: Signer, channel: str, chaincode: str, timeout: float = 10
) -> None:
    """Make sure that the chaincode itself answers on this peer, if only to say that it does not understand.

    Raises NotReadyError with the peer's message when it does not: not installed, not approved, not connected.
    """
    proposal = new_proposal(signer, channel, chaincode, [b"org.hyperledger.fabric:GetMetadata"])
    what = f"chaincode {chaincode} does not answer on channel {channel}"
    step = "look at the log of the chaincode's server, and whether the peer reaches its address"
    try:
        response = _send(endpoint, proposal, timeout)
    except NotReadyError as error:
        if grpc.StatusCode.DEADLINE_EXCEEDED.name not in error.what:
            raise
        raise NotReadyError(f"{what}: its peer is still trying to reach it", str(endpoint), step) from error
    message = response.response.message
    if "has not been initialized" in message:
        return  # the definition asks for an initialisation; until then no peer passes anything else on
    # The peer's own failures are 500 without a payload (internal/pkg/gateway/apiutils.go, responseStatus).
    if response.response.status >= _PEER_ERROR_STATUS and not response.payload:
        raise NotReadyError(f"{what}: {message}", str(endpoint), step)


def query(
    endpoint: Endpoint,
    signer: Signer,
    channel: str,
    chaincode: str,
    args: Sequence[bytes],
    timeout: float = 10,
) -> bytes:
    """Evaluate a chaincode on one peer and return its payload; nothing is written.

    :param channel: the channel's id; empty for what belongs to the peer itself (cscc, installed packages),
        and then the signer must be an admin of the peer's own organisation
    :param args: the function's name first, then its arguments
    :param timeout: seconds

    Raises NotReadyError for an unreachable or starting peer, FabricError with the peer's message otherwise.
    """
    proposal = new_proposal(signer, channel, chaincode, args)
    return bytes(process_proposal(endpoint, proposal, timeout).response.payload)
