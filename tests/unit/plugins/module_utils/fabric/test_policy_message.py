"""Endorsement policies as messages, against what Fabric 2.5.9's own parser made of the same text.

``policy_golden.json`` maps text to the hex of the ``ApplicationPolicy``, or to ``error``. It comes from
``policy_golden.go``, with ``policydsl.FromString`` of the module pinned in ``images/pins/fabric-2.5.9``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.policy import canonical, parse
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.policy_message import (
    application_policy,
    application_policy_text,
    signature_policy,
)
from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import policy_pb2

GOLDEN: dict[str, str] = json.loads((Path(__file__).parent / "policy_golden.json").read_text())
# Fabric takes these; this client does not, see ``parse``.
STRICTER = {"OutOf(0, 'A.peer')", "OutOf(3, 'A.peer', 'B.peer')"}


@pytest.mark.parametrize("text", [text for text in GOLDEN if text and text not in STRICTER])
def test_encodes_what_fabric_encodes_and_refuses_what_fabric_refuses(text: str) -> None:
    if GOLDEN[text] == "error":
        with pytest.raises(FabricError):
            application_policy(text)
    else:
        assert application_policy(text).SerializeToString().hex() == GOLDEN[text]


@pytest.mark.parametrize("text", sorted(STRICTER))
def test_refuses_gates_that_decide_nothing(text: str) -> None:
    with pytest.raises(FabricError, match="can never decide"):
        parse(text)


@pytest.mark.parametrize("text", [text for text, found in GOLDEN.items() if found != "error"])
def test_reads_back_what_fabric_stored(text: str) -> None:
    stored = policy_pb2.ApplicationPolicy.FromString(bytes.fromhex(GOLDEN[text]))
    if text in STRICTER:
        assert "OutOf" in application_policy_text(stored)
    else:
        assert canonical(application_policy_text(stored)) == canonical(text)


def test_references_to_the_channels_policies() -> None:
    reference = "/Channel/Application/Endorsement"
    assert application_policy(reference).channel_config_policy_reference == reference
    assert application_policy("") == application_policy(reference)
    assert application_policy_text(application_policy(reference)) == reference
    assert (
        canonical("") == canonical(f" {reference} ") != canonical("/Channel/Application/LifecycleEndorsement")
    )


def test_principals_that_are_not_roles_are_refused() -> None:
    policy = signature_policy("OR('A.peer')")
    policy.identities[0].principal_classification = msp_principal_pb2.MSPPrincipal.IDENTITY
    with pytest.raises(FabricError, match="only roles"):
        application_policy_text(policy_pb2.ApplicationPolicy(signature_policy=policy))
