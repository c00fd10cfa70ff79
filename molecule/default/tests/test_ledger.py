"""The network does what it is for: transactions that two organisations endorse, on every peer's ledger."""

from __future__ import annotations

import time

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.gateway import submit_transaction
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import channel_status
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer


def test_a_transaction_is_endorsed_by_all_and_read_from_every_peer(ledger: Ledger) -> None:
    asset, result = ledger.create()
    ledger.wait_for(result.tx_id)
    assert ledger.endorsers(ledger.peers[0], result.tx_id) == ledger.msp_ids
    wanted = {"id": asset, "owner": "alice", "value": {"colour": "blue"}}
    assert {peer.name: ledger.read(peer, asset) for peer in ledger.peers} == dict.fromkeys(
        [peer.name for peer in ledger.peers], wanted
    )


def test_every_peer_takes_transactions(ledger: Ledger) -> None:
    for peer in ledger.peers:
        asset, result = ledger.create(through=peer)
        ledger.wait_for(result.tx_id)
        assert ledger.read(ledger.peers[-1], asset)["id"] == asset


def test_all_peers_have_the_same_chain(ledger: Ledger) -> None:
    _unused, result = ledger.create()
    ledger.wait_for(result.tx_id)
    chains = ledger.chains()
    assert (
        len(
            {(chain.height, chain.current_block_hash, chain.previous_block_hash) for chain in chains.values()}
        )
        == 1
    )
    assert all(chain.height > result.block_number for chain in chains.values())


def test_one_organisation_alone_changes_nothing(ledger: Ledger) -> None:
    """The chaincode's policy wants a majority of the organisations, which is both."""
    peer = ledger.peers[0]
    with pytest.raises(FabricError, match="ENDORSEMENT_POLICY_FAILURE|policy"):
        submit_transaction(
            ledger.topology.grpc_endpoint(peer),
            ledger.topology.signer(peer.organization),
            ledger.channel,
            ledger.chaincode,
            [b"create", b"alone", b"alice", b"1"],
            endorsing_organizations=[ledger.topology.organization(peer.organization).msp_id],
            timeout=30,
        )
    assert ledger.ask(peer, ledger.chaincode, "exists", "alone") == b"false"


def test_a_stranger_reads_nothing(ledger: Ledger) -> None:
    """An identity of one organisation under the name of another."""
    peer = ledger.peers[0]
    other = next(name for name in ledger.organizations if name != peer.organization)
    secret = ledger.topology.secret(f"{ledger.topology.organization(other).mount}/users/admin")
    msp_id = ledger.topology.organization(peer.organization).msp_id
    stranger = Signer(msp_id, secret["sign_cert"], secret["sign_key"])
    started = time.monotonic()
    with pytest.raises(FabricError, match="access denied|creator"):
        submit_transaction(
            ledger.topology.grpc_endpoint(peer),
            stranger,
            ledger.channel,
            ledger.chaincode,
            [b"create", b"strange", b"mallory", b"1"],
            timeout=30,
        )
    assert time.monotonic() - started < 15, "a refusal is told at once, nobody waits for it to get better"


def test_every_orderer_serves_the_channel(deployment: Deployment, ledger: Ledger) -> None:
    _unused, result = ledger.create()
    ledger.wait_for(result.tx_id)
    for orderer in deployment.topology.orderers:
        found = channel_status(deployment.topology.admin_endpoint(orderer), ledger.channel)
        assert found is not None, orderer.name
        assert (found.relation, found.status) == ("consenter", "active"), orderer.name
