"""What check mode knows of services that a run would start first: nothing but the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import make_root
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import (
    Secret,
    SecretsBackend,
    SecretsError,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import open_store

# The name of the secrets store among services.
STORE = "store"
PLANNED_ARGUMENTS: dict[str, Any] = {
    "new_services": {"type": "list", "elements": "str", "default": []},
    "stopped_services": {"type": "list", "elements": "str", "default": []},
}


@dataclass(frozen=True)
class Planned:
    """Services that do not answer yet. Empty outside of check mode.

    :param new: those that a run would create; they hold nothing
    :param stopped: those that a run would start, or move to other ports; what they hold is taken to be as it should
    """

    new: frozenset[str] = frozenset()
    stopped: frozenset[str] = frozenset()

    @classmethod
    def from_options(cls, params: Mapping[str, Any], check_mode: bool) -> Planned:
        if not check_mode:
            return cls()
        return cls(frozenset(params["new_services"]), frozenset(params["stopped_services"]))

    def silent(self, name: str) -> bool:
        return name in self.new or name in self.stopped


class NewStore(SecretsBackend):
    """A store that has nothing in it yet."""

    def get(self, path: str) -> Secret | None:
        return None

    def get_many(self, paths: Sequence[str]) -> dict[str, Secret | None]:
        return dict.fromkeys(paths)

    def list(self, path: str) -> list[str]:
        return []

    def write(self, path: str, fields: dict[str, str], expected_version: int | None = None) -> int:
        raise SecretsError("a store that is only planned cannot be written to", path)

    def delete(self, path: str) -> None:
        raise SecretsError("a store that is only planned cannot be written to", path)


class Enrolled:
    """Reads secrets as they will be: what is not enrolled yet has a certificate that says so."""

    def __init__(self, store: SecretsBackend) -> None:
        self._store = store

    def read(self, path: str) -> dict[str, str] | None:
        found = self._store.read(path)
        if found is not None:
            return found
        made = make_root("not enrolled yet", "Selvedge", 1)
        certificates = dict.fromkeys(("sign_cert", "tls_cert", "ca_cert", "tls_ca_cert"), made.cert_pem)
        return {**certificates, "sign_key": made.key_pem, "tls_key": made.key_pem}


def open_planned(options: dict[str, Any], planned: Planned) -> SecretsBackend:
    """The store, or an empty one where a run would create it first. Raises SecretsError, also for a stopped one."""
    if STORE in planned.stopped:
        raise SecretsError(
            "the store does not answer where the model has it, so nothing can be planned",
            next_step="run start.yml where it does not run, then plan; that it moves to another port is not planned",
        )
    return NewStore() if STORE in planned.new else open_store(options)
