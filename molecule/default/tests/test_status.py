"""`status.yml` on the deployed lab: all of it is told; then faults, of which it tells, and it still ends well."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.faults import stopped
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import the_host
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.playing import ROOT, changed_of, play
from ansible_collections.selvedge.fabric.plugins.module_utils.version import VERSION


class Status:
    """Runs the playbook, and reads what it says."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self._inventory = deployment.inventory
        self.page = folder / "status.html"

    def __call__(self, *options: str) -> str:
        """Its output. It ends well, whatever it finds, and changes nothing."""
        said = play(self._inventory, "playbooks/status.yml", "-e", f"status_page={self.page}", *options)
        assert set(changed_of(said).values()) == {0}
        return said


def rows(output: str, head: str) -> dict[str, list[str]]:
    """The lines of a section of the table, as words, by their first one."""
    # What Ansible says of a host before may begin with the same words.
    report = output[output.index("\n        Network ") :]
    lines = [line.strip() for line in report.splitlines()]
    start = next(place for place, line in enumerate(lines) if line.startswith(f"{head} "))
    section = lines[start + 1 :]
    return {line.split()[0]: line.split() for line in section[: section.index("")]}


@pytest.fixture
def status(deployment: Deployment, tmp_path: Path) -> Status:
    return Status(deployment, tmp_path)


def test_everything_is_told(deployment: Deployment, ledger: Ledger, status: Status) -> None:
    said = status()
    network = deployment.network
    assert f"Network {network.name}: All is well" in said, said
    nodes = rows(said, "node")
    services = [*network.cas, *network.orderers, *network.peers]
    assert set(nodes) == {"store", *(service.name for service in services)}
    assert {row[4] for row in nodes.values()} == {"healthy"}
    for service in services:
        assert nodes[service.name][1:4] == [service.kind, service.organization, service.host.name]
    for channel in network.settings["channels"]:
        row = rows(said, "channel")[channel["name"]]
        assert row[1] == "healthy" and int(row[2]) > 0
        assert row[3] in {orderer.name for orderer in network.orderers}
    for chaincode in network.settings["chaincodes"]:
        row = rows(said, "chaincode")[f"{chaincode['channel']}/{chaincode['name']}"]
        assert row[1:3] == ["healthy", str(chaincode["version"])]


def test_hosts_tell_of_their_engine_and_containers(deployment: Deployment, status: Status) -> None:
    found = rows(status(), "host")
    assert set(found) == set(deployment.variables)
    for name, row in found.items():
        running = the_host(name).check_output("docker ps --quiet").split()
        engine = the_host(name).check_output("docker version --format '{{.Server.Version}}'")
        line = " ".join(row)
        assert row[1] == "healthy" and f" {len(running)} of {len(running)} " in line, line
        assert VERSION in row and engine.strip() in row


def test_the_page_is_the_same_by_itself(deployment: Deployment, status: Status) -> None:
    status()
    text = status.page.read_text()
    network = deployment.network
    names = [
        service.name for service in [*network.cas, *network.orderers, *network.peers, *network.chaincodes]
    ]
    assert [name for name in [*names, *deployment.variables] if name not in text] == []
    assert "All is well" in text
    assert "<script" not in text and "http://" not in text and "https://" not in text
    assert "PRIVATE KEY" not in text


def test_the_page_lies_beside_the_inventory_unless_told_otherwise(deployment: Deployment) -> None:
    play(deployment.inventory, "playbooks/status.yml")
    assert (deployment.state_dir / "status.html").is_file()


def test_a_peer_that_is_stopped(deployment: Deployment, status: Status, restartable: None) -> None:
    peer = deployment.network.peers[-1]
    with stopped(peer):
        said = status()
    address = f"{peer.host.reach}:{peer.ports['main']}"
    assert f"{peer.name} is unhealthy: does not answer: neither gRPC {address} nor operations" in said
    assert f"container {peer.name} is exited with" in said
    assert rows(said, "host")[peer.host.name][1] == "unhealthy"
    others = [other.name for other in deployment.network.peers[:-1]]
    assert {rows(said, "node")[name][4] for name in others} == {"healthy"}
    total = len(deployment.network.peers)
    for chaincode in deployment.network.settings["chaincodes"]:
        row = rows(said, "chaincode")[f"{chaincode['channel']}/{chaincode['name']}"]
        assert " ".join(row[4:7]) == f"{total - 1} of {total}", "the others are still asked"
    done = subprocess.run(
        ["ansible-playbook", "-i", str(deployment.inventory), "playbooks/start.yml"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]


def test_a_host_that_cannot_be_reached(deployment: Deployment, status: Status, tmp_path: Path) -> None:
    """Its nodes answer all the same; the first host of the inventory is the one on which least may hang."""
    first = next(iter(deployment.variables))
    overlay = tmp_path / "overlay.yml"
    overlay.write_text(yaml.safe_dump({"all": {"hosts": {first: {"ansible_port": 1}}}}))
    said = status("-i", str(overlay))
    assert f"{first} is unhealthy: cannot be reached" in said
    assert "next: preflight.yml tells what is wrong with it" in said
    assert "1 thing is not well" in said
    assert {row[4] for row in rows(said, "node").values()} == {"healthy"}


def test_with_limit_others_are_not_asked(deployment: Deployment, status: Status) -> None:
    last = list(deployment.variables)[-1]
    found = rows(status("--limit", last), "host")
    assert {name: row[1] for name, row in found.items()} == {
        name: "healthy" if name == last else "unknown" for name in deployment.variables
    }
