"""An open loop: transactions are sent at fixed times, whether or not earlier ones have come back.

A client that waits for its answer would send less the slower the ledger is, and hide what it waits for.
"""

from __future__ import annotations

import contextvars
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.gateway import (
    commit_status,
    endorse,
    require_valid,
    submit,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.proposal import new_proposal

from .pairs import Timing

_TIMEOUT_S = 20.0


def offer(
    rate: float,
    count: int,
    send: Callable[[int, float], None],
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Call ``send`` with a number and the time that it was due at, ``count`` times, ``rate`` times a second.

    ``send`` must not wait for an answer. When it holds up the loop, what is overdue follows at once, on schedule.
    """
    start = now()
    for number in range(count):
        due = start + number / rate
        if (ahead := due - now()) > 0:
            sleep(ahead)
        send(number, due)


def run(transact: Callable[[int, float], Timing], rate: float, count: int) -> list[Timing]:
    """Offer ``count`` transactions and wait for all of them, each in a thread that is there when it is due.

    Inside ``transport.shared_channels`` they share connections.
    """
    futures: list[Future[Timing]] = []
    # It makes a thread only when none is idle.
    with ThreadPoolExecutor(max_workers=count) as pool:
        offer(
            rate,
            count,
            lambda number, due: futures.append(
                pool.submit(contextvars.copy_context().run, transact, number, due)
            ),
        )
        return [future.result() for future in futures]


def new_asset() -> list[bytes]:
    """The creation of an asset that nobody else creates."""
    return [b"create", f"bench-{uuid.uuid4().hex}".encode(), b"alice", b'{"colour": "blue"}']


class Client:
    """Sends transactions through one peer after the other, endorsed by every organisation, and takes the time.

    Whatever it needs of the store it has read when it is made.

    :param args: makes a function's name and its arguments
    """

    def __init__(self, ledger: Ledger, args: Callable[[], list[bytes]] = new_asset) -> None:
        topology = ledger.topology
        self._channel, self._chaincode = ledger.channel, ledger.chaincode
        self._endorsers, self._args = sorted(ledger.msp_ids), args
        self._entrances = [
            (topology.grpc_endpoint(peer), topology.signer(peer.organization)) for peer in ledger.peers
        ]

    def transact(self, number: int, due: float) -> Timing:
        begun = time.monotonic()
        endpoint, signer = self._entrances[number % len(self._entrances)]
        try:
            proposal = new_proposal(signer, self._channel, self._chaincode, self._args())
            endorsed = endorse(endpoint, proposal, self._endorsers, _TIMEOUT_S)
            submitted = time.monotonic()
            submit(endpoint, signer, endorsed, _TIMEOUT_S)
            status = commit_status(endpoint, signer, self._channel, proposal.tx_id, _TIMEOUT_S)
            committed = time.monotonic()
            require_valid(status, "a transaction of the bench", str(endpoint))
        except FabricError as error:
            return Timing(due, begun, error=str(error))
        return Timing(due, begun, submitted, committed)
