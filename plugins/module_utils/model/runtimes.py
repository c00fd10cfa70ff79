"""Container runtimes: which ones a host's services ask for, and how an engine is told of them."""

from __future__ import annotations

from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network

# Every engine has it.
DEFAULT = "runc"

# Values of `runtime` to their entry in the engine's daemon.json. Source: Docker's manual, "Alternative container
# runtimes", and the installation guides of gVisor and Kata Containers.
REGISTRATIONS: dict[str, dict[str, Any]] = {
    "crun": {"path": "/usr/bin/crun"},
    "kata": {"runtimeType": "io.containerd.kata.v2"},
    "runsc": {"path": "/usr/bin/runsc"},
}


def runtimes_of(network: Network, host: str) -> dict[str, dict[str, Any]]:
    """The runtimes beside runc that services of a host run with: name to its entry in ``daemon.json``.

    A name that this table does not have, which a model can state only where the engine knows it by itself, gets an
    empty entry.
    """
    named = {service.settings["runtime"] for service in network.services(host)}
    if network.store_host.name == host:
        named.add(network.settings["secrets_store"]["runtime"])
    return {name: dict(REGISTRATIONS.get(name, {})) for name in sorted(named - {DEFAULT})}
