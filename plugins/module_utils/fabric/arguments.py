"""What the modules that talk to Fabric have in common: options, and how errors reach the operator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import (
    STORE_ARGUMENT,
    open_store,
)

SHARED_ARGUMENTS: dict[str, Any] = {
    "topology": {"type": "dict", "required": True},
    "store": STORE_ARGUMENT,
    "timeout": {"type": "int", "default": 120},
}


class _Failing(Protocol):
    def fail_json(self, msg: str, **kwargs: Any) -> Any: ...


@contextmanager
def failures(module: _Failing) -> Iterator[None]:
    """Turn the library's typed errors inside the block into the module's failure."""
    try:
        yield
    except (FabricError, SecretsError) as error:
        module.fail_json(msg=str(error))


def open_topology(params: Mapping[str, Any]) -> Topology:
    """The network as ``topology`` and ``store`` describe it. Raises FabricError, SecretsError."""
    try:
        return Topology.from_option(params["topology"], open_store(params["store"]))
    except (KeyError, TypeError) as error:
        raise FabricError(
            f"the topology option is wrong: {error}", next_step="make it with the collection's own filter"
        ) from error
