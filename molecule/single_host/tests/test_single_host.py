"""Everything on one host: what runs, what it answers, and that it comes back by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docker
import yaml
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import inspect, the_host
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.playing import changed_of, play
from ansible_collections.selvedge.fabric.molecule.shared.testing.waiting import eventually
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "inventory/single_host/group_vars/all/network.yml"
Containers = dict[str, dict[str, Any]]


def on_the_host(*command: str) -> str:
    return str(the_host("fabric1").check_output(" ".join(["%s"] * len(command)), *command))


def states() -> dict[str, tuple[str, str]]:
    found = inspect(on_the_host)
    return {key: (item["State"]["Status"], item["State"]["Health"]["Status"]) for key, item in found.items()}


def test_it_is_the_inventory_that_an_operator_gets(deployment: Deployment) -> None:
    assert (
        deployment.variables["fabric1"]["selvedge_network"]
        == yaml.safe_load(MODEL.read_text())["selvedge_network"]
    )


def test_everything_of_the_model_runs_on_the_host(deployment: Deployment, ledger: Ledger) -> None:
    network = deployment.network
    wanted = {service.name for service in network.services("fabric1")}
    wanted |= {f"{name}.{network.settings['domain']}" for name in ("store", "registry")}
    assert len(wanted) == 12, "3 CAs, 3 orderers, 2 peers with a chaincode each, the store and the registry"
    assert states() == dict.fromkeys(wanted, ("running", "healthy"))


def test_two_organisations_endorse_and_every_peer_reads(ledger: Ledger) -> None:
    asset, result = ledger.create()
    ledger.wait_for(result.tx_id)
    assert ledger.endorsers(ledger.peers[0], result.tx_id) == ledger.msp_ids
    for peer in ledger.peers:
        assert ledger.read(peer, asset)["owner"] == "alice"


def test_a_second_run_changes_nothing(deployment: Deployment) -> None:
    done = play(deployment.inventory, "playbooks/site.yml")
    assert changed_of(done) == {"fabric1": 0}, done
    play(deployment.inventory, "playbooks/verify.yml")


def test_it_comes_back_from_a_reboot(deployment: Deployment, ledger: Ledger) -> None:
    """Store, agent and nodes boot together: nothing else is there to wait for."""
    before = states()
    machine = docker.from_env().containers.get(f"{deployment.lab_name}-fabric1")
    machine.kill("SIGRTMIN+3")
    machine.wait(timeout=60)
    machine.start()

    def healthy() -> None:
        assert states() == dict.fromkeys(before, ("running", "healthy"))

    eventually(healthy, 240, RuntimeError)
    asset, result = eventually(lambda: ledger.create(timeout_s=20), 90, FabricError)
    ledger.wait_for(result.tx_id)
    assert not on_the_host("systemctl", "list-units", "--failed", "--no-legend", "--plain")
