"""What a channel's members know together: height, leader, quorum."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import NoLeaderError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_probes import header_hash
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.health_samples import (
    dead_orderer,
    ledger,
    operations,
    orderer,
    orderers,
    peer,
    peers,
    view,
)
from fabric_protos.common import common_pb2


def test_a_healthy_channel() -> None:
    found = view()
    assert (found.height, found.leaders, found.leaderless) == (5, ("orderer0",), False)
    assert (found.defined, found.consenters, found.active, found.quorum) == (3, 3, 3, 2)
    assert found.forked == {}


@pytest.mark.parametrize(("size", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)])
def test_quorum(size: int, quorum: int) -> None:
    assert view({"orderer0": orderer("orderer0", leader=True, active=size, size=size)}).quorum == quorum


@pytest.mark.parametrize(("size", "quorum"), [(1, 1), (4, 3), (5, 4), (6, 4), (7, 5), (10, 7)])
def test_quorum_of_bft(size: int, quorum: int) -> None:
    """More than Raft needs: of seven it can lose two, not three."""
    text = (
        f'consensus_BFT_cluster_size{{channel="demo"}} {size}\nconsensus_BFT_is_leader{{channel="demo"}} 1\n'
    )
    found = view({"orderer0": orderer("orderer0", operations=operations(text))})
    assert (found.consensus, found.consenters, found.quorum) == ("BFT", size, quorum)


def test_a_leader_that_has_not_counted_yet() -> None:
    """It shows 0 for some seconds after its election; that is not a lost quorum."""
    assert view(orderers(orderer0=orderer("orderer0", leader=True, active=0))).active == 3


def test_a_follower_that_the_leader_does_not_hear() -> None:
    assert view(orderers(orderer0=orderer("orderer0", leader=True, active=2))).active == 2


def test_a_dead_orderer_is_not_active_whatever_the_leader_still_counts() -> None:
    assert view(orderers(orderer2=dead_orderer("orderer2"))).active == 2


def test_a_dead_leader_leads_no_more() -> None:
    """Followers believe in it until their election timeout."""
    found = view(orderers(orderer0=dead_orderer("orderer0")))
    assert (found.leaders, found.leaderless, found.active) == ((), True, 2)


def test_a_leader_may_be_where_nobody_asked() -> None:
    """An orderer without metrics, or one that the topology does not have, may lead."""
    silent = orderer("orderer0", operations=FabricError("401"))
    assert view(orderers(orderer0=silent)).leaderless is False
    assert (
        view(orderers(orderer0=orderer("orderer0", operations=operations(metrics=None)))).leaderless is False
    )
    others = orderers()
    del others["orderer0"]
    assert view(others).leaderless is False


def test_nobody_answers() -> None:
    found = view(
        {name: dead_orderer(name) for name in orderers()},
        {"peer0": peer("peer0", joined=FabricError("no"), ledgers={"demo": FabricError("no")})},
    )
    assert (found.height, found.active, found.consenters, found.quorum) == (0, 0, 3, 2)


def test_height_is_the_longest_copy() -> None:
    assert view(members=peers(peer1=peer("peer1", ledgers={"demo": ledger(7)}))).height == 7
    leaderless = orderer("orderer0", ledgers={"demo": NoLeaderError("it knows no leader")})
    assert view(orderers(orderer0=leaderless)).height == 5


# From Go: SHA-256 of encoding/asn1's asn1Header{number, 32 times 0xab (none for block 0), 32 times 0xcd}, the
# struct of protoutil/blockutils.go.
GOLDEN = [
    (0, "d0fe9b666ff84c85f3065ec85e3988eed4b876e8304a91422333edf7107e38d2"),
    (1, "78460413701be2e9faf0353f40b06eb118bd68aaa1190ca631ae04129d952487"),
    (127, "cc6edc1593ce04038cc300b068a093d92b15cbfc577b1f0f73d56b2889640b7f"),
    (128, "5f86b9fc4dc4a8f0e02b704cc59c6a55833da7e9fccddd9768d9fc3d1b9aa4c0"),
    (255, "31bd8f00cb3f8c537882f67bb9491ef752f14dd28e8aab0a0a04d482b62a70a4"),
    (256, "8244c2ee3ad50bb1cc4cc1b9d6bc79730ba91e823735c5bf930a110fb74db6cd"),
    (32768, "6bc418f16ca44ed4e6ec220249297c028d3ef69ac039cfb6708a1960e6204f88"),
    (1099511627776, "e55ea7a305585f433b23cda6f218e9233fb84c72517bac35bb0d17069eb062e8"),
]


@pytest.mark.parametrize(("number", "expected"), GOLDEN)
def test_header_hash(number: int, expected: str) -> None:
    header = common_pb2.BlockHeader(
        number=number, previous_hash=b"\xab" * 32 if number else b"", data_hash=b"\xcd" * 32
    )
    assert header_hash(header) == expected
