"""GET requests to a port that takes connections, with nobody behind it who speaks."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.operations import get
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint
from ansible_collections.selvedge.fabric.tests.live.pki import Authority


def ended(connection: socket.socket) -> None:
    """The hello was read, and the connection ends in order."""
    connection.recv(65536)
    connection.close()


def reset(connection: socket.socket) -> None:
    """An engine's proxy that could not reach its container may do so, or the other: it depends on who is first."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("end", [ended, reset])
def test_a_connection_that_is_just_closed_is_no_answer(end: Callable[[socket.socket], None]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: end(server.accept()[0]))
        thread.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(NotReadyError):
            get(Endpoint(address, "peer0.org1.lab", Authority("tlsca").cert), ["/healthz"], 5)
        thread.join()
