"""A network across both kinds of hosts: healthy, confidential as far as each host can be, and back after a reboot."""

from __future__ import annotations

import docker
import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import inspect, the_host
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.playing import changed_of, play
from ansible_collections.selvedge.fabric.molecule.shared.testing.waiting import eventually
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.tests.leaks.check import run

_BACK_S = 180


def test_the_network_is_healthy(deployment: Deployment) -> None:
    play(deployment.inventory, "playbooks/verify.yml")


def test_both_compose_releases_foresee_nothing_and_do_nothing(deployment: Deployment) -> None:
    for options in (("--check", "--diff"), ()):
        done = play(deployment.inventory, "playbooks/site.yml", *options)
        assert changed_of(done) == dict.fromkeys(deployment.variables, 0), done


def test_a_host_that_cannot_seal_has_it_in_the_clear_for_root_alone() -> None:
    host = the_host("bookworm")
    names = [f"store-{name}" for name in ("ca_cert", "seal_key", "server_cert", "server_key")]
    names += [f"registry-{name}" for name in ("ca_cert", "server_cert", "server_key")] + ["agent-secret_id"]
    assert set(host.file("/etc/credstore").listdir()) == {f"selvedge-{name}" for name in names}
    for name in names:
        file = host.file(f"/etc/credstore/selvedge-{name}")
        assert (file.mode, file.uid, file.is_file) == (0o600, 0, True), name
    sealed = host.file("/etc/credstore.encrypted")
    assert not sealed.exists or sealed.listdir() == []
    unit = host.check_output("systemctl cat selvedge-agent.service selvedge-material-store.service")
    assert "LoadCredential=secret_id:/etc/credstore/selvedge-agent-secret_id" in unit
    assert "LoadCredential=seal_key:/etc/credstore/selvedge-store-seal_key" in unit
    assert "LoadCredentialEncrypted" not in unit


def test_a_host_that_can_seal_does() -> None:
    host = the_host("trixie")
    assert host.file("/etc/credstore.encrypted").listdir() == ["selvedge-agent-secret_id"]
    clear = host.file("/etc/credstore")
    assert not clear.exists or clear.listdir() == []


def test_nothing_leaks_beyond_the_boot_material(deployment: Deployment) -> None:
    """The closed list holds for a host without a seal too: this file and no other, in the clear."""
    report = run(deployment, controller=False)
    assert not report.findings, report.text()
    assert not any(report.notes.values()), report.text()


def states(name: str) -> dict[str, tuple[str, str]]:
    found = inspect(lambda *command: the_host(name).check_output(" ".join(["%s"] * len(command)), *command))
    return {key: (item["State"]["Status"], item["State"]["Health"]["Status"]) for key, item in found.items()}


@pytest.mark.parametrize("name", ["trixie", "bookworm"])
def test_a_host_comes_back_from_a_reboot(deployment: Deployment, ledger: Ledger, name: str) -> None:
    before = states(name)
    machine = docker.from_env().containers.get(f"{deployment.lab_name}-{name}")
    machine.kill("SIGRTMIN+3")
    machine.wait(timeout=60)
    machine.start()

    def healthy() -> None:
        assert states(name) == dict.fromkeys(before, ("running", "healthy"))

    eventually(healthy, _BACK_S, RuntimeError)
    _unused, result = eventually(lambda: ledger.create(timeout_s=20), 90, FabricError)
    ledger.wait_for(result.tx_id)
    assert not the_host(name).check_output("systemctl list-units --failed --no-legend --plain")
