"""A channel on a live network: created, left alone, changed, read, grown and shrunk."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import (
    deliver,
    participation,
    peer_channels,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel import (
    ChannelPlan,
    apply_channel,
    plan_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel_state import read_channel
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.tests.live.network import LiveNetwork

CHANNEL = "demo"


def _plan(network: LiveNetwork, allow_removal: bool = False, **changes: Any) -> ChannelPlan:
    definition = ChannelDefinition.from_option(CHANNEL, {**network.definition, **changes})
    return plan_channel(network.topology, definition, timeout=20, allow_removal=allow_removal)


def _reach(network: LiveNetwork, allow_removal: bool = False, **changes: Any) -> ChannelPlan:
    """Plan and apply; a second plan must find nothing to do."""
    plan = _plan(network, allow_removal, **changes)
    apply_channel(network.topology, plan, timeout=60)
    again = _plan(network, allow_removal, **changes)
    assert again.difference.lines == [], "the second run changes something"
    return plan


def _sequence(network: LiveNetwork) -> int:
    return int(read_channel(network.topology, CHANNEL)["sequence"])


@pytest.fixture(scope="module")
def channel(network: LiveNetwork) -> LiveNetwork:
    """The network with the channel on it, created within the time that the design promises."""
    begin = time.monotonic()
    plan = _plan(network)
    planned = time.monotonic()
    assert plan.creates
    for node in network.topology.orderers:
        assert participation.list_channels(network.topology.admin_endpoint(node)) == [], (
            "a plan changed a node"
        )
    apply_channel(network.topology, plan)
    print(f"planned in {planned - begin:.2f} s, created in {time.monotonic() - planned:.2f} s")
    assert time.monotonic() - begin < 5
    return network


def test_create_joins_every_node(channel: LiveNetwork) -> None:
    for node in channel.topology.orderers:
        status = participation.channel_status(channel.topology.admin_endpoint(node), CHANNEL)
        assert status is not None
        assert (status.relation, status.status) == ("consenter", "active")
    for node in channel.topology.peers:
        endpoint, signer = channel.topology.grpc_endpoint(node), channel.topology.signer(node.organization)
        assert peer_channels.list_channels(endpoint, signer) == [CHANNEL]


def test_second_run_changes_nothing(channel: LiveNetwork) -> None:
    sequence = _sequence(channel)
    plan = _plan(channel)
    assert not plan.changed
    assert plan.difference.diff() == {"before": {}, "after": {}}
    apply_channel(channel.topology, plan)
    assert _sequence(channel) == sequence


def test_equal_content_in_other_words_is_no_change(channel: LiveNetwork) -> None:
    definition = channel.definition
    plan = _plan(
        channel,
        batch_timeout="0.1s",
        batch_absolute_max_bytes=10 * 1024 * 1024,
        organizations=definition["organizations"][::-1],
        orderers=definition["orderers"][::-1],
        policies={"organizations": {"Org1": {"Writers": "OutOf(1, 'Org1MSP.client', 'Org1MSP.admin')"}}},
    )
    assert plan.difference.lines == []


def test_one_edit_is_one_change(channel: LiveNetwork) -> None:
    before = _sequence(channel)
    plan = _plan(channel, batch_timeout="250ms")
    assert plan.difference.lines == ["~ /Channel/Orderer/BatchTimeout: 100ms -> 250ms"]
    assert plan.difference.diff() == {
        "before": {"/Channel/Orderer/BatchTimeout": "100ms"},
        "after": {"/Channel/Orderer/BatchTimeout": "250ms"},
    }
    assert _sequence(channel) == before, "a plan changed the channel"
    apply_channel(channel.topology, plan)
    found = read_channel(channel.topology, CHANNEL)
    assert found["config"]["groups"]["Orderer"]["values"]["BatchTimeout"] == "250ms"
    assert found["sequence"] == before + 1
    assert {facts["height"] for facts in found["peers"].values()} == {found["config_block"] + 1}
    _reach(channel)


def test_many_edits_are_one_update(channel: LiveNetwork) -> None:
    """Values of the channel, the orderers, the application and one organisation; all admins sign."""
    before = _sequence(channel)
    plan = _reach(
        channel,
        batch_max_messages=20,
        raft={"snapshot_interval_size": "20 MB"},
        acls={"event/Block": "/Channel/Application/Writers"},
        policies={
            "channel": {"Auditors": "ANY Readers"},
            "application": {"Endorsement": "ANY Endorsement"},
            "organizations": {"Org2": {"Endorsement": "OR('Org2MSP.member')"}},
        },
    )
    assert len(plan.difference.lines) == 6
    assert _sequence(channel) == before + 1
    kept = _plan(channel)
    assert not any("ACLs" in line for line in kept.difference.lines), "the model is silent there"
    _reach(channel)


def test_lower_capability_is_refused(channel: LiveNetwork) -> None:
    with pytest.raises(FabricError, match="V2_5, the model asks for V2_0"):
        _plan(channel, capabilities={"application": "V2_0"})


def test_unsigned_update_is_refused_with_its_reason(channel: LiveNetwork) -> None:
    """Without the orderer admin's vote the update fails, and the error says whose key was missing."""
    plan = _plan(channel, batch_max_messages=77)
    topology = channel.topology
    real = topology.signer
    topology.signer = lambda organization, user="admin": (  # type: ignore[method-assign]
        real(organization, "client" if organization == "OrdererOrg" else user)
    )
    with pytest.raises(FabricError, match="updating the configuration of channel demo failed"):
        apply_channel(topology, plan, timeout=5)
    assert _plan(channel, batch_max_messages=77).changed


def test_info_tells_about_a_stopped_node(channel: LiveNetwork) -> None:
    channel.stop("orderer2.orderer.lab", "peer0.org2.lab")
    try:
        found = read_channel(channel.topology, CHANNEL, timeout=3)
        assert found["exists"]
        assert found["orderers"]["orderer0.orderer.lab"]["error"] == ""
        assert found["orderers"]["orderer2.orderer.lab"]["error"]
        assert found["peers"]["peer0.org2.lab"]["error"]
        definition = ChannelDefinition.from_option(CHANNEL, channel.definition)
        with pytest.raises(NotReadyError, match="orderer2"):
            plan_channel(channel.topology, definition, timeout=1)
    finally:
        channel.start("orderer2.orderer.lab", "peer0.org2.lab")
    _reach(channel)


def test_info_without_leader(channel: LiveNetwork) -> None:
    """With the quorum gone the configuration can still be read."""
    stopped = ("orderer1.orderer.lab", "orderer2.orderer.lab")
    channel.stop(*stopped)
    try:
        found = read_channel(channel.topology, CHANNEL, timeout=5)
        assert found["config"]["groups"]["Application"]["groups"].keys() == {"Org1", "Org2"}
    finally:
        channel.start(*stopped)
    nodes = [node for node in channel.topology.orderers if node.name in stopped]
    assert nodes
    _reach(channel)


def test_blocks_in_order(channel: LiveNetwork) -> None:
    for node, kind in (
        (channel.topology.orderers[0], deliver.ORDERER),
        (channel.topology.peers[0], deliver.PEER),
    ):
        endpoint, signer = channel.topology.grpc_endpoint(node), channel.topology.signer(node.organization)
        found = list(deliver.blocks(endpoint, signer, CHANNEL, 0, deliver.NEWEST, node=kind))
        assert [block.header.number for block in found] == list(range(len(found)))
        assert len(found) > 1
        newest = deliver.config_block(endpoint, signer, CHANNEL, node=kind)
        assert newest.header.number == found[-1].header.number
        with pytest.raises(deliver.ChannelNotFoundError):
            deliver.block(endpoint, signer, CHANNEL, len(found), kind)
        with pytest.raises(deliver.ChannelNotFoundError):
            deliver.block(endpoint, signer, "nowhere", node=kind)


def test_grow_by_a_peer_and_an_orderer(channel: LiveNetwork) -> None:
    channel.add_peer("peer1.org1.lab", "Org1")
    channel.add_orderer("orderer3.orderer.lab")
    channel.start()
    plan = _reach(channel)
    lines = plan.difference.lines
    assert "+ orderers/orderer3.orderer.lab: joined" in lines
    assert "+ peers/peer1.org1.lab: joined" in lines
    assert sum("ConsensusType/consenters" in line for line in lines) == 1
    found = read_channel(channel.topology, CHANNEL)
    assert found["orderers"]["orderer3.orderer.lab"]["relation"] == "consenter"
    assert len({facts["height"] for facts in found["orderers"].values()}) == 1


def test_a_missing_orderer_stays_until_removal_is_allowed(channel: LiveNetwork) -> None:
    orderers = [name for name in channel.definition["orderers"] if name != "orderer3.orderer.lab"]
    plan = _plan(channel, orderers=orderers)
    assert len(plan.kept) == 1
    assert not plan.changed
    plan = _reach(channel, allow_removal=True, orderers=orderers)
    assert "- orderers/orderer3.orderer.lab: joined" in plan.difference.lines
    node = channel.topology.node("orderer3.orderer.lab")
    assert participation.list_channels(channel.topology.admin_endpoint(node)) == []


def test_renewed_consenter_certificate(channel: LiveNetwork) -> None:
    """A TLS certificate with the same key is no change; with another key it replaces the consenter."""
    name = "orderer0.orderer.lab"
    organization = channel.organizations["OrdererOrg"]
    path = f"{organization.mount}/nodes/{name}"
    secret = dict(channel.store.secrets[path])
    orderers = channel.definition["orderers"][:3]
    renewed, _ = organization.tls_ca.issue(name, "orderer", tls=True, key=_key(secret["tls_key"]))
    assert renewed != secret["tls_cert"]
    channel.store.secrets[path] = {**secret, "tls_cert": renewed}
    assert _plan(channel, orderers=orderers).difference.lines == []
    other, _ = organization.tls_ca.issue(name, "orderer", tls=True)
    channel.store.secrets[path] = {**secret, "tls_cert": other}
    lines = _plan(channel, orderers=orderers).difference.lines
    assert len(lines) == 2
    assert all("ConsensusType/consenters" in line for line in lines)
    channel.store.secrets[path] = secret


def _key(pem: str) -> Any:
    from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import load_key

    return load_key(pem)
