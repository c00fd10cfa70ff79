"""The configuration in plain words."""

from __future__ import annotations

import json

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_describe import (
    certificate_text,
    describe_group,
    describe_value,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.channel_samples import (
    make_sample,
)


def test_the_sample_in_plain_words() -> None:
    sample = make_sample()
    root = describe_group(sample.group(acls={"event/Block": "Writers"}))
    json.dumps(root)
    assert root["values"] == {
        "BlockDataHashingStructure": 4294967295,
        "Capabilities": ["V2_0"],
        "HashingAlgorithm": "SHA256",
    }
    assert root["policies"]["Admins"] == "MAJORITY Admins"
    assert "mod_policies" not in root
    orderer = root["groups"]["Orderer"]["values"]
    assert orderer["BatchTimeout"] == "500ms"
    assert orderer["BatchSize"]["max_message_count"] == 500
    assert orderer["ChannelRestrictions"] == 0
    assert (orderer["ConsensusType"]["type"], orderer["ConsensusType"]["state"]) == (
        "etcdraft",
        "STATE_NORMAL",
    )
    assert [item["address"] for item in orderer["ConsensusType"]["consenters"]] == [
        f"orderer{index}.orderer.lab:7050" for index in range(3)
    ]
    application = root["groups"]["Application"]
    assert application["values"]["ACLs"] == {"event/Block": "Writers"}
    org1 = application["groups"]["Org1"]
    assert org1["values"]["AnchorPeers"] == ["peer0.org1.lab:7051"]
    assert org1["values"]["MSP"]["msp_id"] == "Org1MSP"
    assert org1["values"]["MSP"]["node_ous"] == {
        "client": "client", "peer": "peer", "admin": "admin", "orderer": "orderer",
    }  # fmt: skip
    assert org1["values"]["MSP"]["root_certs"][0].startswith("CN=ca.org1.lab until ")
    assert org1["policies"]["Endorsement"] == "OR('Org1MSP.peer')"


def test_other_mod_policies_are_shown() -> None:
    group = make_sample().group()
    group.mod_policy = "Writers"
    group.values["Capabilities"].mod_policy = "/Channel/Orderer/Admins"
    assert describe_group(group)["mod_policies"] == {"": "Writers", "Capabilities": "/Channel/Orderer/Admins"}


def test_what_is_unknown_has_a_fingerprint() -> None:
    assert describe_value("Unknown", b"x").startswith("sha256:")
    assert describe_value("BatchSize", b"\xff\xff").startswith("sha256:")
    assert certificate_text(b"nothing").startswith("sha256:")
