"""Proof that a channel works: one transaction, and every peer has the same block with it.

Peers are asked with the submitter's identity, so one organisation can probe all peers that it can reach.
Peers older than 2.4 have no Gateway: then the probe endorses on the peers itself, broadcasts to an orderer,
and asks the peers' ledgers.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.concurrent import (
    remaining,
    together,
    until_ready,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.deliver import broadcast
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.endorser import endorse_on, query
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.gateway import (
    NoGatewayError,
    commit_status,
    endorse,
    submit,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.peer_channels import chain_info
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.proposal import new_proposal
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Node, Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transaction import Endorsed

with suppress(ImportError):  # the module says which package is missing
    from fabric_protos.common import common_pb2
    from fabric_protos.peer import transaction_pb2


@dataclass(frozen=True)
class PeerReport:
    """What one peer has.

    :param block_hash: lower-case hex of the hash of the transaction's block; empty when the peer lacks it
    :param height: number of blocks right after
    :param latency: seconds from submitting to this peer's commit
    :param error: why there is nothing to report
    """

    name: str
    block_number: int = -1
    block_hash: str = ""
    status: str = ""
    height: int = 0
    latency: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class ProbeReport:
    """A probe's result.

    :param endorsing: seconds until the transaction was endorsed
    :param latency: seconds from submitting until the last peer that answered had it
    :param problems: what is wrong, in sentences; empty when all is well
    """

    tx_id: str
    endorsing: float
    latency: float
    peers: tuple[PeerReport, ...]
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def block_hash(header: common_pb2.BlockHeader) -> str:
    """A block's hash: SHA-256 over the DER of number, previous hash and data hash, as lower-case hex.

    Source: ``BlockHeaderBytes`` in hyperledger/fabric ``protoutil/blockutils.go``.
    """
    number = header.number.to_bytes(header.number.bit_length() // 8 + 1, "big")
    content = _der(0x02, number) + _der(0x04, header.previous_hash) + _der(0x04, header.data_hash)
    return hashlib.sha256(_der(0x30, content)).hexdigest()


def _der(tag: int, content: bytes) -> bytes:
    # Lengths below 128, which three fields of at most 32 bytes never exceed, are one byte.
    return bytes([tag, len(content)]) + content


def commit_probe(
    topology: Topology,
    signer: Signer,
    channel: str,
    chaincode: str,
    args: Sequence[bytes],
    peers: Sequence[Node],
    endorsing_organizations: Sequence[str] = (),
    timeout: float = 60,
) -> ProbeReport:
    """Submit one transaction through the first peer and wait until all peers have committed it.

    :param args: the function's name first, then its arguments
    :param peers: at least one
    :param endorsing_organizations: names of organisations that must endorse; empty: the gateway chooses

    Raises FabricError, or NotReadyError, when the transaction cannot be endorsed or submitted. What goes
    wrong after that is told by the report, peer by peer.
    """
    deadline = time.monotonic() + timeout
    started = time.monotonic()
    proposal = new_proposal(signer, channel, chaincode, args)
    entrance = topology.grpc_endpoint(peers[0])
    organizations = [topology.organization(name).msp_id for name in endorsing_organizations]
    try:
        endorsed = until_ready(
            lambda: endorse(entrance, proposal, organizations, remaining(deadline)), deadline
        )
        endorsed_at = time.monotonic()
        submit(entrance, signer, endorsed, remaining(deadline))
    except NoGatewayError:
        endorsers = _one_each(peers, endorsing_organizations)
        endpoints = [topology.grpc_endpoint(peer) for peer in endorsers]
        endorsed = until_ready(lambda: endorse_on(endpoints, proposal, remaining(deadline)), deadline)
        endorsed_at = time.monotonic()
        _broadcast(topology, signer, endorsed, deadline)
    reports = together(
        {
            peer.name: partial(_watch, topology, signer, channel, proposal.tx_id, peer, endorsed_at, deadline)
            for peer in peers
        }
    )
    latency = max(report.latency for report in reports.values())
    return ProbeReport(
        proposal.tx_id,
        round(endorsed_at - started, 3),
        latency,
        tuple(reports.values()),
        tuple(problems(list(reports.values()))),
    )


def _one_each(peers: Sequence[Node], organizations: Sequence[str]) -> list[Node]:
    """The first peer of each organisation, of the named ones when any are named."""
    first: dict[str, Node] = {}
    for peer in peers:
        if not organizations or peer.organization in organizations:
            first.setdefault(peer.organization, peer)
    return list(first.values())


def _broadcast(topology: Topology, signer: Signer, endorsed: Endorsed, deadline: float) -> None:
    """Hand the transaction to the first orderer that takes it."""
    payload = endorsed.envelope.payload
    envelope = common_pb2.Envelope(payload=payload, signature=signer.sign(payload))

    def any_orderer() -> None:
        for orderer in topology.orderers[:-1]:
            try:
                return broadcast(
                    topology.grpc_endpoint(orderer), envelope, "broadcasting", remaining(deadline)
                )
            except NotReadyError:
                continue
        broadcast(
            topology.grpc_endpoint(topology.orderers[-1]), envelope, "broadcasting", remaining(deadline)
        )

    until_ready(any_orderer, deadline)


def _watch(
    topology: Topology,
    signer: Signer,
    channel: str,
    tx_id: str,
    peer: Node,
    started: float,
    deadline: float,
) -> PeerReport:
    """Wait for the transaction on one peer. What fails becomes the report's error: others may have it."""
    endpoint = topology.grpc_endpoint(peer)

    def ask(*args: str) -> bytes:
        return query(endpoint, signer, channel, "qscc", [arg.encode() for arg in args], 10)

    try:
        try:
            status = commit_status(endpoint, signer, channel, tx_id, remaining(deadline)).status
        except NoGatewayError:
            status = until_ready(partial(_ledger_status, ask, channel, tx_id), deadline, 0.05)
        latency = round(time.monotonic() - started, 3)
        block = common_pb2.Block.FromString(ask("GetBlockByTxID", channel, tx_id))
        height = chain_info(endpoint, signer, channel).height
    except FabricError as error:
        return PeerReport(peer.name, error=str(error))
    number = int(block.header.number)
    return PeerReport(peer.name, number, block_hash(block.header), status, height, latency)


def _ledger_status(ask: Any, channel: str, tx_id: str) -> str:
    """The validation code of a transaction in a peer's ledger; NotReadyError while it is not there."""
    try:
        payload = ask("GetTransactionByID", channel, tx_id)
    except FabricError as error:
        if tx_id in error.what:  # "no such transaction ID [...] in index"
            raise NotReadyError(error.what, error.where) from error
        raise
    transaction = transaction_pb2.ProcessedTransaction.FromString(payload)
    return str(transaction_pb2.TxValidationCode.Name(transaction.validationCode))


def problems(reports: Sequence[PeerReport]) -> list[str]:
    """What is wrong with the peers' reports, in sentences."""
    found = [
        f"{report.name} does not have the transaction: {report.error}" for report in reports if report.error
    ]
    have = [report for report in reports if not report.error]
    found += [
        f"{report.name} says that the transaction has no effect: {report.status}"
        for report in have
        if report.status != "VALID"
    ]
    hashes = {report.block_hash for report in have}
    if len(hashes) > 1:
        listed = ", ".join(f"{report.name} {report.block_number} {report.block_hash[:16]}" for report in have)
        found.append(
            f"peers have different blocks with the same transaction, the ledger has forked: {listed}"
        )
    return found
