"""The first block of a channel.

Source: hyperledger/fabric ``common/genesis/genesis.go``.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.proposal import transaction_id
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import new_nonce

with suppress(ImportError):  # the module says which package is missing
    from fabric_protos.common import common_pb2, configtx_pb2


def genesis_block(channel: str, group: configtx_pb2.ConfigGroup) -> common_pb2.Block:
    """Block 0 of ``channel`` with ``group`` as its configuration.

    Every call gives another block (nonce and timestamp): all nodes of a channel must get one and the same.
    """
    nonce = new_nonce()
    channel_header = common_pb2.ChannelHeader(
        type=common_pb2.CONFIG, version=1, channel_id=channel, tx_id=transaction_id(nonce, b"")
    )
    channel_header.timestamp.GetCurrentTime()
    channel_header.timestamp.nanos = 0
    config = configtx_pb2.ConfigEnvelope(config=configtx_pb2.Config(channel_group=group))
    payload = common_pb2.Payload(
        header=common_pb2.Header(
            channel_header=channel_header.SerializeToString(),
            signature_header=common_pb2.SignatureHeader(nonce=nonce).SerializeToString(),
        ),
        data=config.SerializeToString(deterministic=True),
    )
    envelope = common_pb2.Envelope(payload=payload.SerializeToString()).SerializeToString()
    last_config = common_pb2.LastConfig(index=0)
    slots = [b""] * len(common_pb2.BlockMetadataIndex.keys())
    slots[common_pb2.LAST_CONFIG] = common_pb2.Metadata(
        value=last_config.SerializeToString()
    ).SerializeToString()
    slots[common_pb2.SIGNATURES] = common_pb2.Metadata(
        value=common_pb2.OrdererBlockMetadata(last_config=last_config).SerializeToString()
    ).SerializeToString()
    return common_pb2.Block(
        header=common_pb2.BlockHeader(number=0, data_hash=hashlib.sha256(envelope).digest()),
        data=common_pb2.BlockData(data=[envelope]),
        metadata=common_pb2.BlockMetadata(metadata=slots),
    )
