"""Which orderers can be stopped."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health, Status
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_channel import view_channel
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import ChannelMembers
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_quorum import (
    QuorumCheck,
    quorum_verdicts,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_rules import (
    Rules,
    judge_orderer,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.health_samples import (
    operations,
    view,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.health_samples import (
    orderer as member,
)


def orderer(number: int, size: int = 3, **changed: Any) -> Health:
    quorum = view({"orderer0": member("orderer0", leader=True, active=size, size=size)}).quorum
    facts = {
        **{"status": "active", "relation": "consenter", "leader": "o1"},
        **{"consensus": "Raft", "consenters": size, "quorum": quorum},
        **changed,
    }
    known = {key: value for key, value in facts.items() if value is not None}
    said = {"version": "v2.5.9", "channels": {"main": known}}
    return Health(f"o{number}", "orderer", "orderers", Status.HEALTHY, facts=said)


def test_one_of_three_can_be_stopped() -> None:
    (verdict,) = quorum_verdicts([orderer(1), orderer(2), orderer(3)], ["o3"])
    assert (verdict.subject, verdict.status) == ("channel main", Status.HEALTHY)


@pytest.mark.parametrize(
    "second",
    [orderer(2, leader=None), orderer(2, status="onboarding"), orderer(2, relation="follower"), None],
)
def test_not_while_another_does_not_take_part(second: Health | None) -> None:
    others = [orderer(1), *([second] if second else []), orderer(3)]
    (verdict,) = quorum_verdicts(others, ["o3"])
    assert verdict.status is Status.UNHEALTHY
    assert verdict.reasons == ("without o3 it would have 1 of 3 consenters (o1), no quorum (2)",)
    assert verdict.remedy == "bring back the orderers that do not run, then run again"


def test_two_of_three_cannot() -> None:
    (verdict,) = quorum_verdicts([orderer(1), orderer(2), orderer(3)], ["o2", "o3"])
    assert verdict.status is Status.UNHEALTHY


def judged(size: int, consensus: str, **changed: Any) -> list[Health]:
    """The verdicts of the health check on that many orderers of a channel, all of them well."""
    name = "BFT" if consensus == "BFT" else "etcdraft"
    text = "".join(
        f'consensus_{name}_{gauge}{{channel="demo"}} {value}\n'
        for gauge, value in {"cluster_size": size, "active_nodes": size, "is_leader": 0}.items()
    )
    leading = text.replace('is_leader{channel="demo"} 0', 'is_leader{channel="demo"} 1')
    names = [f"o{number}" for number in range(1, size + 1)]
    evidence = {name: member(name, operations=operations(text)) for name in names}
    evidence["o1"] = member("o1", operations=operations(leading))
    evidence |= {name: member(name, **changes) for name, changes in changed.items()}
    channel = ChannelMembers("demo", tuple(names), ())
    seen = view_channel(channel, evidence, {})
    return [judge_orderer(item, {"demo": seen}, Rules()) for item in evidence.values()]


@pytest.mark.parametrize(
    ("consensus", "size", "spare"),
    [("Raft", 3, 1), ("Raft", 4, 1), ("Raft", 5, 2), ("BFT", 4, 1), ("BFT", 5, 1), ("BFT", 7, 2)],
)
def test_as_many_can_be_stopped_as_the_consensus_spares(consensus: str, size: int, spare: int) -> None:
    results = judged(size, consensus)
    names = [f"o{number}" for number in range(1, size + 1)]
    assert [verdict.status for verdict in quorum_verdicts(results, names[-spare:])] == [Status.HEALTHY]
    (verdict,) = quorum_verdicts(results, names[-spare - 1 :])
    assert verdict.status is Status.UNHEALTHY
    assert verdict.reasons[0].endswith(f"no quorum ({size - spare})")


def test_a_bft_orderer_counts_that_has_not_said_who_leads() -> None:
    """After a change of the leader nobody says it until the next block; they need their quorum all the same."""
    silent = operations(
        'consensus_BFT_cluster_size{channel="demo"} 5\nconsensus_BFT_is_leader{channel="demo"} 0\n'
    )
    results = judged(5, "BFT", o1={"operations": silent})
    assert not any("leader" in result.facts["channels"]["demo"] for result in results)
    assert [verdict.status for verdict in quorum_verdicts(results, ["o2"])] == [Status.HEALTHY]
    assert [verdict.status for verdict in quorum_verdicts(results, ["o2", "o3"])] == [Status.UNHEALTHY]


def test_stopping_what_takes_no_part_harms_nobody() -> None:
    assert quorum_verdicts([orderer(1), orderer(2), orderer(3, leader=None)], ["o3"]) == []


@pytest.mark.parametrize("size", [1, 2])
def test_a_channel_that_tolerates_nothing_is_not_judged(size: int) -> None:
    assert quorum_verdicts([orderer(number, size) for number in range(1, size + 1)], ["o1"]) == []


def test_peers_do_not_count_and_the_check_asks() -> None:
    peer = Health("p1", "peer", "org1", Status.HEALTHY, facts={"channels": {"main": {"height": 3}}})
    check = QuorumCheck(lambda: [orderer(1), orderer(2), peer], ["o2"])
    assert [verdict.status for verdict in check()] == [Status.UNHEALTHY]


def test_not_while_the_leader_does_not_hear_another() -> None:
    """It answers us, knows a leader, and what it says does not arrive there."""
    deaf = [orderer(number, active=2) for number in (1, 2, 3)]
    (verdict,) = quorum_verdicts(deaf, ["o3"])
    assert verdict.reasons == (
        "without o3 it would have 1 of 3 consenters that the leader hears, no quorum (2)",
    )


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def electing(number: int) -> Health:
    return orderer(number, leader=None)


def test_an_election_is_waited_for() -> None:
    """In the middle of it nobody counts, and a moment later the last two that are left do."""
    answers = [
        [electing(2), electing(3)],
        [orderer(2, active=2), orderer(3, active=2)],
        [electing(2), electing(3)],
    ]
    clock = Clock()
    check = QuorumCheck(lambda: answers.pop(0), ["o3"], settle_s=15, now=clock)
    (during,) = check()
    assert (during.subject, during.status) == ("channel main", Status.UNHEALTHY)
    assert during.reasons == ("o3 answers, and takes no part in its consensus",)
    clock.at = 14
    (after,) = check()
    assert after.reasons == ("without o3 it would have 1 of 3 consenters (o2), no quorum (2)",)
    # Time begins anew.
    clock.at = 16
    assert [verdict.reasons for verdict in check()] == [during.reasons]


def test_who_takes_no_part_for_long_can_be_stopped() -> None:
    """All of them run and none leads, say with certificates that are over: a restart may be what helps."""
    clock = Clock()
    check = QuorumCheck(lambda: [electing(1), electing(2), electing(3)], ["o3"], settle_s=15, now=clock)
    assert [verdict.healthy for verdict in check()] == [False]
    clock.at = 14.9
    assert [verdict.healthy for verdict in check()] == [False]
    clock.at = 15
    assert check() == []


def test_who_is_down_can_be_stopped_at_once() -> None:
    down = Health("o3", "orderer", "orderers", Status.UNHEALTHY, facts={})
    assert QuorumCheck(lambda: [orderer(1), orderer(2), down], ["o3"])() == []


def test_one_of_two_is_not_waited_for() -> None:
    """There is no better moment."""
    assert QuorumCheck(lambda: [orderer(1, 2), orderer(2, 2, leader=None)], ["o2"])() == []


def test_an_election_in_one_channel_is_waited_for_while_another_has_its_leader() -> None:
    def both(number: int) -> Health:
        well, torn = (item.facts["channels"]["main"] for item in (orderer(number), electing(number)))
        facts = {"version": "v2.5.9", "channels": {"main": well, "other": torn}}
        return Health(f"o{number}", "orderer", "orderers", Status.HEALTHY, facts=facts)

    verdicts = QuorumCheck(lambda: [both(1), both(2), both(3)], ["o3"])()
    assert [(verdict.subject, verdict.healthy) for verdict in verdicts] == [
        ("channel main", True),
        ("channel other", False),
    ]


@pytest.mark.parametrize(
    "channels", [{"main": orderer(3, relation="follower").facts["channels"]["main"]}, {}]
)
def test_who_is_no_consenter_is_not_waited_for(channels: dict[str, Any]) -> None:
    third = Health(
        "o3", "orderer", "orderers", Status.HEALTHY, facts={"version": "v2.5.9", "channels": channels}
    )
    assert QuorumCheck(lambda: [orderer(1), orderer(2), third], ["o3"])() == []
