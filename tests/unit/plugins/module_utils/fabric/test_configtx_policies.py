"""Policies of the channel's configuration; their encoding is compared with configtxgen's in test_genesis."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_policies import (
    policy_from_text,
    policy_to_text,
    same_policy,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2


@pytest.mark.parametrize(
    "text",
    [
        "ANY Readers",
        "ALL Writers",
        "MAJORITY Admins",
        "OR('Org1MSP.admin')",
        "AND('Org1MSP.peer', OR('Org2MSP.peer', 'Org-3.MSP.orderer'))",
        "OutOf(2, 'A.member', 'B.client', AND('C.peer', 'D.admin'))",
    ],
)
def test_round_trip(text: str) -> None:
    assert policy_to_text(policy_from_text(text)) == text


@pytest.mark.parametrize(
    "text", ["", "SOME Readers", "MAJORITY", "OR()", "OR('Org1MSP.boss')", "OR('A.peer'"]
)
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(FabricError):
        policy_from_text(text)


def test_sameness_is_of_meaning() -> None:
    def same(one: str, other: str) -> bool:
        return same_policy(policy_from_text(one), policy_from_text(other))

    assert same("OR('A.peer', 'B.peer')", "OutOf(1, 'B.peer', 'A.peer')")
    assert same("ANY Readers", "ANY Readers")
    assert not same("OR('A.peer', 'B.peer')", "AND('A.peer', 'B.peer')")
    assert not same("ANY Readers", "ALL Readers")
    assert not same("ANY Readers", "OR('A.peer')")


def test_what_has_no_text_has_a_fingerprint() -> None:
    """Principals that are identities are Fabric's, not the model's; they must not stop a plan."""
    identity = msp_principal_pb2.MSPPrincipal(
        principal_classification=msp_principal_pb2.MSPPrincipal.IDENTITY, principal=b"x"
    )
    envelope = policies_pb2.SignaturePolicyEnvelope(
        rule=policies_pb2.SignaturePolicy(signed_by=0), identities=[identity]
    )
    policy = policies_pb2.Policy(type=policies_pb2.Policy.SIGNATURE, value=envelope.SerializeToString())
    assert policy_to_text(policy).startswith("type 1 sha256:")
    assert same_policy(policy, policy)
    assert not same_policy(policy, policy_from_text("OR('A.peer')"))
