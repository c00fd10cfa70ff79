"""The ledger as tests see it: transactions of the example chaincode, and every peer's copy."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.concurrent import together, until_ready
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.endorser import query
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.gateway import (
    TransactionResult,
    commit_status,
    submit_transaction,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.peer_channels import (
    ChainInfo,
    chain_info,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Node
from fabric_protos.common import common_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import transaction_pb2


class Ledger:
    """The first channel of the model, through the first chaincode on it."""

    def __init__(self, deployment: Deployment) -> None:
        self.topology = deployment.topology
        chaincode = deployment.controller["chaincodes"][0]
        self.channel, self.chaincode = chaincode["channel"], chaincode["name"]
        self.organizations: list[str] = chaincode["organizations"]
        self.peers = [self.topology.peer(name) for name in chaincode["peers"]]

    @property
    def msp_ids(self) -> set[str]:
        return {self.topology.organization(name).msp_id for name in self.organizations}

    def create(self, through: Node | None = None, timeout_s: float = 60) -> tuple[str, TransactionResult]:
        """Create an asset, endorsed by every organisation; return its name and the transaction."""
        asset = f"test-{uuid.uuid4().hex[:12]}"
        peer = through or self.peers[0]
        result = submit_transaction(
            self.topology.grpc_endpoint(peer),
            self.topology.signer(peer.organization),
            self.channel,
            self.chaincode,
            [b"create", asset.encode(), b"alice", b'{"colour": "blue"}'],
            endorsing_organizations=sorted(self.msp_ids),
            timeout=timeout_s,
        )
        return asset, result

    def ask(self, peer: Node, chaincode: str, *args: str) -> bytes:
        """Evaluate on exactly this peer."""
        signer = self.topology.signer(peer.organization)
        endpoint = self.topology.grpc_endpoint(peer)
        return query(endpoint, signer, self.channel, chaincode, [arg.encode() for arg in args])

    def read(self, peer: Node, asset: str) -> Any:
        return json.loads(self.ask(peer, self.chaincode, "read", asset))

    def wait_for(self, tx_id: str, peers: Sequence[Node] | None = None, timeout_s: float = 60) -> None:
        """Wait until each of the peers has committed the transaction, as valid."""
        deadline = time.monotonic() + timeout_s

        def committed(peer: Node) -> str:
            status = commit_status(
                self.topology.grpc_endpoint(peer),
                self.topology.signer(peer.organization),
                self.channel,
                tx_id,
                max(1.0, deadline - time.monotonic()),
            )
            return status.status

        statuses = together(
            {
                peer.name: partial(until_ready, partial(committed, peer), deadline)
                for peer in peers or self.peers
            }
        )
        assert set(statuses.values()) == {"VALID"}, statuses

    def chains(self) -> dict[str, ChainInfo]:
        """Every peer's height and newest block."""
        signers = {peer.name: self.topology.signer(peer.organization) for peer in self.peers}
        return together(
            {
                peer.name: partial(
                    chain_info, self.topology.grpc_endpoint(peer), signers[peer.name], self.channel
                )
                for peer in self.peers
            }
        )

    def endorsers(self, peer: Node, tx_id: str) -> set[str]:
        """MSP ids of those who endorsed a transaction, as it stands in the peer's ledger."""
        stored = self.ask(peer, "qscc", "GetTransactionByID", self.channel, tx_id)
        envelope = transaction_pb2.ProcessedTransaction.FromString(stored).transactionEnvelope
        payload = common_pb2.Payload.FromString(envelope.payload)
        action = transaction_pb2.Transaction.FromString(payload.data).actions[0]
        endorsed = transaction_pb2.ChaincodeActionPayload.FromString(action.payload).action
        return {
            identities_pb2.SerializedIdentity.FromString(endorsement.endorser).mspid
            for endorsement in endorsed.endorsements
        }
