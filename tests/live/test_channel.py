"""A channel on a live network: created, left alone, changed, read, grown and shrunk."""

from __future__ import annotations

import os
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
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel_state import (
    ChannelNodes,
    read_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.genesis import genesis_block
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import load_key
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.waiting import Deadline
from ansible_collections.selvedge.fabric.tests.live.network import LiveNetwork, running

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
    """With the quorum gone, and the last orderer aware of it, the configuration can still be read."""
    stopped = ("orderer1.orderer.lab", "orderer2.orderer.lab")
    left, signer = channel.topology.orderers[0], channel.topology.signer("OrdererOrg")
    endpoint = channel.topology.grpc_endpoint(left)
    channel.stop(*stopped)
    try:
        deadline = time.monotonic() + 30
        with pytest.raises(NotReadyError, match="SERVICE_UNAVAILABLE"):
            while time.monotonic() < deadline:
                deliver.config_block(endpoint, signer, CHANNEL)
                time.sleep(0.2)
        found = read_channel(channel.topology, CHANNEL, timeout=5)
        assert found["config"]["groups"]["Application"]["groups"].keys() == {"Org1", "Org2"}
    finally:
        channel.start(*stopped)
    _reach(channel, batch_max_messages=33)
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


def _secret(channel: LiveNetwork, name: str) -> dict[str, str]:
    return channel.store.secrets[f"{channel.organizations['OrdererOrg'].mount}/nodes/{name}"]


def test_a_certificate_renewed_with_its_key_is_no_change(channel: LiveNetwork) -> None:
    name = channel.definition["orderers"][0]
    secret, authority = _secret(channel, name), channel.organizations["OrdererOrg"].tls_ca
    renewed, _unused = authority.issue(name, "orderer", tls=True, key=load_key(secret["tls_key"]))
    assert renewed != secret["tls_cert"]
    before = dict(secret)
    secret["tls_cert"] = renewed
    try:
        assert _plan(channel, orderers=channel.definition["orderers"][:3]).difference.lines == []
    finally:
        secret.update(before)


def test_orderers_get_new_keys_one_at_a_time(channel: LiveNetwork) -> None:
    orderers = channel.definition["orderers"][:3]
    authority = channel.organizations["OrdererOrg"].tls_ca
    for name in orderers[:2]:
        cert, key = authority.issue(name, "orderer", tls=True)
        _secret(channel, name).update(tls_cert=cert, tls_key=key)
    with pytest.raises(FabricError, match="rotate one orderer at a time"):
        _plan(channel, orderers=orderers)
    second = dict(_secret(channel, orderers[1]))
    _secret(channel, orderers[1]).update(_installed(channel, orderers[1]))
    for name in orderers[:2]:
        if name == orderers[1]:
            _secret(channel, name).update(second)
        plan = _reach(channel, orderers=orderers)
        assert plan.restart_orderers == (name,)
        channel.install(name)
        channel.stop(name)
        channel.start(name)
        _healthy(channel, orderers)
    _reach(channel, orderers=orderers, batch_max_messages=44)
    _reach(channel, orderers=orderers)


def _installed(channel: LiveNetwork, name: str) -> dict[str, str]:
    folder = channel.root / name / "tls"
    return {"tls_cert": (folder / "server.crt").read_text(), "tls_key": (folder / "server.key").read_text()}


def _healthy(channel: LiveNetwork, orderers: list[str]) -> None:
    ChannelNodes(channel.topology, CHANNEL, Deadline(30)).wait_for_orderers(orderers, consenter=True)


def test_an_organization_comes_and_goes(channel: LiveNetwork) -> None:
    orderers = channel.definition["orderers"][:3]
    channel.add_organization("Org3")
    channel.add_peer("peer0.org3.lab", "Org3", anchor=True)
    channel.start("peer0.org3.lab")
    plan = _reach(channel, orderers=orderers)
    assert plan.difference.lines == ["+ /Channel/Application/Org3", "+ peers/peer0.org3.lab: joined"]
    found = read_channel(channel.topology, CHANNEL)
    assert found["peers"]["peer0.org3.lab"]["height"] == found["peers"]["peer0.org1.lab"]["height"]
    fewer = {"orderers": orderers, "organizations": ["Org1", "Org2"], "peers": ["peer0.org1.lab"]}
    assert _plan(channel, **fewer).kept == ("Application/Org3",)
    plan = _reach(channel, allow_removal=True, **fewer)
    assert plan.difference.lines == ["- /Channel/Application/Org3"]


def test_a_killed_creation_goes_on(channel: LiveNetwork) -> None:
    """One orderer has joined, then the controller died: the next run takes that orderer's genesis block."""
    option = {**channel.definition, "orderers": channel.definition["orderers"][:3]}
    definition = ChannelDefinition.from_option("second", option)
    plan = plan_channel(channel.topology, definition)
    first = channel.topology.node(plan.join_orderers[0])
    participation.join(channel.topology.admin_endpoint(first), genesis_block("second", plan.targets[0]))
    plan = plan_channel(channel.topology, definition)
    assert not plan.creates
    assert len(plan.join_orderers) == 2
    apply_channel(channel.topology, plan)
    assert not plan_channel(channel.topology, definition).changed


def test_three_orderers_and_four_peers_within_three_seconds(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running(tmp_path_factory.mktemp("large"), peers={"Org1": 2, "Org2": 2}) as large:
        begin = time.monotonic()
        apply_channel(large.topology, _plan(large))
        elapsed = time.monotonic() - begin
        print(f"3 orderers and 4 peers: {elapsed:.2f} s")
        assert not _plan(large).changed
        assert elapsed < 3 * float(os.environ.get("SELVEDGE_TIME_FACTOR", "1"))
