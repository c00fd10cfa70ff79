"""What the modules that talk to Fabric have in common: options, and how errors reach the operator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.planned import (
    Enrolled,
    Planned,
    open_planned,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import SecretReader, Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.module import Module
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import (
    STORE_ARGUMENT,
)

SHARED_ARGUMENTS: dict[str, Any] = {
    "topology": {"type": "dict", "required": True},
    "store": STORE_ARGUMENT,
    "timeout": {"type": "int", "default": 120},
}


@contextmanager
def failures(module: Module) -> Iterator[None]:
    """Turn the library's typed errors inside the block into the module's failure."""
    try:
        yield
    except (FabricError, SecretsError) as error:
        module.fail_json(msg=str(error))


def open_topology(params: Mapping[str, Any], planned: Planned | None = None) -> Topology:
    """The network as ``topology`` and ``store`` describe it. Raises FabricError, SecretsError.

    :param planned: in check mode, what a run would start first; secrets that are not enrolled yet are made up then
    """
    try:
        backend = open_planned(params["store"], planned or Planned())
        store: SecretReader = backend if planned is None else Enrolled(backend)
        return Topology.from_option(params["topology"], store, planned)
    except (KeyError, TypeError) as error:
        raise FabricError(
            f"the topology option is wrong: {error}", next_step="make it with the collection's own filter"
        ) from error
