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
    return Health(f"o{number}", "orderer", "orderers", Status.HEALTHY, facts={"channels": {"main": known}})


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
