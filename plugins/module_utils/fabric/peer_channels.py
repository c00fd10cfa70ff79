"""Which channels a peer serves, and how far it is, through its system chaincodes.

``signer`` is an admin of the peer's own organisation; for :func:`chain_info` the channel's Readers
policy counts. All raise NotReadyError for an unreachable peer and FabricError with the peer's reason.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.endorser import query
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint

with suppress(ImportError):  # the module says which package is missing
    from fabric_protos.common import common_pb2, ledger_pb2
    from fabric_protos.peer import query_pb2


@dataclass(frozen=True)
class ChainInfo:
    """A peer's ledger: ``height`` is the number of blocks, the hashes are lower-case hex of block headers."""

    height: int
    current_block_hash: str
    previous_block_hash: str


def list_channels(endpoint: Endpoint, signer: Signer, timeout: float = 10) -> list[str]:
    """Names of the channels that the peer has joined."""
    payload = query(endpoint, signer, "", "cscc", [b"GetChannels"], timeout)
    return [channel.channel_id for channel in query_pb2.ChannelQueryResponse.FromString(payload).channels]


def join(endpoint: Endpoint, signer: Signer, genesis: common_pb2.Block, timeout: float = 60) -> None:
    """Make the peer join the channel of ``genesis``, which is block 0 and no later one."""
    query(endpoint, signer, "", "cscc", [b"JoinChain", genesis.SerializeToString()], timeout)


def block(
    endpoint: Endpoint, signer: Signer, channel: str, number: int, timeout: float = 10
) -> common_pb2.Block:
    """A block of the peer's copy of the channel, read from its block files."""
    payload = query(
        endpoint,
        signer,
        channel,
        "qscc",
        [b"GetBlockByNumber", channel.encode(), str(number).encode()],
        timeout,
    )
    return common_pb2.Block.FromString(payload)


def chain_info(endpoint: Endpoint, signer: Signer, channel: str, timeout: float = 10) -> ChainInfo:
    """Height and hashes of the peer's copy of the channel."""
    payload = query(endpoint, signer, channel, "qscc", [b"GetChainInfo", channel.encode()], timeout)
    info = ledger_pb2.BlockchainInfo.FromString(payload)
    return ChainInfo(int(info.height), info.currentBlockHash.hex(), info.previousBlockHash.hex())
