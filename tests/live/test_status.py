"""The role ``status`` on a live network, as a playbook runs it: well, with nodes and a host down, without its store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel import (
    apply_channel,
    plan_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import wait_until_healthy
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import ChannelMembers
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import NetworkCheck
from ansible_collections.selvedge.fabric.tests.live.network import LiveNetwork, running
from ansible_collections.selvedge.fabric.tests.live.stores import LiveStore, free_port, running_store
from ansible_collections.selvedge.fabric.tests.live.test_chaincode import Servers, ensure, wanted

ROOT = Path(__file__).resolve().parents[2]
CHANNEL = "demo"


@dataclass
class Deployed:
    """A network with its channel and a chaincode, all of its secrets in a real store."""

    network: LiveNetwork
    store: LiveStore
    folder: Path

    @property
    def channel(self) -> dict[str, Any]:
        return {"name": CHANNEL, "definition": self.network.definition}

    @property
    def check(self) -> NetworkCheck:
        return NetworkCheck(self.network.topology, channels=[ChannelMembers.from_option(self.channel)])

    def controller(self) -> dict[str, Any]:
        """The fact ``selvedge_controller``, as far as the role reads it."""
        topology = self.network.option
        chaincode = {
            "name": "kv",
            "version": "1.0",
            "channel": CHANNEL,
            "organizations": ["Org1", "Org2"],
            "peers": [node["name"] for node in topology["peers"]],
        }
        return {
            "topology": topology,
            "store": self.store.option,
            "authorities": [],
            "channels": [self.channel],
            "chaincodes": [chaincode],
            "placement": {name: "here" for name in self.network.names},
        }

    def status(self, *options: str) -> str:
        """What the role says; it ends well, whatever it finds."""
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        away = {"ansible_host": "127.0.0.1", "ansible_port": free_port(), "ansible_user": "lab"}
        play = {
            "name": "Show the network",
            "hosts": "all",
            "gather_facts": False,
            "vars": {
                "selvedge_network_name": "live",
                "selvedge_controller": self.controller(),
                "selvedge_controller_state": str(self.folder),
            },
            "roles": ["selvedge.fabric.status"],
        }
        (self.folder / "hosts.yml").write_text(
            yaml.safe_dump({"all": {"hosts": {"away": away, "here": here}}})
        )
        (self.folder / "play.yml").write_text(yaml.safe_dump([json.loads(json.dumps(play))]))
        env = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.folder / ".ansible"),
            "ANSIBLE_NOCOLOR": "1",
        }
        command = [
            "ansible-playbook",
            "-i",
            str(self.folder / "hosts.yml"),
            str(self.folder / "play.yml"),
            # A machine that is busy with other tests answers late.
            "-e",
            "status_timeout=30",
            *options,
        ]
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "PRIVATE KEY" not in done.stdout + done.stderr
        return done.stdout

    def page(self) -> str:
        return (self.folder / "status.html").read_text()


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("status")
    with ExitStack() as stack:
        peers = {"Org1": 2, "Org2": 2}
        network = stack.enter_context(running(tmp_path_factory.mktemp("network"), peers=peers))
        store = stack.enter_context(running_store(tmp_path_factory.mktemp("store")))
        found = Deployed(network, store, folder)
        definition = ChannelDefinition.from_option(CHANNEL, network.definition)
        apply_channel(network.topology, plan_channel(network.topology, definition, timeout=20), timeout=60)
        ensure(network.topology, wanted(network.topology, Servers(stack)))
        store.configure([organization.mount for organization in network.organizations.values()], [])
        client = store.open()
        for path, fields in network.store.secrets.items():
            client.write(path, fields)
        wait_until_healthy(found.check, 30)
        yield found


def rows(output: str, head: str) -> dict[str, list[str]]:
    """The lines of a section by their first word."""
    # What Ansible says of a host before may begin with the same words.
    report = output[output.index("\n        Network ") :]
    lines = [line.strip() for line in report.splitlines()]
    start = next(place for place, line in enumerate(lines) if line.startswith(f"{head} "))
    section = lines[start + 1 :]
    section = section[: section.index("")] if "" in section else section
    return {line.split()[0]: line.split() for line in section}


def test_a_network_that_is_well_on_hosts_of_which_one_is_away(deployed: Deployed) -> None:
    """The one that is away comes first in the inventory: nothing may hang on it."""
    said = deployed.status()
    assert "Network live: 1 thing is not well" in said
    assert "away is unhealthy: cannot be reached" in said
    nodes = rows(said, "node")
    assert set(nodes) == {"store", *deployed.network.names}
    assert {row[4] for row in nodes.values()} == {"healthy"}
    height = next(iter(deployed.check())).facts["channels"][CHANNEL]["height"]
    assert {row[6] for name, row in nodes.items() if name != "store"} == {str(height)}
    assert rows(said, "channel")[CHANNEL][1:3] == ["healthy", str(height)]
    assert rows(said, "chaincode")[f"{CHANNEL}/kv"][1:7] == ["healthy", "1.0", "1", "4", "of", "4"]
    page = deployed.page()
    assert [name for name in deployed.network.names if name not in page] == []
    assert f"page: {deployed.folder}/status.html" in said


def test_nodes_that_are_down_and_the_rest_of_what_is_known(deployed: Deployed) -> None:
    network = deployed.network
    leader = next(iter(deployed.check())).facts["channels"][CHANNEL]["leader"]
    follower = next(name for name in network.names if name.startswith("orderer") and name != leader)
    network.stop(follower, "peer1.org2.lab")
    try:
        said = deployed.status()
    finally:
        network.start()
    nodes = rows(said, "node")
    assert nodes[follower][4] == nodes["peer1.org2.lab"][4] == "unhealthy"
    assert nodes[leader][4] == "degraded" and nodes["peer0.org2.lab"][4] == "healthy"
    channel = rows(said, "channel")[CHANNEL]
    assert channel[1] == "degraded" and channel[4:10] == ["2", "of", "3", "3", "of", "4"]
    assert rows(said, "chaincode")[f"{CHANNEL}/kv"][4:7] == ["3", "of", "4"]
    assert "next: start it, or read its log on its host" in said
    assert f"{follower}: unhealthy" in deployed.page()
    wait_until_healthy(deployed.check, 60)


def test_check_mode_writes_no_page(deployed: Deployed) -> None:
    (deployed.folder / "status.html").unlink(missing_ok=True)
    said = deployed.status("--check", "--limit", "here")
    assert "Network live: All is well" in said
    assert rows(said, "host")["away"][1] == "unknown", "it was not asked, and that is no concern"
    assert not (deployed.folder / "status.html").exists()


def test_without_the_store_it_says_what_is_left_to_say(deployed: Deployed) -> None:
    """Runs last."""
    deployed.store.stop()
    said = deployed.status("-e", "status_timeout=1")
    assert "store is unhealthy: does not answer" in said
    assert rows(said, "host")["here"][1] == "healthy"
    assert {row[4] for row in rows(said, "node").values() if row[1] != "store"} == {"unhealthy"}
    assert f"{CHANNEL}/kv is unknown: could not be asked: no peer of its organisations answers" in said
