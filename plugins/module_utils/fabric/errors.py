"""The one error type that the Fabric client raises.

Library code says what failed, where, and what the operator can do next. Only a module's entry point turns it
into ``fail_json``.
"""

from __future__ import annotations


class FabricError(Exception):
    """Something that the Fabric client could not do.

    :param what: what was tried and what came back, in one sentence
    :param where: the node or file that it happened at (``"orderer1.orderer.lab 127.0.10.1:7053"``)
    :param next_step: what to look at or change; empty when there is nothing sensible to say
    """

    def __init__(self, what: str, where: str = "", next_step: str = "") -> None:
        self.what = what
        self.where = where
        self.next_step = next_step
        super().__init__(str(self))

    def __str__(self) -> str:
        at = f" (at {self.where})" if self.where else ""
        then = f". Next: {self.next_step}" if self.next_step else ""
        return f"{self.what}{at}{then}"


class NotReadyError(FabricError):
    """A node is not there yet; trying again may help. Raised for unreachable or still starting endpoints."""


class NoAnswerError(NotReadyError):
    """Nothing came back in time, not even a refusal."""
