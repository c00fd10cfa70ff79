"""The language of endorsement policies: what is read, what is refused, what is the same, what can be met."""

from __future__ import annotations

import time

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.policy import (
    can_be_met,
    canonical,
    parse,
    principals,
)


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
