"""The contract ``Assets``: what clients may call, in the words of Fabric's contract API.

All arguments and results are text. The library would convert others, but not in the same way as its
counterparts in other languages; here clients see exactly the JSON that the ledger holds.
"""

from __future__ import annotations

from assets import AssetError, AssetLedger
from fabric_chaincode_python.fabric_contract_api.contractapi import (
    Contract,
    ContractChaincode,
    SystemContract,
    TransactionContext,
)


class Assets(Contract):
    """Transactions on assets and blobs, each described at the method of ``AssetLedger`` that it calls."""

    Name = "Assets"

    def get_evaluate_transactions(self) -> list[str]:
        """Name the transactions that only read, for the contract's metadata."""
        return ["read", "exists", "history", "range_query", "load_blob"]

    async def create(self, ctx: TransactionContext, asset_id: str, owner: str, value: str) -> str:
        """Create an asset."""
        return await AssetLedger(ctx.get_stub()).create(asset_id, owner, value)

    async def read(self, ctx: TransactionContext, asset_id: str) -> str:
        """Return an asset."""
        return await AssetLedger(ctx.get_stub()).read(asset_id)

    async def exists(self, ctx: TransactionContext, asset_id: str) -> str:
        """Return ``true`` or ``false``."""
        return "true" if await AssetLedger(ctx.get_stub()).exists(asset_id) else "false"

    async def update(self, ctx: TransactionContext, asset_id: str, value: str) -> str:
        """Replace an asset's value."""
        return await AssetLedger(ctx.get_stub()).update(asset_id, value)

    async def transfer(self, ctx: TransactionContext, asset_id: str, owner: str) -> str:
        """Give an asset to another owner."""
        return await AssetLedger(ctx.get_stub()).transfer(asset_id, owner)

    async def delete(self, ctx: TransactionContext, asset_id: str) -> None:
        """Delete an asset."""
        await AssetLedger(ctx.get_stub()).delete(asset_id)

    async def history(self, ctx: TransactionContext, asset_id: str) -> str:
        """Return all changes of an asset."""
        return await AssetLedger(ctx.get_stub()).history(asset_id)

    async def range_query(self, ctx: TransactionContext, start: str, end: str, limit: str) -> str:
        """Return assets by id."""
        if not limit.isdecimal():
            raise AssetError(f"limit must be a number, not {limit[:20]!r}")
        return await AssetLedger(ctx.get_stub()).range_query(start, end, int(limit))

    async def store_blob(self, ctx: TransactionContext, blob_id: str, content: str, sha256: str) -> str:
        """Store bytes."""
        return await AssetLedger(ctx.get_stub()).store_blob(blob_id, content, sha256)

    async def load_blob(self, ctx: TransactionContext, blob_id: str) -> str:
        """Return stored bytes."""
        return await AssetLedger(ctx.get_stub()).load_blob(blob_id)


def new_chaincode() -> ContractChaincode:
    """Make the chaincode that peers talk to."""
    # Fabric's clients ask for GetMetadata; the library's own contract answers to get_metadata only.
    SystemContract.GetMetadata = SystemContract.get_metadata
    return ContractChaincode.new_chaincode(Assets())
