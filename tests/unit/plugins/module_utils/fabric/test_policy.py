"""Endorsement policies, against what Fabric 2.5.9's own parser made of the same text.

``policy_golden.json`` maps text to the hex of the ``ApplicationPolicy``, or to ``error``. It comes from
``policy_golden.go``, with ``policydsl.FromString`` of the module pinned in ``images/pins/fabric-2.5.9``.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.policy import (
    application_policy,
    application_policy_text,
    can_be_met,
    canonical,
    parse,
    principals,
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


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("AND('Org1MSP.peer', 'Org2MSP.peer') or", "one gate"),
        ("AND('Org1MSP.peer' 'Org2MSP.peer')", "expected"),
        ("NOT('Org1MSP.peer')", "'NOT' is no gate"),
        ("AND('Org1MSP.king')", "a principal is"),
        ("OutOf(two, 'A.peer')", "number"),
        ("AND('Org1MSP.peer'", "the end"),
    ],
)
def test_errors_say_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(FabricError, match=reason):
        parse(text)


def test_references_to_the_channels_policies() -> None:
    reference = "/Channel/Application/Endorsement"
    assert application_policy(reference).channel_config_policy_reference == reference
    assert application_policy("") == application_policy(reference)
    assert application_policy_text(application_policy(reference)) == reference
    assert (
        canonical("") == canonical(f" {reference} ") != canonical("/Channel/Application/LifecycleEndorsement")
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("OR('A.peer', 'B.peer')", 'or("B.peer","A.peer")', True),
        ("AND('A.peer', 'B.peer')", "OutOf(2, 'B.peer', 'A.peer')", True),
        ("OR('A.peer')", "AND(OR('A.peer'))", True),
        ("AND('A.peer', OR('B.peer', 'C.peer'))", "AND(OR('C.peer', 'B.peer'), 'A.peer')", True),
        ("OR('A.peer', 'B.peer')", "AND('A.peer', 'B.peer')", False),
        ("OR('A.peer')", "OR('A.member')", False),
        ("OR('A.peer')", "OR('B.peer')", False),
        ("AND('A.peer', 'A.peer')", "AND('A.peer')", False),
        ("OR('A.peer')", "/Channel/Application/Endorsement", False),
    ],
)
def test_equality(one: str, other: str, same: bool) -> None:
    assert (canonical(one) == canonical(other)) is same


def test_principals_that_are_not_roles_are_refused() -> None:
    policy = signature_policy("OR('A.peer')")
    policy.identities[0].principal_classification = msp_principal_pb2.MSPPrincipal.IDENTITY
    with pytest.raises(FabricError, match="only roles"):
        application_policy_text(policy_pb2.ApplicationPolicy(signature_policy=policy))


def test_principals_come_in_order_once_a_mention() -> None:
    rule = parse("OR('B.peer', AND('A.admin', 'B.peer'), OutOf(1, 'C.member'))")
    assert [str(item) for item in principals(rule)] == ["'B.peer'", "'A.admin'", "'B.peer'", "'C.member'"]


@pytest.mark.parametrize(
    ("text", "peers", "met"),
    [
        ("OR('A.peer')", {"A": 1}, True),
        ("OR('A.peer')", {"A": 0}, False),
        ("OR('A.peer')", {"B": 3}, False),
        ("AND('A.peer', 'A.peer')", {"A": 1}, False),
        ("AND('A.peer', 'A.member')", {"A": 2}, True),
        ("AND('A.admin', 'A.peer')", {"A": 9}, False),
        ("OR('A.client', 'A.peer')", {"A": 1}, True),
        ("OutOf(2, 'A.peer', 'B.peer', 'C.peer')", {"A": 1, "C": 1}, True),
        ("OutOf(3, 'A.peer', 'B.peer', 'C.peer')", {"A": 1, "C": 1}, False),
        # What the one gate takes, the other one lacks.
        ("AND(OR('A.peer', 'B.peer'), 'A.peer')", {"A": 1, "B": 1}, True),
        ("AND(OR('A.peer'), OR('A.peer'))", {"A": 1}, False),
        ("AND(OutOf(2, 'A.peer', 'A.peer', 'B.peer'), 'A.peer')", {"A": 2, "B": 1}, True),
        ("AND(OutOf(2, 'A.peer', 'A.peer', 'B.peer'), 'A.peer')", {"A": 2, "B": 0}, False),
    ],
)
def test_whether_peers_are_enough(text: str, peers: dict[str, int], met: bool) -> None:
    assert can_be_met(parse(text), peers) is met


def test_a_wide_policy_is_judged_in_a_moment() -> None:
    names = [f"Org{number}MSP" for number in range(12)]
    pairs = [f"OutOf(2, '{name}.peer', '{name}.peer')" for name in names]
    text = f"OutOf(7, {', '.join(pairs)})"
    begun = time.process_time()
    assert can_be_met(parse(text), dict.fromkeys(names, 2))
    assert not can_be_met(parse(text), dict.fromkeys(names, 1))
    assert time.process_time() - begun < 1
