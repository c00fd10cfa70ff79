"""`preflight.yml` on the deployed lab: nothing is wrong; then real faults, one by one, each told and healed."""

from __future__ import annotations

import copy
import os
import subprocess
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.faults import foreign_registry, sealed
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import the_host
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.waiting import eventually
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError

ROOT = Path(__file__).resolve().parents[3]
LISTENER = "selvedge-test-listener"
PORT = 17051


class Preflight:
    """Runs the playbook."""

    def __init__(self, inventory: Path) -> None:
        self._inventory = inventory

    def __call__(self, *options: str) -> tuple[bool, str]:
        """Whether the hosts are fit, and the output with single blanks."""
        env = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_VERBOSITY": "0",
        }
        command = ["ansible-playbook", "-i", str(self._inventory), *options, "playbooks/preflight.yml"]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 2), done.stdout + done.stderr
        return done.returncode == 0, " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def preflight(deployment: Deployment) -> Preflight:
    return Preflight(deployment.inventory)


def run(host: str, command: str) -> str:
    """A command of the shell on a host, which must succeed."""
    return str(the_host(host).check_output(command))


def until_open(host: str, port: int) -> None:
    """Wait until something listens on a port of a host."""
    ask = f'import socket; socket.create_connection(("127.0.0.1", {port}), 2)'
    eventually(lambda: run(host, f"python3 -c '{ask}'"), 30)


def test_nothing_is_wrong_with_a_deployed_lab(deployment: Deployment, preflight: Preflight) -> None:
    fit, output = preflight("-e", "preflight_show_all=true")
    assert fit, output
    assert " failed " not in output
    for name in [*deployment.network.hosts, "controller"]:
        for server in ("registry", "store"):
            assert f"{name} {server} ok" in output
    for name in deployment.network.hosts:
        assert f"{name} clock ok in step with the controller's" in output
        ports = next(part for part in output.split(f"{name} ports ok ")[1:])
        assert "free" not in ports.split(name)[0], "every port is held by its own container"


def test_a_disk_without_room(deployment: Deployment, preflight: Preflight) -> None:
    fit, output = preflight("-e", "preflight_min_disk=1000000")
    assert not fit
    for name in deployment.network.hosts:
        assert f"{name} disk failed /var/lib/selvedge (for /var/lib/selvedge, /var/lib/docker) has " in output
    assert (
        "wanted are 1000000.0 GiB Next: free or add space; preflight_min_disk (GiB) sets what is wanted"
        in output
    )


@pytest.fixture
def moved(deployment: Deployment, tmp_path: Path) -> Path:
    """A second inventory source in which the last peer has another port."""
    text = (deployment.inventory / "group_vars/all/network.yml").read_text()
    model: dict[str, Any] = copy.deepcopy(yaml.safe_load(text))
    organization = [org for org in model["selvedge_network"]["organizations"] if org.get("peers")][-1]
    organization["peers"][-1]["port"] = PORT
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text(yaml.safe_dump(model))
    (tmp_path / "hosts.yml").write_text("all: {}\n")
    return tmp_path


def test_a_port_in_other_hands(
    deployment: Deployment, preflight: Preflight, moved: Path, restartable: None
) -> None:
    peer = deployment.network.peers[-1]
    host = peer.host.name
    run(host, f"systemd-run --unit {LISTENER} /usr/bin/python3 -m http.server {PORT}")
    try:
        pid = run(host, f"systemctl show --value --property MainPID {LISTENER}").strip()
        until_open(host, PORT)
        fit, output = preflight("-i", str(moved))
    finally:
        run(host, f"systemctl stop {LISTENER}")
    key = f"organizations[{peer.organization}].peers[{peer.settings['name']}].port"
    assert not fit
    assert f"{host} ports failed {PORT} ({peer.name}) is held by python3 (pid {pid})" in output
    assert f"Next: stop it, or give the service another port in the model ({key})" in output
    assert preflight("-i", str(moved))[0]


def test_a_registry_that_stopped(deployment: Deployment, preflight: Preflight, restartable: None) -> None:
    network = deployment.network
    host, container = network.registry_host.name, f"registry.{network.settings['domain']}"
    run(host, f"docker stop {container}")
    try:
        fit, output = preflight()
    finally:
        run(host, f"docker start {container}")
    assert not fit
    for name in network.hosts:
        assert f"{name} registry failed {network.registry_address} refuses the connection" in output
    assert f"Next: on {host}: systemctl status selvedge-stack@registry, docker logs {container}" in output
    eventually(
        lambda: run(host, f"docker inspect -f '{{{{.State.Health.Status}}}}' {container} | grep -x healthy"),
        60,
    )
    assert preflight()[0]


def test_a_registry_with_a_certificate_of_another_authority(
    deployment: Deployment, preflight: Preflight, restartable: None
) -> None:
    network = deployment.network
    with foreign_registry(deployment):
        fit, output = preflight()
    assert not fit
    for name in [*network.hosts, "controller"]:
        assert f"{name} registry failed" in output
    assert (
        "has a certificate of another authority: 'CN=registry.acme,O=Acme', issued by 'CN=another CA,O=Acme'"
        in output
    )
    eventually(lambda: _green(preflight), 60)


def test_a_store_that_stopped(deployment: Deployment, preflight: Preflight, restartable: None) -> None:
    network = deployment.network
    host, container = network.store_host.name, f"store.{network.settings['domain']}"
    run(host, f"docker stop {container}")
    try:
        fit, output = preflight()
    finally:
        run(host, f"docker start {container}")
    assert not fit
    port = network.settings["secrets_store"]["port"]
    for name in network.hosts:
        assert f"{name} store failed {network.store_host.address}:{port} refuses the connection" in output
    # The lab's own forwarding takes the controller's connection.
    assert "controller store failed " in output
    assert f"Next: on {host}: systemctl status selvedge-stack@store, docker logs {container}" in output
    eventually(lambda: _green(preflight), 60)


def test_a_store_that_is_sealed(deployment: Deployment, preflight: Preflight, restartable: None) -> None:
    network = deployment.network
    with sealed(deployment):
        fit, output = preflight()
    assert not fit
    for name in [*network.hosts, "controller"]:
        assert f"{name} store failed " in output
    assert "is sealed" in output
    assert (
        f"Next: on {network.store_host.name}: systemctl restart selvedge-material-store selvedge-stack@store"
        in output
    )
    eventually(lambda: _green(preflight), 60)


def test_a_firewall_between_two_hosts(
    deployment: Deployment, preflight: Preflight, restartable: None
) -> None:
    """Rules that drop what one host sends to a peer of another."""
    peer = deployment.network.peers[-1]
    source = next(node.host for node in deployment.network.peers if node.host.name != peer.host.name)
    port = peer.ports["main"]
    rule = f"PREROUTING --table raw --protocol tcp --source {source.address} --dport {port} --jump DROP"
    run(peer.host.name, f"iptables --insert {rule}")
    try:
        fit, output = preflight()
    finally:
        run(peer.host.name, f"iptables --delete {rule}")
    assert not fit
    assert (
        f"{source.name} network failed {peer.host.name} ({peer.host.address}): no answer on port {port} Next: open "
        f"these TCP ports from {source.name} to {peer.host.name} in the firewalls"
    ) in output
    assert preflight()[0]


def test_a_host_that_hangs(
    deployment: Deployment, preflight: Preflight, ledger: Ledger, restartable: None
) -> None:
    """An open SSH connection does not hide it, the others are told of all the same, and it ends in time."""
    special = {deployment.network.store_host.name, deployment.network.registry_host.name}
    host = next(name for name in deployment.network.hosts if name not in special)
    assert preflight()[0]
    machine = docker.from_env().containers.get(f"{deployment.lab_name}-{host}")
    machine.pause()
    try:
        fit, output = preflight("-e", "ansible_timeout=5")
    finally:
        machine.unpause()
    assert not fit
    assert f"{host} reachable failed ssh " in output
    assert "does not answer" in output
    for name in special:
        assert f"{name} registry failed" not in output
    # Back again, and in step.
    _unused, result = eventually(ledger.create, 90, FabricError)
    eventually(lambda: ledger.wait_for(result.tx_id), 90, FabricError)
    eventually(lambda: _green(preflight), 60)


def _green(preflight: Preflight) -> None:
    fit, output = preflight()
    assert fit, output
