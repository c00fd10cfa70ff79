"""Chaincode lifecycle on single peers: install and query packages, approve and commit definitions.

Everything here is one call to ``_lifecycle``; what has to happen in which order is in ``chaincode.py``.
Endorsements are asked of the named peers and not of a Gateway, see :func:`endorser.endorse_on`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.concurrent import remaining, until_ready
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.definition import Definition
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.endorser import endorse_on, query
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.gateway import submit
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.package import Package
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.proposal import new_proposal
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint

with suppress(ImportError):  # the module says which package is missing
    from fabric_protos.peer.lifecycle import lifecycle_pb2

_LIFECYCLE = "_lifecycle"


@dataclass(frozen=True)
class Approval:
    """What an organisation approved.

    :param package_id: the package that its peers run; empty when they run none
    """

    definition: Definition
    package_id: str

    def as_dict(self) -> dict[str, Any]:
        """For results and diffs."""
        return {**self.definition.as_dict(), "package_id": self.package_id}


def _ask(endpoint: Endpoint, signer: Signer, channel: str, function: str, args: Any, timeout: float) -> bytes:
    return query(
        endpoint, signer, channel, _LIFECYCLE, [function.encode(), args.SerializeToString()], timeout
    )


def _nothing(error: FabricError, *messages: str) -> None:
    """None for a peer's way to say that there is nothing; any other error is raised again."""
    if isinstance(error, NotReadyError) or not any(message in error.what for message in messages):
        raise error


def install(endpoint: Endpoint, signer: Signer, package: Package, timeout: float = 60) -> str:
    """Install a package on one peer and return its id. ``signer`` is an admin of the peer's organisation."""
    args = lifecycle_pb2.InstallChaincodeArgs(chaincode_install_package=package.data)
    try:
        payload = _ask(endpoint, signer, "", "InstallChaincode", args, timeout)
    except FabricError as error:
        if isinstance(error, NotReadyError) or "already successfully installed" not in error.what:
            raise
        return package.package_id
    return str(lifecycle_pb2.InstallChaincodeResult.FromString(payload).package_id)


def installed(endpoint: Endpoint, signer: Signer, timeout: float = 10) -> dict[str, str]:
    """Package id to label of everything installed on one peer. ``signer`` is an admin of its organisation."""
    args = lifecycle_pb2.QueryInstalledChaincodesArgs()
    payload = _ask(endpoint, signer, "", "QueryInstalledChaincodes", args, timeout)
    result = lifecycle_pb2.QueryInstalledChaincodesResult.FromString(payload)
    return {item.package_id: item.label for item in result.installed_chaincodes}


def committed(
    endpoint: Endpoint, signer: Signer, channel: str, name: str, timeout: float = 10
) -> Definition | None:
    """The definition that the channel committed, as this peer sees it.

    None when there is none, or the peer does not have the channel (yet).
    """
    args = lifecycle_pb2.QueryChaincodeDefinitionArgs(name=name)
    try:
        payload = _ask(endpoint, signer, channel, "QueryChaincodeDefinition", args, timeout)
    except FabricError as error:
        _nothing(error, f"namespace {name} is not defined", f"channel '{channel}' not found")
        return None
    return Definition.from_message(lifecycle_pb2.QueryChaincodeDefinitionResult.FromString(payload), name)


def approved(
    endpoint: Endpoint, signer: Signer, channel: str, name: str, sequence: int, timeout: float = 10
) -> Approval | None:
    """What the peer's organisation approved for a sequence; None when it approved nothing.

    ``signer`` is an admin of the peer's organisation. The answer is private data: a peer that has not
    received it yet answers None.
    """
    args = lifecycle_pb2.QueryApprovedChaincodeDefinitionArgs(name=name, sequence=sequence)
    try:
        payload = _ask(endpoint, signer, channel, "QueryApprovedChaincodeDefinition", args, timeout)
    except FabricError as error:
        _nothing(error, "could not fetch approved chaincode", f"channel '{channel}' not found")
        return None
    result = lifecycle_pb2.QueryApprovedChaincodeDefinitionResult.FromString(payload)
    return Approval(Definition.from_message(result, name), result.source.local_package.package_id)


def commit_readiness(
    endpoint: Endpoint, signer: Signer, channel: str, definition: Definition, timeout: float = 10
) -> dict[str, bool]:
    """MSP id to whether that organisation approved exactly this definition."""
    args = lifecycle_pb2.CheckCommitReadinessArgs(**definition.fields())
    payload = _ask(endpoint, signer, channel, "CheckCommitReadiness", args, timeout)
    return dict(lifecycle_pb2.CheckCommitReadinessResult.FromString(payload).approvals)


def approve(
    endpoint: Endpoint,
    signer: Signer,
    channel: str,
    definition: Definition,
    package_id: str,
    timeout: float = 30,
) -> str:
    """Approve a definition for the organisation of peer and signer; return the transaction's id.

    Submitted, not awaited. ``package_id`` may be empty: the organisation agrees and runs no chaincode.
    """
    if package_id:
        local = lifecycle_pb2.ChaincodeSource.Local(package_id=package_id)
        source = lifecycle_pb2.ChaincodeSource(local_package=local)
    else:
        source = lifecycle_pb2.ChaincodeSource(unavailable=lifecycle_pb2.ChaincodeSource.Unavailable())
    args = lifecycle_pb2.ApproveChaincodeDefinitionForMyOrgArgs(**definition.fields(), source=source)
    return _write([endpoint], signer, channel, "ApproveChaincodeDefinitionForMyOrg", args, timeout)


def commit(
    endpoints: Sequence[Endpoint], signer: Signer, channel: str, definition: Definition, timeout: float = 30
) -> str:
    """Commit a definition, endorsed by these peers; return the transaction's id. Submitted, not awaited.

    :param endpoints: a peer of each of enough organisations, by default a majority; the first one submits
    """
    args = lifecycle_pb2.CommitChaincodeDefinitionArgs(**definition.fields())
    return _write(endpoints, signer, channel, "CommitChaincodeDefinition", args, timeout)


def _write(
    endpoints: Sequence[Endpoint], signer: Signer, channel: str, function: str, args: Any, timeout: float
) -> str:
    proposal = new_proposal(signer, channel, _LIFECYCLE, [function.encode(), args.SerializeToString()])
    deadline = time.monotonic() + timeout
    endorsed = until_ready(lambda: endorse_on(endpoints, proposal, remaining(deadline)), deadline)
    submit(endpoints[0], signer, endorsed, timeout=remaining(deadline))
    return proposal.tx_id
