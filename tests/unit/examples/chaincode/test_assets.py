"""The example chaincode's rules, against a ledger in memory. No Fabric library is needed for them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import importlib.util
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

SOURCE = Path(__file__).parents[4] / "examples" / "chaincode" / "assets"


def load(name: str) -> ModuleType:
    """Import a module of the chaincode under a name of its own; ``assets`` is too plain a word to share."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", SOURCE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up.
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


assets = load("assets")
settings = load("settings")


class Found:
    """What a range query gives: entries one by one, and a way to stop early."""

    def __init__(self, entries: list[SimpleNamespace]) -> None:
        self._entries = entries
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[SimpleNamespace]:
        for entry in self._entries:
            yield entry

    async def aclose(self) -> None:
        self.closed = True


class Ledger:
    """A peer's ledger with the calls of ``ChaincodeStub``; every write is its own transaction."""

    def __init__(self) -> None:
        self.state: dict[str, bytes] = {}
        self.changes: list[tuple[str, bytes | None]] = []
        self.events: list[tuple[str, bytes]] = []
        self.ranges: list[Found] = []

    async def get_state(self, key: str) -> bytes:
        return self.state.get(key, b"")

    async def put_state(self, key: str, value: bytes) -> None:
        assert isinstance(value, bytes)
        self.state[key] = value
        self.changes.append((key, value))

    async def delete_state(self, key: str) -> None:
        del self.state[key]
        self.changes.append((key, None))

    async def get_state_by_range(self, start: str, end: str) -> Found:
        keys = sorted(key for key in self.state if start <= key and (not end or key < end))
        self.ranges.append(Found([SimpleNamespace(key=key, value=self.state[key]) for key in keys]))
        return self.ranges[-1]

    async def get_history_for_key(self, key: str) -> Found:
        return Found(
            [
                SimpleNamespace(
                    tx_id=f"tx{number}",
                    value=value or b"",
                    timestamp=Timestamp(seconds=1_700_000_000 + number, nanos=1),
                    is_delete=value is None,
                )
                for number, (changed, value) in reversed(list(enumerate(self.changes)))
                if changed == key
            ]
        )

    def create_composite_key(self, object_type: str, attributes: list[str]) -> str:
        return "\x00" + "\x00".join([object_type, *attributes]) + "\x00"

    def set_event(self, name: str, payload: bytes) -> None:
        self.events.append((name, payload))


class Client:
    """Calls transactions by name and waits for them."""

    def __init__(self) -> None:
        self.ledger = Ledger()

    def __call__(self, name: str, *arguments: Any) -> Any:
        return asyncio.run(getattr(assets.AssetLedger(self.ledger), name)(*arguments))

    def json(self, name: str, *arguments: Any) -> Any:
        return json.loads(self(name, *arguments))


@pytest.fixture
def call() -> Client:
    return Client()


def test_create_writes_reads_and_tells(call: Client) -> None:
    text = call("create", "car-1", "org1", '{"z": [1, 2.5, null], "ä": "ö"}')
    # One way to write JSON: sorted, no blanks, no escapes.
    assert text == '{"id":"car-1","owner":"org1","value":{"z":[1,2.5,null],"ä":"ö"}}'
    assert call.ledger.state == {"car-1": text.encode()}
    assert call("read", "car-1") == text
    assert call.ledger.events == [("AssetCreated", text.encode())]


@pytest.mark.parametrize("value", ["{}", "[]", "0", "null", "false", '""', '{"id": "other"}'])
def test_any_json_is_a_value(call: Client, value: str) -> None:
    call("create", "a", "org1", value)
    assert call.json("read", "a") == {"id": "a", "owner": "org1", "value": json.loads(value)}


def test_equal_values_give_equal_bytes() -> None:
    one, two = Client(), Client()
    one("create", "a", "o", '{"x": 1, "y": {"b": 1, "a": 2}}')
    two("create", "a", "o", '{ "y":{"a":2,"b":1},\n"x":1 }')
    assert one.ledger.state == two.ledger.state


@pytest.mark.parametrize(
    "value",
    ["", "{", "hello", "NaN", "[Infinity]", "1e999", '"\\ud800"', "[" * 100_000, "9" * 5000],
    ids=["empty", "open", "word", "nan", "infinity", "overflow", "surrogate", "deep", "digits"],
)
@pytest.mark.parametrize("transaction", ["create", "update"])
def test_what_is_not_json_is_refused(call: Client, transaction: str, value: str) -> None:
    call("create", "a", "org1", "1")
    before = dict(call.ledger.state)
    arguments = ("b", "org1", value) if transaction == "create" else ("a", value)
    with pytest.raises(assets.AssetError, match="value is not valid JSON"):
        call(transaction, *arguments)
    assert call.ledger.state == before


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "\x00blob\x00a\x00", "ä", "a" * 65, "a\n"])
@pytest.mark.parametrize(
    ("transaction", "rest"),
    [
        ("create", ("o", "1")),
        ("read", ()),
        ("exists", ()),
        ("update", ("1",)),
        ("transfer", ("o",)),
        ("delete", ()),
        ("history", ()),
        ("store_blob", ("", "")),
        ("load_blob", ()),
    ],
)
def test_names_are_checked_everywhere(
    call: Client, transaction: str, rest: tuple[str, ...], name: str
) -> None:
    with pytest.raises(assets.AssetError, match="id .* is not 1 to 64 letters"):
        call(transaction, name, *rest)


def test_longest_name_and_owner(call: Client) -> None:
    call("create", "a" * 64, "o" * 256, "1")
    assert call("exists", "a" * 64) is True


@pytest.mark.parametrize("owner", ["", "  ", "o" * 257])
def test_owners_are_checked(call: Client, owner: str) -> None:
    with pytest.raises(assets.AssetError, match="owner must have"):
        call("create", "a", owner, "1")
    call("create", "a", "org1", "1")
    with pytest.raises(assets.AssetError, match="owner must have"):
        call("transfer", "a", owner)


def test_an_asset_is_created_once(call: Client) -> None:
    call("create", "a", "org1", "1")
    with pytest.raises(assets.AssetError, match="^asset a exists already$"):
        call("create", "a", "org2", "2")
    assert call.json("read", "a")["owner"] == "org1"


@pytest.mark.parametrize(
    ("transaction", "rest"), [("read", ()), ("update", ("1",)), ("transfer", ("org2",)), ("delete", ())]
)
def test_a_missing_asset_is_named(call: Client, transaction: str, rest: tuple[str, ...]) -> None:
    with pytest.raises(assets.AssetError, match="^asset a does not exist$"):
        call(transaction, "a", *rest)
    assert call("exists", "a") is False


def test_update_keeps_the_owner_and_tells_nobody(call: Client) -> None:
    call("create", "a", "org1", "1")
    call.ledger.events.clear()
    assert call.json("update", "a", '{"n":2}') == {"id": "a", "owner": "org1", "value": {"n": 2}}
    assert call.json("read", "a")["value"] == {"n": 2}
    assert call.ledger.events == []


def test_transfer_keeps_the_value_and_tells(call: Client) -> None:
    call("create", "a", "org1", "[1]")
    call.ledger.events.clear()
    assert call.json("transfer", "a", "org2") == {"id": "a", "owner": "org2", "value": [1]}
    assert call.ledger.events == [("AssetTransferred", b'{"from":"org1","id":"a","to":"org2"}')]
    with pytest.raises(assets.AssetError, match="belongs to org2 already"):
        call("transfer", "a", "org2")


def test_history_outlives_the_asset(call: Client) -> None:
    call("create", "a", "org1", "1")
    call("create", "b", "org1", "1")
    call("transfer", "a", "org2")
    call("delete", "a")
    assert call("exists", "a") is False
    assert call.json("history", "a") == [
        {"txId": "tx3", "timestamp": "2023-11-14T22:13:23.000000001Z", "isDelete": True, "asset": None},
        {
            "txId": "tx2",
            "timestamp": "2023-11-14T22:13:22.000000001Z",
            "isDelete": False,
            "asset": {"id": "a", "owner": "org2", "value": 1},
        },
        {
            "txId": "tx0",
            "timestamp": "2023-11-14T22:13:20.000000001Z",
            "isDelete": False,
            "asset": {"id": "a", "owner": "org1", "value": 1},
        },
    ]
    assert call.json("history", "never") == []


@pytest.mark.parametrize(
    ("start", "end", "limit", "ids", "following"),
    [
        ("", "", 10, ["a", "b", "c", "d"], ""),
        ("b", "d", 10, ["b", "c"], ""),
        ("bb", "", 10, ["c", "d"], ""),
        ("", "c", 10, ["a", "b"], ""),
        ("", "", 2, ["a", "b"], "c"),
        ("c", "", 2, ["c", "d"], ""),
        ("x", "", 1, [], ""),
    ],
)
def test_range(call: Client, start: str, end: str, limit: int, ids: list[str], following: str) -> None:
    for name in ("c", "a", "d", "b"):
        call("create", name, "org1", "1")
    # A blob must never show up among the assets.
    call("store_blob", "b", "", hashlib.sha256(b"").hexdigest())
    answer = call.json("range_query", start, end, limit)
    assert [asset["id"] for asset in answer["assets"]] == ids
    assert answer["next"] == following
    # The peer holds a query's iterator until it is read to the end or closed.
    assert call.ledger.ranges[-1].closed is bool(following)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_range_limit(call: Client, limit: int) -> None:
    with pytest.raises(assets.AssetError, match="limit must be from 1 to 1000"):
        call("range_query", "", "", limit)


@pytest.mark.parametrize(("start", "end"), [("\x00blob", ""), ("", "a b")])
def test_range_bounds(call: Client, start: str, end: str) -> None:
    with pytest.raises(assets.AssetError, match="range bound"):
        call("range_query", start, end, 1)


@pytest.mark.parametrize("data", [b"", b"\x00\xff\xfe not UTF-8", bytes(range(256)) * 300])
def test_blobs_come_back(call: Client, data: bytes) -> None:
    content, digest = base64.b64encode(data).decode(), hashlib.sha256(data).hexdigest()
    about = {"id": "logo", "size": len(data), "sha256": digest}
    assert call.json("store_blob", "logo", content, digest.upper()) == about
    assert call.json("load_blob", "logo") == {**about, "content": content}
    # On the ledger lie the bytes, not their base64.
    assert call.ledger.state == {"\x00blob\x00logo\x00": bytes.fromhex(digest) + data}


@pytest.mark.parametrize(
    ("content", "digest", "message"),
    [
        ("YWJj", "0" * 64, "content has SHA-256 ba7816bf"),
        ("YWJj", "", "content has SHA-256"),
        ("YWJ", "", "content is not base64"),
        ("YW Jj", "", "content is not base64"),
        ("äöü", "", "content is not base64"),
    ],
)
def test_damaged_content_is_refused(call: Client, content: str, digest: str, message: str) -> None:
    with pytest.raises(assets.AssetError, match=message):
        call("store_blob", "logo", content, digest)
    assert call.ledger.state == {}


def test_a_damaged_blob_is_not_handed_out(call: Client) -> None:
    with pytest.raises(assets.AssetError, match="blob logo does not exist"):
        call("load_blob", "logo")
    call("store_blob", "logo", "YWJj", hashlib.sha256(b"abc").hexdigest())
    (key,) = call.ledger.state
    call.ledger.state[key] = call.ledger.state[key][:-1] + b"x"
    with pytest.raises(assets.AssetError, match="blob logo is damaged"):
        call("load_blob", "logo")


@pytest.mark.parametrize("state", [b"\xff", b"{", b"[]", b'{"id":"a"}'])
def test_a_state_that_is_no_asset_is_named(call: Client, state: bytes) -> None:
    call.ledger.state["a"] = state
    for transaction in ("read", "history"):
        call.ledger.changes = [("a", state)]
        with pytest.raises(assets.AssetError, match="asset a is damaged"):
            call(transaction, "a")


def test_settings_name_every_mistake_at_once() -> None:
    environment = {"CHAINCODE_SERVER_ADDRESS": "9999", "CHAINCODE_TLS_KEY": "/no.key"}
    with pytest.raises(settings.SettingsError) as caught:
        settings.Settings.from_environment(environment)
    assert str(caught.value).splitlines() == [
        "CORE_CHAINCODE_ID_NAME is missing: give the id of the installed package (LABEL:HASH)",
        "CHAINCODE_SERVER_ADDRESS '9999' is not HOST:PORT",
        "/no.key is no file",
        "/run/secrets/tls.crt is no file",
    ]


@pytest.mark.parametrize("address", ["host", ":9999", "host:", "host:0", "host:65536", "host:http"])
def test_settings_check_the_address(address: str) -> None:
    environment = {
        "CHAINCODE_ID": "a:1",
        "CHAINCODE_TLS_DISABLED": "true",
        "CHAINCODE_SERVER_ADDRESS": address,
    }
    with pytest.raises(settings.SettingsError, match="is not HOST:PORT"):
        settings.Settings.from_environment(environment)


def test_plain_text_is_a_decision() -> None:
    environment = {"CORE_CHAINCODE_ID_NAME": "a:1", "CHAINCODE_ID": "b:2", "CHAINCODE_TLS_DISABLED": "true"}
    expected = settings.Settings("a:1", "0.0.0.0:9999", None)
    assert settings.Settings.from_environment(environment) == expected
    with pytest.raises(settings.SettingsError, match="neither true nor false"):
        settings.Settings.from_environment({**environment, "CHAINCODE_TLS_DISABLED": "1"})


def test_tls_files(tmp_path: Path) -> None:
    environment = {"CHAINCODE_ID": "a:1"}
    for name, variable in [
        ("key", "CHAINCODE_TLS_KEY"),
        ("cert", "CHAINCODE_TLS_CERT"),
        ("client_ca", "CHAINCODE_CLIENT_CA_CERT"),
    ]:
        (tmp_path / name).touch()
        environment[variable] = str(tmp_path / name)
    tls = settings.Settings.from_environment(environment).tls
    assert tls == settings.TLSFiles(tmp_path / "key", tmp_path / "cert", tmp_path / "client_ca")
    (tmp_path / "client_ca").unlink()
    with pytest.raises(settings.SettingsError, match="client_ca is no file"):
        settings.Settings.from_environment(environment)
