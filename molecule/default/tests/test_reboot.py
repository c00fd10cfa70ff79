"""A host that was shut down or lost its power comes back by itself: no controller, no person, nothing made anew.

A lab host's restart is its reboot: memory file systems are gone, systemd starts from the disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import docker
import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import inspect, the_host
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.waiting import eventually
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError

# A host of the lab boots in about 10 s, and a node is called healthy by its second check at the latest.
_BACK_S = 180


def run_on(host_name: str) -> Callable[..., str]:
    def run(*command: str) -> str:
        done = the_host(host_name).run(" ".join(["%s"] * len(command)), *command)
        assert done.rc == 0, done.stderr
        return str(done.stdout)

    return run


def containers(host_name: str) -> dict[str, dict[str, Any]]:
    return inspect(run_on(host_name))


def states(host_name: str) -> dict[str, tuple[str, str]]:
    return {
        name: (item["State"]["Status"], item["State"].get("Health", {}).get("Status", ""))
        for name, item in containers(host_name).items()
    }


def of_role(deployment: Deployment, role: str) -> str:
    """The store's host, or a host that is neither the store's nor the registry's."""
    special = [deployment.network.store_host.name, deployment.network.registry_host.name]
    return (
        special[0]
        if role == "store"
        else [name for name in deployment.network.hosts if name not in special][-1]
    )


# What a host's systemd shuts down for, and what it never hears of. (SIGTERM, which `docker restart` sends, it ignores.)
@pytest.mark.parametrize(
    ("role", "signal"),
    [("plain", "SIGKILL"), ("store", "SIGRTMIN+3")],
    ids=["power-loss", "shutdown-of-the-store"],
)
def test_a_host_comes_back(
    deployment: Deployment,
    ledger: Ledger,
    restartable: None,
    role: str,
    signal: str,
    record_property: Callable[[str, Any], None],
) -> None:
    name = of_role(deployment, role)
    before = containers(name)
    elsewhere = next(
        peer for peer in ledger.peers if deployment.network.hosts[name].reach not in peer.address
    )
    _unused, first = ledger.create(through=elsewhere)
    ledger.wait_for(first.tx_id)

    machine = docker.from_env().containers.get(f"{deployment.lab_name}-{name}")
    machine.kill(signal)
    machine.wait(timeout=60)
    # The others go on meanwhile, after a moment to find out who is gone and to elect a leader.
    _unused, meanwhile = eventually(lambda: ledger.create(through=elsewhere, timeout_s=20), 90, FabricError)
    machine.start()
    started = time.monotonic()

    def healthy() -> None:
        assert states(name) == dict.fromkeys(before, ("running", "healthy"))

    eventually(healthy, _BACK_S, RuntimeError)
    record_property("seconds_until_healthy", round(time.monotonic() - started, 1))
    after = containers(name)
    assert {key: item["Id"] for key, item in after.items()} == {
        key: item["Id"] for key, item in before.items()
    }
    assert all(after[key]["State"]["StartedAt"] != before[key]["State"]["StartedAt"] for key in before)

    # In step: what it has missed and what is new reaches this host's peers, and everybody ends with the same block.
    _unused, second = eventually(lambda: ledger.create(through=elsewhere), 60, FabricError)
    ledger.wait_for(meanwhile.tx_id)
    ledger.wait_for(second.tx_id)
    chains = ledger.chains()
    assert len({(chain.height, chain.current_block_hash) for chain in chains.values()}) == 1
    assert second.block_number > meanwhile.block_number > first.block_number
    # Its peers take transactions again themselves, so they know who else is there.
    for peer in [peer for peer in ledger.peers if deployment.network.hosts[name].reach in peer.address]:
        _unused, third = eventually(lambda peer=peer: ledger.create(through=peer), 60, FabricError)
        ledger.wait_for(third.tx_id)
    # Every host still gets its secrets.
    eventually(lambda: deployment.store.list(deployment.network.cas[0].organization), 60, SecretsError)
    failed = run_on(name)("systemctl", "list-units", "--failed", "--no-legend", "--plain")
    assert not failed
