"""System chaincode calls: arguments and answers. Against real peers in tests/live/test_channel.py."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import peer_channels
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint
from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.peer import query_pb2

PEER = Endpoint("127.0.0.1:7051", "peer0", "")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked; the next answer stands in ``calls.answer``."""

    class Calls(list[Any]):
        answer = b""

    found = Calls()

    def query(endpoint: Endpoint, signer: Any, *rest: Any) -> bytes:
        found.append(rest)
        return found.answer

    monkeypatch.setattr(peer_channels, "query", query)
    return found


def test_list(calls: Any) -> None:
    channels = [query_pb2.ChannelInfo(channel_id=name) for name in ("a", "b")]
    calls.answer = query_pb2.ChannelQueryResponse(channels=channels).SerializeToString()
    assert peer_channels.list_channels(PEER, None, 3) == ["a", "b"]  # type: ignore[arg-type]
    assert calls == [("", "cscc", [b"GetChannels"], 3)]


def test_join(calls: Any) -> None:
    block = common_pb2.Block(header=common_pb2.BlockHeader(data_hash=b"x"))
    peer_channels.join(PEER, None, block, 5)  # type: ignore[arg-type]
    assert calls == [("", "cscc", [b"JoinChain", block.SerializeToString()], 5)]


def test_chain_info(calls: Any) -> None:
    info = ledger_pb2.BlockchainInfo(height=7, currentBlockHash=b"\x01", previousBlockHash=b"\xff")
    calls.answer = info.SerializeToString()
    found = peer_channels.chain_info(PEER, None, "demo", 3)  # type: ignore[arg-type]
    assert found == peer_channels.ChainInfo(7, "01", "ff")
    assert calls == [("demo", "qscc", [b"GetChainInfo", b"demo"], 3)]
