"""Who has other blocks than the others, near by and far apart."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import health_probes as probes
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    ChannelMembers,
    Ledger,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_forks import (
    Fork,
    Question,
    find_forks,
    questions,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import NetworkCheck
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.health_samples import (
    block_hash,
    ledger,
    node,
)

Copies = dict[str, Ledger]


def numbers(copies: Copies, orderers: Collection[str] = ()) -> dict[str, int]:
    """The block at which each one has forked, after asking as is told."""
    return {name: fork.number for name, fork in forks(copies, orderers).items()}


def forks(
    copies: Copies, orderers: Collection[str] = (), sides: dict[str, str] | None = None
) -> dict[str, Fork]:
    """``sides``: whose earlier blocks are those of another side, beside those that their copies tell."""
    asked = questions(copies, set(orderers))
    found = [
        (question, ledger(question.number + 1, (sides or {}).get(question.member, ""))) for question in asked
    ]
    return find_forks(copies, set(orderers), found)


def test_copies_that_are_behind_have_not_forked() -> None:
    assert numbers({"a": ledger(5), "b": ledger(4), "c": ledger(1)}, {"a"}) == {}


def test_a_fork_at_the_same_height() -> None:
    copies = {"orderer0": ledger(5), "peer0": ledger(5), "peer1": ledger(5, "x")}
    assert forks(copies, {"orderer0"}) == {"peer1": Fork(3, block_hash(3, "x"), (block_hash(3),))}


def test_a_fork_one_block_apart() -> None:
    assert numbers({"orderer0": ledger(6), "peer0": ledger(5, "x")}, {"orderer0"}) == {"peer0": 4}
    assert numbers({"orderer0": ledger(5), "peer0": ledger(6, "x")}, {"orderer0"}) == {"peer0": 4}


def test_orderers_outvote_peers() -> None:
    copies = {"orderer0": ledger(5), "peer0": ledger(5, "x"), "peer1": ledger(5, "x")}
    assert numbers(copies, {"orderer0"}) == {"peer0": 3, "peer1": 3}


def test_on_a_tie_nobody_is_right() -> None:
    found = forks({"peer0": ledger(5), "peer1": ledger(5, "x")})
    assert {name: fork.number for name, fork in found.items()} == {"peer0": 3, "peer1": 3}
    assert found["peer0"].others == (found["peer1"].hash,)


def test_another_genesis_block() -> None:
    assert numbers({"orderer0": ledger(1), "peer0": ledger(1, "x")}, {"orderer0"}) == {"peer0": 0}


# --- far apart ---


def test_a_fork_that_the_others_have_left_behind() -> None:
    """The peer took its own block 4, and no other one after it."""
    stopped = Ledger(5, block_hash(4, "x"), block_hash(3))
    for height in (6, 7, 8, 500):
        copies = {"orderer0": ledger(height), "orderer1": ledger(height - 1), "peer0": ledger(height)}
        assert numbers({**copies, "peer1": stopped}, {"orderer0", "orderer1"}) == {"peer1": 4}


def test_a_fork_that_is_further_than_the_others() -> None:
    copies = {"orderer0": ledger(5), "orderer1": ledger(4), "peer0": ledger(40, "x")}
    assert forks(copies, {"orderer0", "orderer1"}, {"peer0": "x"}).keys() == {"peer0"}


def test_another_genesis_block_that_was_left_behind() -> None:
    assert numbers({"orderer0": ledger(50), "peer0": ledger(1, "x")}, {"orderer0"}) == {"peer0": 0}


def test_who_agrees_speaks_with_one_voice() -> None:
    """One peer is asked, and two are of its opinion: the third is wrong, not all."""
    copies = {"peer0": ledger(50), "peer1": ledger(51), "peer2": ledger(5, "x")}
    assert numbers(copies) == {"peer2": 3}


def test_only_what_cannot_be_seen_is_asked() -> None:
    together = {"orderer0": ledger(9), "orderer1": ledger(8), "peer0": ledger(7), "peer1": ledger(6)}
    assert questions(together, {"orderer0", "orderer1"}) == []
    assert questions({"peer0": ledger(1)}, set()) == questions({}, set()) == []


def test_one_question_a_height() -> None:
    members = {f"peer{number}": ledger(5 + number % 2) for number in range(6)}
    asked = questions({**members, "peer9": ledger(30), "orderer0": ledger(30)}, {"orderer0"})
    everybody_there = frozenset({"peer9", "orderer0"})
    assert asked == [Question(4, "orderer0", everybody_there), Question(5, "orderer0", everybody_there)]


def test_the_most_are_asked_and_a_whole_copy_first() -> None:
    damaged = Ledger(30, block_hash(29), block_hash(28), "is damaged")
    copies = {"peer0": ledger(5), "peer1": damaged, "peer2": ledger(30), "peer3": ledger(30, "x")}
    (asked,) = [question for question in questions(copies, set()) if question.number == 4]
    assert (asked.member, asked.speaks_for) == ("peer2", {"peer1", "peer2"})


def test_one_in_the_middle_is_compared_with_both() -> None:
    copies = {"peer0": ledger(5, "x"), "peer1": ledger(20), "orderer0": ledger(40)}
    assert [question.number for question in questions(copies, {"orderer0"})] == [4, 19]
    assert numbers(copies, {"orderer0"}) == {"peer0": 3}


def test_without_an_answer_nothing_is_said() -> None:
    copies = {"orderer0": ledger(50), "peer0": ledger(5, "x")}
    assert find_forks(copies, {"orderer0"}) == {}


# --- the check asks ---


class Nothing:
    def read(self, path: str) -> dict[str, str]:
        return {}


Asked = list[tuple[str, int]]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Callable[[Copies], tuple[dict[str, int], Asked]]:
    """Judge an orderer and two peers that have these ledgers; who was asked for which block."""
    option = {"organizations": [{"name": "Org", "msp_id": "OrgMSP", "mount": "org", "role": "peer"}]}
    network = Topology.from_option({**option, "orderers": [], "peers": []}, Nothing())
    network.orderers, network.peers = [node("orderer0")], [node("peer0"), node("peer1")]
    asked: Asked = []

    def refuse(*_unused: object) -> None:
        raise FabricError("not asked here")

    for name in ("node_operations", "orderer_admin", "orderer_status", "peer_state"):
        monkeypatch.setattr(probes, name, refuse)
    monkeypatch.setattr(probes, "orderer_serving", lambda *_unused: None)
    monkeypatch.setattr(probes, "peer_joined", lambda *_unused: ["demo"])

    def judge(copies: Copies) -> tuple[dict[str, int], Asked]:
        def of(_topology: object, member: object, *_unused: object) -> Ledger:
            return copies[member.name]  # type: ignore[attr-defined]

        def block(_topology: object, member: object, _channel: str, number: int, _timeout: float) -> Ledger:
            name = member.name  # type: ignore[attr-defined]
            asked.append((name, number))
            if number == 0:
                raise NotReadyError("no answer")
            return ledger(number + 1)

        for kind in ("orderer", "peer"):
            monkeypatch.setattr(probes, f"{kind}_ledger", of)
            monkeypatch.setattr(probes, f"{kind}_block", block)
        results = NetworkCheck(network, [ChannelMembers("demo", ("orderer0",), ("peer0", "peer1"))])()
        channels = {result.subject: result.facts["channels"]["demo"] for result in results}
        return {name: facts["fork"] for name, facts in channels.items() if "fork" in facts}, asked

    return judge


def test_the_check_asks_for_a_block_and_judges(
    check: Callable[[Copies], tuple[dict[str, int], Asked]],
) -> None:
    copies = {"orderer0": ledger(9), "peer0": ledger(9), "peer1": ledger(5, "x")}
    assert check(copies) == ({"peer1": 3}, [("orderer0", 4)])


def test_the_check_asks_nobody_while_all_are_near(
    check: Callable[[Copies], tuple[dict[str, int], Asked]],
) -> None:
    assert check({"orderer0": ledger(9), "peer0": ledger(8), "peer1": ledger(7)}) == ({}, [])


def test_a_block_that_is_not_told_is_no_fork(check: Callable[[Copies], tuple[dict[str, int], Asked]]) -> None:
    copies = {"orderer0": ledger(9), "peer0": ledger(9), "peer1": ledger(1, "x")}
    assert check(copies) == ({}, [("orderer0", 0)])
