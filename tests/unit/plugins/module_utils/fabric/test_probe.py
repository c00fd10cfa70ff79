"""What a commit probe concludes."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.probe import (
    PeerReport,
    block_hash,
    problems,
)
from fabric_protos.common import common_pb2

GOOD = PeerReport("peer0", 7, "aa" * 32, "VALID", 8, 0.1)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "48ee5465372625f0dd4423b11bea48e2046bc641e87cb725acd138f74de45c12"),
        (1, "8958d309221dff9175606e70d8b0f60d44326787f5375730953d3e4c7277894b"),
        (127, "d65f891abeeabe724b6892bf38cb1330454555f523b3eb88f5c7041030627fd0"),
        (128, "c0ffbca2c19ee62fc3e76d183167f01a4de3f8f27c83daf84ee54d30774edb24"),
        (255, "6fc88abcc8d8c94bc858fe3bfcfd4b28d386bbde13e32c708519c73e1474759e"),
        (256, "cdcf8809a5d3f84e69aef97d9b5bb933c8671741f4e71631d6d87e3d5127bcd3"),
        (65536, "b6004ef9c317fe95d09630e864184d8c535b67ef32adcec57efd8bb74af41b1a"),
        (18446744073709551615, "04ef0f8d995f7f46582885653b0c2a342bda707322a5e29aed1a267dea42711d"),
    ],
)
def test_block_hashes_are_fabrics(number: int, expected: str) -> None:
    """Expected: ``protoutil.BlockHeaderHash`` of Fabric 2.5.9 for these numbers and constant hashes."""
    header = common_pb2.BlockHeader(number=number, previous_hash=b"\x01" * 32, data_hash=b"\x02" * 32)
    assert block_hash(header) == expected


def test_peers_that_agree_have_no_problem() -> None:
    assert problems([GOOD, PeerReport("peer1", 7, GOOD.block_hash, "VALID", 9, 0.2)]) == []


def test_a_fork_is_told() -> None:
    found = problems([GOOD, PeerReport("peer1", 7, "bb" * 32, "VALID", 8, 0.1)])
    assert (
        len(found) == 1 and "forked" in found[0] and "peer0 7 aaaa" in found[0] and "peer1 7 bbbb" in found[0]
    )


def test_absent_and_invalid_transactions_are_told() -> None:
    lagging = PeerReport("peer1", error="not reachable")
    invalid = PeerReport("peer2", 7, GOOD.block_hash, "MVCC_READ_CONFLICT", 8, 0.1)
    found = problems([GOOD, lagging, invalid])
    assert len(found) == 2
    assert "peer1 does not have the transaction: not reachable" in found[0]
    assert "peer2" in found[1] and "MVCC_READ_CONFLICT" in found[1]
