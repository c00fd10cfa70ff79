"""One peer's connection: ``fabric_shim``'s handler with what version 2.5.4 gets wrong put right.

- An error that the peer answers to a ledger call was returned as if it were the value.
- Events were collected and never sent.
- An exception outside a contract left the peer waiting for its time-out (30 s by default).
- Transactions that run side by side wrote to the stream at once, which gRPC does not allow.
- Every payload went to the log, keys and values included.

The ledger calls themselves, and the way to registration, are the library's.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import AsyncIterable
from typing import Any

from fabric_chaincode_python.fabric_shim.handler import STATES, Handler
from fabric_chaincode_python.fabric_shim.response import ResponseCode, error
from fabric_chaincode_python.fabric_shim.stub import ChaincodeStub
from fabric_protos.peer.chaincode_pb2 import ChaincodeInput
from fabric_protos.peer.chaincode_shim_pb2 import ChaincodeMessage

LOG = logging.getLogger("assets")


class PeerError(Exception):
    """What the peer said to a ledger call that it could not carry out."""


class OneAtATime:
    """A gRPC stream that may be written to by several transactions: a write waits for the one before it."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._lock = asyncio.Lock()

    async def write(self, message: ChaincodeMessage) -> None:
        async with self._lock:
            await self._context.write(message)


class Requests:
    """Ledger calls under way, one at a time in a transaction: the peer's answers name nothing else."""

    def __init__(self, stream: OneAtATime) -> None:
        self._stream = stream
        self._waiting: defaultdict[tuple[str, str], deque[Any]] = defaultdict(deque)

    async def queue_msg(self, request: Any) -> None:
        """Send the call, or let it wait for the transaction's call before it."""
        queue = self._waiting[_transaction(request.get_msg())]
        queue.append(request)
        if len(queue) == 1:
            await self._stream.write(request.get_msg())

    async def handle_msg_response(self, answer: ChaincodeMessage) -> None:
        """Give the peer's answer to the call that waits for it, and send the next one."""
        transaction = _transaction(answer)
        queue = self._waiting.get(transaction)
        if not queue:
            LOG.warning("transaction %s: an answer that nobody waits for", answer.txid)
            return
        request = queue.popleft()
        # A transaction that was cancelled has nobody left to tell.
        if not request.future.done():
            if answer.type == ChaincodeMessage.ERROR:
                request.future.set_exception(PeerError(answer.payload.decode(errors="replace")))
            else:
                request.future.set_result(answer)
        if queue:
            await self._stream.write(queue[0].get_msg())
        else:
            del self._waiting[transaction]


class PeerStream(Handler):
    """Registers at one peer and answers its transactions until the connection ends."""

    async def chat_with_peer(self, stream: AsyncIterable[ChaincodeMessage], context: Any) -> None:
        """Serve one connection."""
        self.context = OneAtATime(context)
        self.msg_queue_handler = Requests(self.context)
        register = ChaincodeMessage(
            type=ChaincodeMessage.REGISTER, payload=self.chaincode_id.SerializeToString()
        )
        await self.context.write(register)
        try:
            async for message in stream:
                starts = message.type in (ChaincodeMessage.INIT, ChaincodeMessage.TRANSACTION)
                if starts and self.state == STATES.READY:
                    # It must not hold up the stream: its ledger calls are answered through it.
                    self._track_task(self.handle_message(message))
                else:
                    await self.handle_message(message)
        finally:
            # Nobody will answer their ledger calls any more.
            for task in tuple(self._pending_tasks):
                task.cancel()

    async def handle_stub_interaction(self, msg: ChaincodeMessage, action: str = "Invoke") -> None:
        """Run one transaction and send its result, whatever happens."""
        events: list[Any] = []
        try:
            arguments = ChaincodeInput.FromString(msg.payload)
            stub = ChaincodeStub(self, msg.channel_id, msg.txid, arguments, msg.proposal)
            response = await (self.chaincode.init(stub) if action == "Init" else self.chaincode.invoke(stub))
            events = stub.get_events()
        except Exception as problem:
            LOG.exception("transaction %s failed", msg.txid)
            response = error(f"{type(problem).__name__}: {problem}")
        completed = ChaincodeMessage(
            type=ChaincodeMessage.COMPLETED,
            payload=response.SerializeToString(),
            txid=msg.txid,
            channel_id=msg.channel_id,
        )
        if events and response.status < ResponseCode.ERRORTHRESHOLD:
            # A transaction has one event: the last, as in the Go shim.
            completed.chaincode_event.CopyFrom(events[-1])
        await self.context.write(completed)


def _transaction(message: ChaincodeMessage) -> tuple[str, str]:
    return message.channel_id, message.txid
