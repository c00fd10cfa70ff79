"""Reading blocks: what needs no network. The services themselves: tests/live/test_channel.py."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import deliver
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.genesis import genesis_block
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint
from ansible_collections.selvedge.fabric.tests.live.pki import Authority
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.channel_samples import (
    make_sample,
)
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2, ab_pb2_grpc


def _block(number: int, last_config: int) -> common_pb2.Block:
    metadata = common_pb2.OrdererBlockMetadata(last_config=common_pb2.LastConfig(index=last_config))
    signatures = common_pb2.Metadata(value=metadata.SerializeToString()).SerializeToString()
    return common_pb2.Block(
        header=common_pb2.BlockHeader(number=number),
        metadata=common_pb2.BlockMetadata(metadata=[signatures, b"", b"", b"", b""]),
    )


def test_last_config_index() -> None:
    assert deliver.last_config_index(_block(9, 7)) == 7
    assert deliver.last_config_index(genesis_block("demo", make_sample().group())) == 0


def test_config_of() -> None:
    group = make_sample().group()
    assert deliver.config_of(genesis_block("demo", group)).channel_group == group


def test_a_block_of_transactions_holds_no_configuration() -> None:
    header = common_pb2.ChannelHeader(type=common_pb2.ENDORSER_TRANSACTION, channel_id="demo")
    payload = common_pb2.Payload(header=common_pb2.Header(channel_header=header.SerializeToString()))
    block = _block(3, 0)
    block.data.data.append(common_pb2.Envelope(payload=payload.SerializeToString()).SerializeToString())
    with pytest.raises(FabricError, match="block 3 holds no configuration"):
        deliver.config_of(block)


def test_an_unreachable_node() -> None:
    authority = Authority("ca")
    signer = Signer("Org1MSP", *authority.issue("admin", "admin"))
    endpoint = Endpoint("127.0.0.1:1", "orderer0", authority.cert)
    with pytest.raises(NotReadyError, match="reading blocks of channel demo"):
        deliver.block(endpoint, signer, "demo", timeout=1)
    with pytest.raises(NotReadyError, match="updating"):
        deliver.broadcast(endpoint, common_pb2.Envelope(), "updating", timeout=1)


def test_client_certificates_are_bound() -> None:
    authority = Authority("ca")
    cert, key = authority.issue("client", tls=True)
    plain = Endpoint("127.0.0.1:1", "orderer0", authority.cert)
    mutual = Endpoint("127.0.0.1:1", "orderer0", authority.cert, cert, key)
    assert deliver._tls_cert_hash(plain) == b""
    assert len(deliver._tls_cert_hash(mutual)) == 32


@pytest.mark.parametrize(
    ("status", "info", "may_come"),
    [
        (common_pb2.SERVICE_UNAVAILABLE, "no Raft leader", True),
        (
            common_pb2.BAD_REQUEST,
            "0 out of 3 nodes are alive, configuration will result in quorum loss",
            True,
        ),
        (common_pb2.BAD_REQUEST, "error applying config update", False),
        (common_pb2.FORBIDDEN, "implicit policy evaluation failed", False),
    ],
)
def test_answers_of_broadcast(
    status: int, info: str, may_come: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What passes by itself is a NotReadyError, what does not is not."""

    class Stub:
        def __init__(self, _unused: Any) -> None: ...

        def Broadcast(self, _unused: Any, timeout: float) -> Any:
            return iter([ab_pb2.BroadcastResponse(status=status, info=info)])

    monkeypatch.setattr(ab_pb2_grpc, "AtomicBroadcastStub", Stub)
    endpoint = Endpoint("127.0.0.1:1", "orderer0", Authority("ca").cert)
    with pytest.raises(FabricError, match=info) as caught:
        deliver.broadcast(endpoint, common_pb2.Envelope(), "updating")
    assert isinstance(caught.value, NotReadyError) is may_come
