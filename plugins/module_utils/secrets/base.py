"""What every secrets backend offers, and the one registry of them."""

from __future__ import annotations

from abc import ABC, abstractmethod


class SecretsError(Exception):
    """A secrets store refused or could not be reached.

    :param what: what was tried and what came back
    :param where: the store's address or the secret's path
    :param next_step: what the operator can do
    """

    def __init__(self, what: str, where: str = "", next_step: str = "") -> None:
        self.what, self.where, self.next_step = what, where, next_step
        at = f" (at {where})" if where else ""
        then = f". Next: {next_step}" if next_step else ""
        super().__init__(f"{what}{at}{then}")


class SecretsBackend(ABC):
    """A store of secrets, addressed as ``<mount>/<path>``; a secret is a flat map of strings."""

    @abstractmethod
    def read(self, path: str) -> dict[str, str] | None:
        """Return the newest version of the secret, or None when there is none."""

    @abstractmethod
    def write(self, path: str, fields: dict[str, str]) -> int:
        """Write a new version, replacing all fields; return its number."""

    @abstractmethod
    def list(self, path: str) -> list[str]:
        """Names below ``<mount>/<path>``, folders with a trailing slash; empty when there is nothing."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Remove the secret with all its versions."""
