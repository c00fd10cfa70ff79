"""The chaincode's service, spoken to over gRPC as a peer does, with the real library.

Needs ``fabric-chaincode-python``, in the version of the chaincode's requirements.txt.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fabric_protos.peer import chaincode_shim_pb2_grpc
from fabric_protos.peer.chaincode_pb2 import ChaincodeID, ChaincodeInput
from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage, GetState, PutState
from fabric_protos.peer.proposal_response_pb2 import Response

pytest.importorskip("fabric_chaincode_python")

SOURCE = Path(__file__).parents[4] / "examples" / "chaincode" / "assets"
MODULES = ("assets", "contract", "settings", "stream", "service")
PACKAGE_ID = "assets_1:0123"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module ``service``, imported as the chaincode does: its directory comes first on the path."""
    monkeypatch.syspath_prepend(str(SOURCE))
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    import service as module

    yield module
    for name in MODULES:
        sys.modules.pop(name, None)


class Peer:
    """A peer's end of the stream: keeps a ledger, answers calls, collects results."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.state: dict[str, bytes] = {}
        self.refuses: dict[int, bytes] = {}
        self.results: dict[str, ChaincodeMessage] = {}

    async def register(self) -> str:
        """Do the handshake and return the id that the chaincode registers under."""
        message = await self._stream.read()
        assert message.type == ChaincodeMessage.REGISTER
        for kind in (ChaincodeMessage.REGISTERED, ChaincodeMessage.READY):
            await self._stream.write(ChaincodeMessage(type=kind))
        return str(ChaincodeID.FromString(message.payload).name)

    async def start(self, txid: str, *arguments: str | bytes) -> None:
        """Begin a transaction."""
        args = [a if isinstance(a, bytes) else a.encode() for a in arguments]
        await self._stream.write(
            ChaincodeMessage(
                type=ChaincodeMessage.TRANSACTION,
                txid=txid,
                channel_id="ch",
                payload=ChaincodeInput(args=args).SerializeToString(),
            )
        )

    async def finish(self, count: int) -> None:
        """Answer ledger calls until so many transactions are complete."""
        while len(self.results) < count:
            message = await self._stream.read()
            assert message is not grpc.aio.EOF, "the chaincode hung up"
            if message.type == ChaincodeMessage.COMPLETED:
                self.results[message.txid] = message
            else:
                await self._stream.write(self._answer(message))

    def _answer(self, call: ChaincodeMessage) -> ChaincodeMessage:
        answer = ChaincodeMessage(type=ChaincodeMessage.RESPONSE, txid=call.txid, channel_id=call.channel_id)
        if call.type in self.refuses:
            answer.type, answer.payload = ChaincodeMessage.ERROR, self.refuses[call.type]
        elif call.type == ChaincodeMessage.GET_STATE:
            answer.payload = self.state.get(GetState.FromString(call.payload).key, b"")
        elif call.type == ChaincodeMessage.PUT_STATE:
            put = PutState.FromString(call.payload)
            self.state[put.key] = put.value
        else:
            raise AssertionError(f"unexpected call {call.type}")
        return answer

    def response(self, txid: str) -> Response:
        return Response.FromString(self.results[txid].payload)


def with_peer(service: Any, talk: Callable[[Peer], Coroutine[Any, Any, None]]) -> None:
    """Start the service, connect a peer, and let them talk for ten seconds at most."""

    async def run() -> None:
        from contract import new_chaincode
        from settings import Settings

        settings = Settings(PACKAGE_ID, "127.0.0.1:0", None)
        server, port = service.make_server(settings, new_chaincode())
        await server.start()
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
                stream = chaincode_shim_pb2_grpc.ChaincodeStub(channel).Connect()
                async with asyncio.timeout(10):
                    await talk(Peer(stream))
        finally:
            await server.stop(0)

    asyncio.run(run())


def test_registers_under_the_package_id(service: Any) -> None:
    async def talk(peer: Peer) -> None:
        assert await peer.register() == PACKAGE_ID

    with_peer(service, talk)


def test_create_is_written_and_its_event_sent(service: Any) -> None:
    async def talk(peer: Peer) -> None:
        await peer.register()
        await peer.start("t1", "create", "a", "org1", '{"n":1}')
        await peer.finish(1)
        await peer.start("t2", "Assets:read", "a")
        await peer.finish(2)
        expected = b'{"id":"a","owner":"org1","value":{"n":1}}'
        assert peer.state == {"a": expected}
        assert (peer.response("t1").status, peer.response("t1").payload) == (200, expected)
        event = peer.results["t1"].chaincode_event
        assert (event.event_name, event.tx_id, event.payload) == ("AssetCreated", "t1", expected)
        assert peer.response("t2").payload == expected
        assert not peer.results["t2"].HasField("chaincode_event")

    with_peer(service, talk)


def test_describes_itself(service: Any) -> None:
    async def talk(peer: Peer) -> None:
        await peer.register()
        await peer.start("t", "org.hyperledger.fabric:GetMetadata")
        await peer.finish(1)
        transactions = json.loads(peer.response("t").payload)["contracts"]["Assets"]["transactions"]
        assert {t["name"] for t in transactions if "EVALUATE" in t["tag"]} == {
            *("read", "exists", "history", "range_query", "load_blob")
        }
        assert {t["name"] for t in transactions if "SUBMIT" in t["tag"]} == {
            *("create", "update", "transfer", "delete", "store_blob")
        }

    with_peer(service, talk)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("read", "a"), "asset a does not exist"),
        (("read",), "incorrect number of params. Expected 1, received 0"),
        (("range_query", "", "", "ten"), "limit must be a number, not 'ten'"),
        (("no_such",), "Function no_such not found in contract Assets"),
        (("Other:read", "a"), "Contract not found with name Other"),
        ((b"read", b"\xff"), "Blank function name passed"),
    ],
)
def test_errors_reach_the_client(service: Any, arguments: tuple[str | bytes, ...], message: str) -> None:
    async def talk(peer: Peer) -> None:
        await peer.register()
        await peer.start("t", *arguments)
        await peer.finish(1)
        assert (peer.response("t").status, peer.response("t").message) == (500, message)

    with_peer(service, talk)


@pytest.mark.parametrize("call", [ChaincodeMessage.GET_STATE, ChaincodeMessage.PUT_STATE])
def test_what_the_peer_refuses_fails_the_transaction(service: Any, call: int) -> None:
    async def talk(peer: Peer) -> None:
        await peer.register()
        peer.refuses[call] = b"the ledger says no"
        await peer.start("t", "create", "a", "org1", "1")
        await peer.finish(1)
        assert (peer.response("t").status, peer.response("t").message) == (500, "the ledger says no")
        assert not peer.results["t"].HasField("chaincode_event")

    with_peer(service, talk)


def test_a_transaction_that_cannot_even_start_is_answered(service: Any) -> None:
    async def talk(peer: Peer) -> None:
        await peer.register()
        await peer._stream.write(
            ChaincodeMessage(type=ChaincodeMessage.TRANSACTION, txid="t", channel_id="ch", payload=b"\xff")
        )
        await peer.finish(1)
        assert peer.response("t").status == 500
        assert "DecodeError" in peer.response("t").message

    with_peer(service, talk)


def test_many_transactions_side_by_side(service: Any) -> None:
    async def talk(peer: Peer) -> None:
        await peer.register()
        for number in range(300):
            await peer.start(f"t{number}", "create", f"a{number}", "org1", json.dumps("x" * 2000))
        await peer.finish(300)
        assert len(peer.state) == 300
        assert {peer.response(txid).status for txid in peer.results} == {200}

    with_peer(service, talk)


def test_values_larger_than_grpc_likes(service: Any) -> None:
    async def talk(peer: Peer) -> None:
        await peer.register()
        await peer.start("t1", "create", "a", "org1", json.dumps("x" * 6_000_000))
        await peer.finish(1)
        assert peer.response("t1").status == 200
        assert len(peer.state["a"]) > 6_000_000

    with_peer(service, talk)


def test_the_process_tells_nothing_and_stops_when_told() -> None:
    """Run ``python3 DIRECTORY`` as the container does: no value in its log, and SIGTERM ends it cleanly."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    process = subprocess.Popen(
        [sys.executable, "-B", str(SOURCE)],
        env={
            "CORE_CHAINCODE_ID_NAME": PACKAGE_ID,
            "CHAINCODE_SERVER_ADDRESS": address,
            "CHAINCODE_TLS_DISABLED": "true",
        },
        stderr=subprocess.PIPE,
        text=True,
    )

    async def run() -> None:
        async with grpc.aio.insecure_channel(address) as channel, asyncio.timeout(10):
            connect = chaincode_shim_pb2_grpc.ChaincodeStub(channel).Connect
            peer = Peer(connect(wait_for_ready=True))
            assert await peer.register() == PACKAGE_ID
            await peer.start("t", "create", "a", "org1", '"confidential"')
            await peer.finish(1)
            assert peer.response("t").status == 200

    try:
        asyncio.run(run())
    finally:
        process.terminate()
        try:
            _unused, log = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 0
    assert f"serving {PACKAGE_ID} on {address}, plain text" in log
    assert "confidential" not in log
    # What comes after it depends on who hears of it first.
    assert " INFO stopping" in log


def test_a_renewed_certificate_is_served_without_a_restart(service: Any, tmp_path: Path) -> None:
    from settings import Settings, TLSFiles

    tls = TLSFiles(tmp_path / "tls.key", tmp_path / "tls.crt", None)

    def write(pair: tuple[bytes, bytes]) -> None:
        tls.key.write_bytes(pair[0])
        tls.cert.write_bytes(pair[1])

    async def connects(port: int, trusted: bytes) -> bool:
        credentials = grpc.ssl_channel_credentials(trusted)
        async with grpc.aio.secure_channel(f"localhost:{port}", credentials) as channel:
            stream = chaincode_shim_pb2_grpc.ChaincodeStub(channel).Connect()
            try:
                return bool((await stream.read()).type == ChaincodeMessage.REGISTER)
            except grpc.aio.AioRpcError as error:
                assert error.code() == grpc.StatusCode.UNAVAILABLE
                return False

    async def run() -> None:
        first, second = _self_signed(), _self_signed()
        write(first)
        server, port = service.make_server(Settings(PACKAGE_ID, "127.0.0.1:0", tls), None)
        await server.start()
        assert await connects(port, first[1])
        assert not await connects(port, second[1])
        write(second)
        assert await connects(port, second[1])
        assert not await connects(port, first[1])
        # Half-way through a renewal the one in use stays.
        tls.key.unlink()
        assert await connects(port, second[1])
        await server.stop(0)

    asyncio.run(run())


def _self_signed() -> tuple[bytes, bytes]:
    """Make a key and a certificate for localhost, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, certificate.public_bytes(encoding)


def test_a_lost_peer_ends_its_transactions(service: Any) -> None:
    async def talk(peer: Peer) -> None:
        await peer.register()
        await peer.start("t", "read", "a")
        assert (await peer._stream.read()).type == ChaincodeMessage.GET_STATE
        peer._stream.cancel()
        for _unused in range(100):
            await asyncio.sleep(0.02)
            if not any("handle_message" in repr(task) for task in asyncio.all_tasks()):
                return
        raise AssertionError("the transaction waits for ever")

    with_peer(service, talk)
