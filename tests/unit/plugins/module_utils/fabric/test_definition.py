"""Chaincode definitions: what an operator asks for, what Fabric stores, and their equality."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.definition import Definition
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from fabric_protos.peer.lifecycle import lifecycle_pb2

POLICY = "AND('Org1MSP.peer', 'Org2MSP.peer')"
COLLECTION = {
    "name": "prices",
    "policy": "OR('Org1MSP.member', 'Org2MSP.member')",
    "requiredPeerCount": 1,
    "maxPeerCount": 3,
    "blockToLive": 10,
    "memberOnlyRead": True,
    "endorsementPolicy": {"signaturePolicy": "OR('Org1MSP.peer')"},
}


def stored(definition: Definition) -> Definition:
    """The definition as it comes back from a channel."""
    message = lifecycle_pb2.QueryApprovedChaincodeDefinitionResult()
    for name, value in definition.fields().items():
        if name == "collections" and value is not None:
            message.collections.CopyFrom(value)
        elif name != "name" and value is not None:
            setattr(message, name, value)
    return Definition.from_message(message, definition.name)


def test_comes_back_from_the_channel_as_it_went_in() -> None:
    definition = Definition.desired("assets", "1.0", POLICY, True, [COLLECTION]).at(3)
    back = stored(definition)
    assert back.as_dict() == definition.as_dict()
    assert back.same_parameters(definition)
    assert back.fields() == definition.fields()
    assert back.as_dict()["collections"][0] == {**COLLECTION, "memberOnlyWrite": False}


def test_defaults_are_fabrics() -> None:
    definition = Definition.desired(
        "assets", "1.0", "", collections=[{"name": "c", "policy": "OR('A.member')"}]
    )
    assert definition.endorsement_policy == "/Channel/Application/Endorsement"
    collection = definition.fields()["collections"].config[0].static_collection_config
    assert (collection.required_peer_count, collection.maximum_peer_count) == (0, 1)
    assert not collection.HasField("endorsement_policy")
    assert Definition.desired("assets", "1.0").fields()["collections"] is None


def test_spelling_makes_no_difference_and_the_stored_bytes_are_kept() -> None:
    """Approvals at a committed sequence must repeat the committed bytes, whoever wrote them."""
    theirs = stored(Definition.desired("assets", "1.0", "and('Org2MSP.peer', 'Org1MSP.peer')").at(1))
    ours = Definition.desired("assets", "1.0", POLICY).at(1)
    assert theirs.same_parameters(ours)
    assert theirs.fields()["validation_parameter"] != ours.fields()["validation_parameter"]
    assert theirs.at(2).fields()["validation_parameter"] == theirs.fields()["validation_parameter"]


@pytest.mark.parametrize(
    "other",
    [
        {"version": "1.1"},
        {"endorsement_policy": "OR('Org1MSP.peer')"},
        {"init_required": True},
        {"collections": []},
        {"collections": [{**COLLECTION, "blockToLive": 11}]},
        {"collections": [{**COLLECTION, "policy": "OR('Org1MSP.member')"}]},
        {"collections": [{**COLLECTION, "endorsementPolicy": {}}]},
        {"collections": [COLLECTION, {**COLLECTION, "name": "other"}]},
    ],
)
def test_every_parameter_counts(other: dict[str, Any]) -> None:
    options: dict[str, Any] = {"name": "assets", "version": "1.0", "endorsement_policy": POLICY}
    options["collections"] = [COLLECTION]
    one = stored(Definition.desired(**options).at(1))
    assert one.same_parameters(Definition.desired(**options))
    assert not one.same_parameters(Definition.desired(**{**options, **other}))


def test_the_order_of_collections_makes_no_difference() -> None:
    pair = [COLLECTION, {**COLLECTION, "name": "other"}]
    one, other = (Definition.desired("assets", "1.0", POLICY, False, items) for items in (pair, pair[::-1]))
    assert one.same_parameters(other)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(FabricError) as caught:
        Definition.desired(
            "as set",
            "1 0",
            "AND()",
            collections=[
                {"policy": "OR('A.member')"},
                {"name": "c", "policy": "A", "maxPeers": 1},
                {"name": "d", "policy": "OR('A.member')", "requiredPeerCount": 2},
                {"name": "e", "policy": "OR('A.king')"},
            ],
        )
    for part in ("as set", "1 0", "AND()", "no name", "maxPeers", "requiredPeerCount", "A.king"):
        assert part in caught.value.what


def test_other_plugins_are_not_ours_to_manage() -> None:
    message = lifecycle_pb2.QueryChaincodeDefinitionResult(
        endorsement_plugin="custom", validation_plugin="vscc"
    )
    with pytest.raises(FabricError, match="custom"):
        Definition.from_message(message, "assets")
