"""A chaincode server for tests: keys and values, in some lines of Python, speaking the peer's own protocol.

Functions: ``put key value``, ``get key``, ``secret`` (returns the transient field ``secret``), ``fail text``,
and ``org.hyperledger.fabric:GetMetadata``. Source: hyperledger/fabric-chaincode-go ``shim/handler.go``.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from fabric_protos.peer import (
    chaincode_pb2,
    chaincode_shim_pb2,
    chaincode_shim_pb2_grpc,
    proposal_pb2,
    proposal_response_pb2,
)

Message = chaincode_shim_pb2.ChaincodeMessage


class _Stream(chaincode_shim_pb2_grpc.ChaincodeServicer):
    """One peer's connection: requests to it go out through a queue, its answers come back by transaction."""

    def __init__(self, package_ids: Callable[[], str]) -> None:
        self._package_id = package_ids

    def Connect(self, incoming: Iterator[Message], context: grpc.ServicerContext) -> Iterator[Message]:
        outgoing: queue.Queue[Message | None] = queue.Queue()
        answers: dict[str, queue.Queue[Message]] = {}
        pool = ThreadPoolExecutor(8)

        def receive() -> None:
            with contextlib.suppress(Exception):  # the peer is gone
                for message in incoming:
                    if message.type in (Message.INIT, Message.TRANSACTION):
                        answers[message.txid] = queue.Queue()
                        pool.submit(self._run, message, outgoing, answers[message.txid])
                    elif message.type in (Message.RESPONSE, Message.ERROR):
                        answers[message.txid].put(message)
                    elif message.type == Message.KEEPALIVE:
                        outgoing.put(message)
            outgoing.put(None)

        name = chaincode_pb2.ChaincodeID(name=self._package_id())
        yield Message(type=Message.REGISTER, payload=name.SerializeToString())
        pool.submit(receive)
        while (message := outgoing.get()) is not None:
            yield message
        pool.shutdown(wait=False)

    def _run(self, message: Message, outgoing: queue.Queue, answers: queue.Queue) -> None:
        def ask(kind: int, request: object) -> bytes:
            outgoing.put(
                Message(
                    type=kind,
                    payload=request.SerializeToString(),
                    txid=message.txid,
                    channel_id=message.channel_id,
                )
            )
            answer = answers.get(timeout=10)
            if answer.type == Message.ERROR:
                raise RuntimeError(answer.payload.decode())
            return answer.payload

        proposal = proposal_pb2.Proposal.FromString(message.proposal.proposal_bytes)
        transient = proposal_pb2.ChaincodeProposalPayload.FromString(proposal.payload).TransientMap
        function, *args = chaincode_pb2.ChaincodeInput.FromString(message.payload).args
        response = proposal_response_pb2.Response(status=200)
        try:
            if function == b"put":
                ask(Message.PUT_STATE, chaincode_shim_pb2.PutState(key=args[0].decode(), value=args[1]))
                response.payload = args[1]
            elif function == b"get":
                response.payload = ask(Message.GET_STATE, chaincode_shim_pb2.GetState(key=args[0].decode()))
            elif function == b"secret":
                response.payload = transient["secret"]
            elif function == b"org.hyperledger.fabric:GetMetadata":
                response.payload = b"{}"
            else:
                raise RuntimeError(b" ".join([function, *args]).decode())
        except Exception as error:
            response = proposal_response_pb2.Response(status=500, message=str(error))
        outgoing.put(
            Message(
                type=Message.COMPLETED,
                payload=response.SerializeToString(),
                txid=message.txid,
                channel_id=message.channel_id,
            )
        )


class ChaincodeServer:
    """Listens on a loopback port.

    ``package_id`` is what peers must have called the package; set it before they connect.

    :param tls: PEM of certificate and key; no TLS without
    :param address: where to listen, such as where one before it did
    """

    def __init__(self, tls: tuple[str, str] | None = None, address: str = "127.0.0.1:0") -> None:
        self.package_id = ""
        self._server = grpc.server(ThreadPoolExecutor(256))  # a connection keeps a thread
        chaincode_shim_pb2_grpc.add_ChaincodeServicer_to_server(
            _Stream(lambda: self.package_id), self._server
        )
        if tls:
            credentials = grpc.ssl_server_credentials([(tls[1].encode(), tls[0].encode())])
            port = self._server.add_secure_port(address, credentials)
        else:
            port = self._server.add_insecure_port(address)
        self.address = f"127.0.0.1:{port}"

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop(0)


@contextlib.contextmanager
def serving(tls: tuple[str, str] | None = None) -> Iterator[ChaincodeServer]:
    """A started chaincode server that ends with the block."""
    server = ChaincodeServer(tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()
