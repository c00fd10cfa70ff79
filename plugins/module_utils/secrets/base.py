"""What every secrets backend offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field


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


class AbsentError(SecretsError):
    """The store answered that what was asked for is not there."""


@dataclass(frozen=True)
class Secret:
    """One version of a secret.

    :param fields: field name to value; never printed
    :param version: the store's version number of it, counted from 1
    """

    fields: dict[str, str] = field(repr=False)
    version: int


class SecretsBackend(ABC):
    """A store of secrets, addressed as ``<mount>/<path>``; a secret is a flat map of strings.

    Safe to use from several threads. Every method raises SecretsError when the store refuses or is silent.
    """

    @abstractmethod
    def get(self, path: str) -> Secret | None:
        """Return the newest version of the secret, or None when there is none."""

    @abstractmethod
    def write(self, path: str, fields: dict[str, str], expected_version: int | None = None) -> int:
        """Write a new version, replacing all fields; return its number.

        :param expected_version: refuse unless this is the newest version; 0 means that there must be none
        """

    @abstractmethod
    def list(self, path: str) -> list[str]:
        """Names below ``<mount>/<path>``, folders with a trailing slash; empty when there is nothing."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Remove the secret with all its versions."""

    @abstractmethod
    def get_many(self, paths: Sequence[str]) -> dict[str, Secret | None]:
        """``get`` for several paths at once, concurrently where the backend can."""

    def read(self, path: str) -> dict[str, str] | None:
        """Return the fields of the newest version, or None when there is no such secret."""
        secret = self.get(path)
        return None if secret is None else secret.fields


def changed_fields(before: dict[str, str] | None, after: dict[str, str] | None) -> dict[str, str]:
    """Say per field name whether it is added, removed, changed or unchanged, without any value."""
    old, new = before or {}, after or {}

    def verdict(name: str) -> str:
        if name not in old:
            return "added"
        if name not in new:
            return "removed"
        return "unchanged" if old[name] == new[name] else "changed"

    return {name: verdict(name) for name in sorted({*old, *new})}
