"""Which orderers can be stopped."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health, Status
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_quorum import (
    QuorumCheck,
    quorum_verdicts,
)


def orderer(number: int, size: int = 3, **changed: Any) -> Health:
    facts = {"status": "active", "relation": "consenter", "leader": "o1", "consenters": size, **changed}
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


def test_two_of_five_can() -> None:
    (verdict,) = quorum_verdicts([orderer(number, 5) for number in range(1, 6)], ["o2", "o3"])
    assert verdict.status is Status.HEALTHY


def test_stopping_what_takes_no_part_harms_nobody() -> None:
    assert quorum_verdicts([orderer(1), orderer(2), orderer(3, leader=None)], ["o3"]) == []


@pytest.mark.parametrize("size", [1, 2])
def test_a_channel_that_tolerates_nothing_is_not_judged(size: int) -> None:
    assert quorum_verdicts([orderer(number, size) for number in range(1, size + 1)], ["o1"]) == []


def test_peers_do_not_count_and_the_check_asks() -> None:
    peer = Health("p1", "peer", "org1", Status.HEALTHY, facts={"channels": {"main": {"height": 3}}})
    check = QuorumCheck(lambda: [orderer(1), orderer(2), peer], ["o2"])
    assert [verdict.status for verdict in check()] == [Status.UNHEALTHY]
