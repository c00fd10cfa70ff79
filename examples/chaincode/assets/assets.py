"""What the chaincode does with the ledger: assets (JSON) and blobs (bytes).

Nothing here imports Fabric's library: every method works on a *stub*, an object with the ledger calls of
``fabric_shim.stub.ChaincodeStub``, so that the rules can be tested without a peer.

Every endorsing peer runs this code by itself and all must write the same bytes. Hence no clock, no random
numbers, no iteration over sets, and one way to write JSON.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from typing import Any, NoReturn

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAX_OWNER = 256
_MAX_PAGE = 1000
_DIGEST_SIZE = hashlib.sha256().digest_size
_BLOB = "blob"

# Composite keys (our blobs) begin with a null character. A range that begins with an empty key would run
# through them; the Go shim starts at the next code point, and so do we.
_FIRST_SIMPLE_KEY = "\x01"


class AssetError(Exception):
    """A request that cannot be carried out; the text is for the client."""


class AssetLedger:
    """One transaction's view of the ledger.

    :param stub: the transaction's ``ChaincodeStub``
    """

    def __init__(self, stub: Any) -> None:
        self._stub = stub

    async def create(self, asset_id: str, owner: str, value: str) -> str:
        """Create an asset with any JSON text as its value; emits ``AssetCreated``."""
        _check_name("asset id", asset_id)
        asset = {"id": asset_id, "owner": _check_owner(owner), "value": _parse_json(value)}
        if await self.exists(asset_id):
            raise AssetError(f"asset {asset_id} exists already")
        text = await self._put(asset)
        self._stub.set_event("AssetCreated", text.encode())
        return text

    async def read(self, asset_id: str) -> str:
        """Return the asset as JSON: ``{"id": ..., "owner": ..., "value": ...}``."""
        return _dump_json(await self._get(asset_id))

    async def exists(self, asset_id: str) -> bool:
        """Say whether there is such an asset."""
        _check_name("asset id", asset_id)
        return bool(await self._stub.get_state(asset_id))

    async def update(self, asset_id: str, value: str) -> str:
        """Replace the value; the owner stays."""
        parsed = _parse_json(value)
        asset = await self._get(asset_id)
        return await self._put({**asset, "value": parsed})

    async def transfer(self, asset_id: str, owner: str) -> str:
        """Give the asset to another owner; emits ``AssetTransferred`` with the old and the new one."""
        _check_owner(owner)
        asset = await self._get(asset_id)
        if asset["owner"] == owner:
            raise AssetError(f"asset {asset_id} belongs to {owner} already")
        text = await self._put({**asset, "owner": owner})
        event = {"id": asset_id, "from": asset["owner"], "to": owner}
        self._stub.set_event("AssetTransferred", _dump_json(event).encode())
        return text

    async def delete(self, asset_id: str) -> None:
        """Delete the asset; its history stays readable."""
        await self._get(asset_id)
        await self._stub.delete_state(asset_id)

    async def history(self, asset_id: str) -> str:
        """Return every change of the asset, the newest first, as a JSON list.

        Each: ``{"txId": ..., "timestamp": "2025-01-31T12:00:00.000000001Z", "isDelete": ..., "asset": ...}``,
        with ``null`` for the asset where it was deleted.
        """
        _check_name("asset id", asset_id)
        changes = []
        async for change in await self._stub.get_history_for_key(asset_id):
            changes.append(
                {
                    "txId": change.tx_id,
                    # ToJsonString keeps the nanoseconds; datetime would lose them.
                    "timestamp": change.timestamp.ToJsonString(),
                    "isDelete": change.is_delete,
                    "asset": None if change.is_delete else _decode(asset_id, change.value),
                }
            )
        return _dump_json(changes)

    async def range_query(self, start: str, end: str, limit: int) -> str:
        """Return the assets with ids from ``start`` up to, not including, ``end``; empty strings: no bound.

        :param limit: most assets to return, 1 to 1000
        :returns: ``{"assets": [...], "next": id}``: a query that starts at ``next`` goes on; empty at the end
        """
        for bound in filter(None, (start, end)):
            _check_name("range bound", bound)
        if not 1 <= limit <= _MAX_PAGE:
            raise AssetError(f"limit must be from 1 to {_MAX_PAGE}, not {limit}")
        assets: list[Any] = []
        following = ""
        found = await self._stub.get_state_by_range(start or _FIRST_SIMPLE_KEY, end)
        async for entry in found:
            if len(assets) == limit:
                following = entry.key
                await found.aclose()
                break
            assets.append(_decode(entry.key, entry.value))
        return _dump_json({"assets": assets, "next": following})

    async def store_blob(self, blob_id: str, content: str, sha256: str) -> str:
        """Store bytes.

        :param content: the bytes in base64
        :param sha256: their digest in hexadecimal, which must fit: a transfer that damaged them is refused
        :returns: ``{"id": ..., "size": ..., "sha256": ...}``
        """
        _check_name("blob id", blob_id)
        try:
            data = base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError) as error:
            raise AssetError(f"blob {blob_id}: content is not base64") from error
        digest = hashlib.sha256(data)
        if sha256.lower() != digest.hexdigest():
            raise AssetError(f"blob {blob_id}: content has SHA-256 {digest.hexdigest()}, not {sha256[:64]}")
        await self._stub.put_state(self._blob_key(blob_id), digest.digest() + data)
        return _dump_json({"id": blob_id, "size": len(data), "sha256": digest.hexdigest()})

    async def load_blob(self, blob_id: str) -> str:
        """Return stored bytes, checked once more: ``{"id", "size", "sha256", "content": base64}``."""
        _check_name("blob id", blob_id)
        stored = await self._stub.get_state(self._blob_key(blob_id))
        if not stored:
            raise AssetError(f"blob {blob_id} does not exist")
        expected, data = stored[:_DIGEST_SIZE], stored[_DIGEST_SIZE:]
        digest = hashlib.sha256(data)
        if digest.digest() != expected:
            raise AssetError(f"blob {blob_id} is damaged: SHA-256 {digest.hexdigest()}, not {expected.hex()}")
        content = base64.b64encode(data).decode()
        return _dump_json(
            {"id": blob_id, "size": len(data), "sha256": digest.hexdigest(), "content": content}
        )

    async def _get(self, asset_id: str) -> dict[str, Any]:
        _check_name("asset id", asset_id)
        stored = await self._stub.get_state(asset_id)
        if not stored:
            raise AssetError(f"asset {asset_id} does not exist")
        return _decode(asset_id, stored)

    async def _put(self, asset: dict[str, Any]) -> str:
        text = _dump_json(asset)
        await self._stub.put_state(asset["id"], text.encode())
        return text

    def _blob_key(self, blob_id: str) -> str:
        key: str = self._stub.create_composite_key(_BLOB, [blob_id])
        return key


def _check_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise AssetError(
            f"{what} {name[:80]!r} is not 1 to 64 letters, digits, dots, dashes and underscores,"
            " the first of them a letter or digit"
        )


def _check_owner(owner: str) -> str:
    if not owner.strip() or len(owner) > _MAX_OWNER:
        raise AssetError(f"owner must have 1 to {_MAX_OWNER} characters and not only blanks")
    return owner


def _parse_json(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        # Half a surrogate pair ("\ud800") is legal JSON and no legal UTF-8; 1e999 becomes infinity.
        _dump_json(value).encode()
    except (ValueError, RecursionError) as error:
        raise AssetError("value is not valid JSON") from error
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _dump_json(value: Any) -> str:
    """Write JSON in the one way that every endorser does: sorted, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _decode(asset_id: str, stored: bytes) -> dict[str, Any]:
    try:
        asset = json.loads(stored)
    except ValueError as error:
        raise AssetError(f"asset {asset_id} is damaged: its state is not JSON") from error
    if not isinstance(asset, dict) or asset.keys() != {"id", "owner", "value"}:
        raise AssetError(f"asset {asset_id} is damaged: its state is not an asset")
    return asset
