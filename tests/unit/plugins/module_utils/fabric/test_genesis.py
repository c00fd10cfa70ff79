"""The genesis block, compared with configtxgen's."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx import channel_group
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.genesis import genesis_block
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.channel_samples import (
    CHANNEL,
    Sample,
    configtxgen,
    decode,
    make_sample,
)
from fabric_protos.common import common_pb2

OPTIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "tuned": {
        "batch_timeout": "1500ms",
        "batch_max_messages": 10,
        "batch_absolute_max_bytes": "99 MB",
        "batch_preferred_max_bytes": "512 KB",
        "raft": {"tick_interval": "100ms", "election_tick": 20, "snapshot_interval_size": "20 MB"},
    },
    "older capabilities": {"capabilities": {"channel": "V1_4_3", "orderer": "V1_4_2", "application": "V2_0"}},
    "access control": {"acls": {"event/Block": "/Channel/Application/Writers"}},
    "policies": {
        "policies": {
            "channel": {"Readers": "ALL Readers", "Extra": "ANY Writers"},
            "orderer": {"BlockValidation": "MAJORITY Writers"},
            "application": {
                "Endorsement": "AND('Org1MSP.peer', OR('Org2MSP.peer', 'Org2MSP.admin'))",
                "LifecycleEndorsement": "OutOf(2, 'Org1MSP.peer', AND('Org2MSP.peer', 'Org1MSP.orderer'), "
                "OR('Org1MSP.member','Org2MSP.client'))",
            },
            "organizations": {"Org1": {"Endorsement": "OR('Org1MSP.member')"}},
        }
    },
}


@pytest.fixture(scope="module")
def sample() -> Sample:
    return make_sample()


def _without_chance(block: dict[str, Any]) -> dict[str, Any]:
    """Remove what differs between any two runs, after checking its form."""
    header = block["data"]["data"][0]["payload"]["header"]
    assert len(header["channel_header"].pop("tx_id")) == 64
    assert header["channel_header"].pop("timestamp").endswith("Z")
    assert header["signature_header"].pop("nonce")
    assert block["header"].pop("data_hash")
    return block


@pytest.mark.parametrize("name", OPTIONS)
def test_equals_configtxgen(name: str, sample: Sample, tmp_path: Path) -> None:
    definition = ChannelDefinition.from_option(CHANNEL, {**sample.option, **OPTIONS[name]})
    ours = genesis_block(CHANNEL, channel_group(definition, sample.members))
    theirs = configtxgen(sample, definition, tmp_path)
    assert _without_chance(decode(ours, "common.Block")) == _without_chance(decode(theirs, "common.Block"))


def test_headers_are_consistent(sample: Sample) -> None:
    block = genesis_block(CHANNEL, sample.group())
    assert block.header.data_hash == hashlib.sha256(block.data.data[0]).digest()
    assert block.header.previous_hash == b""
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(block.data.data[0]).payload)
    channel_header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    signature_header = common_pb2.SignatureHeader.FromString(payload.header.signature_header)
    assert channel_header.tx_id == hashlib.sha256(signature_header.nonce).hexdigest()
    assert signature_header.creator == b""


def test_two_blocks_differ(sample: Sample) -> None:
    first, second = (genesis_block(CHANNEL, sample.group()) for _unused in range(2))
    assert first.header.data_hash != second.header.data_hash


def test_no_global_orderer_addresses(sample: Sample) -> None:
    group = sample.group()
    assert "OrdererAddresses" not in group.values
    assert group.groups["Orderer"].groups["OrdererOrg"].values["Endpoints"].value
