"""Which ports a service has on its host, unless the model says otherwise."""

from __future__ import annotations

from collections import Counter
from typing import Any

# First port of each kind; the n-th of a kind on one host adds ten times n. Last digits differ, so kinds never
# meet.
FIRST_PORTS = {
    "orderer": {"main": 7050, "admin": 7053, "operations": 9443},
    "peer": {"main": 7051, "operations": 9445},
    "ca": {"main": 7054, "operations": 9444},
}
PORT_KEYS = {"main": "port", "admin": "admin_port", "operations": "operations_port"}


class Ports:
    """Hands out ports host by host."""

    def __init__(self) -> None:
        self._count: Counter[tuple[str, str]] = Counter()

    def take(self, kind: str, host: str, settings: dict[str, Any]) -> dict[str, int]:
        """The ports of the next service of ``kind`` on ``host``, by use: ``main``, ``operations``, ``admin``."""
        index = self._count[kind, host]
        self._count[kind, host] += 1
        return {
            use: settings.get(PORT_KEYS[use]) or first + 10 * index
            for use, first in FIRST_PORTS[kind].items()
        }
