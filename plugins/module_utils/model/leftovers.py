"""What a host still has of services that the model no longer puts there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model import units
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import (
    AGENT,
    CLEAR_CREDENTIALS,
    COUCHDB_CONFIG,
    CREDENTIALS,
    MONITORING,
    SECRETS,
    STACKS,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import COUCHDB

# Stacks and secrets that are no service of the ledger; they are placed by the model's keys of these names.
_FIXED = ("store", "registry")
_MONITORING = "monitoring"


def leftovers(view: Mapping[str, Any], found: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Compare what is on the host with its view.

    :param view: ``host_view``; of its stacks the names and the services count, whether it needs the agent, and how
        its credential is kept
    :param found: the names in ``STACKS``, ``SECRETS`` and ``AGENT`` on the host, by folder
    :return: ``services`` that left, ``stacks`` of which nothing is left, their ``units``, and ``paths`` to remove

    The registry's and the store's own are left alone: they move only by hand.
    """
    wanted = {name for project in view["stacks"].values() for name in project["services"]}
    services = [name for name in found.get(SECRETS, ()) if name not in wanted and name not in _FIXED]
    stacks = [name for name in found.get(STACKS, ()) if name not in view["stacks"] and name not in _FIXED]
    # Nobody renders secrets for a host without services; its agent would bring back what is removed here.
    agent = bool(found.get(AGENT)) and not view["agent"]
    credentials = CLEAR_CREDENTIALS if view["seal"] == "none" else CREDENTIALS
    return {
        "services": services,
        "stacks": stacks,
        "units": [*(units.stack_unit(name) for name in stacks), *([units.AGENT_UNIT] if agent else [])],
        "paths": [
            *(f"{STACKS}/{name}" for name in stacks),
            *(f"{SECRETS}/{name}" for name in services),
            *([MONITORING] if _MONITORING in stacks else []),
            *(
                [COUCHDB_CONFIG]
                if any(map(_is_couchdb, services)) and not any(map(_is_couchdb, wanted))
                else []
            ),
            *([AGENT, f"{credentials}/selvedge-agent-secret_id"] if agent else []),
        ],
    }


def _is_couchdb(name: str) -> bool:
    return name.startswith(f"{COUCHDB}.")
