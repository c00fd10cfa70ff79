"""The healthcheck of our images, on real nodes: cheap, and honest about channels that a node lost."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel import (
    apply_channel,
    plan_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder
from ansible_collections.selvedge.fabric.tests.live.network import REPOSITORY, LiveNetwork

CHANNEL = "demo"
PEER, ORDERER = "peer0.org1.lab", "orderer0.orderer.lab"
LEDGERS = {PEER: "data/ledgersData/chains/chains", ORDERER: "data/chains"}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("helper") / "healthcheck"
    path.write_bytes(Builder(REPOSITORY, REPOSITORY / ".cache").helper(path.name))
    path.chmod(0o755)
    return path


def ask(program: Path, network: LiveNetwork, name: str) -> subprocess.CompletedProcess[str]:
    """What Compose has the engine ask, on this node's ports and files."""
    node, folder = network.topology.node(name), network.root / name
    targets = [f"https://{node.operations_address}/healthz", f"tls://{node.address}"]
    tls = [("-ca", "tls/ca.crt"), ("-cert", "tls/server.crt"), ("-key", "tls/server.key")]
    files = [word for flag, path in tls for word in (flag, str(folder / path))]
    command = [str(program), *targets, "-ledgers", str(folder / LEDGERS[name]), *files, "-server-name", name]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def joined(network: LiveNetwork) -> Iterator[LiveNetwork]:
    definition = ChannelDefinition.from_option(CHANNEL, network.definition)
    apply_channel(network.topology, plan_channel(network.topology, definition))
    yield network
    network.start()


@pytest.mark.parametrize("name", [PEER, ORDERER])
def test_a_fresh_node_is_well(program: Path, network: LiveNetwork, name: str) -> None:
    """Runs first, before there is a channel."""
    done = ask(program, network, name)
    assert done.returncode == 0, done.stderr
    assert "status 200, 0 channels" in done.stdout


@pytest.mark.parametrize("name", [PEER, ORDERER])
def test_a_node_that_serves_its_channel(program: Path, joined: LiveNetwork, name: str) -> None:
    done = ask(program, joined, name)
    assert done.returncode == 0, done.stderr
    assert "status 200, 1 channel; " in done.stdout
    assert "HTTP/2 settings received" in done.stdout


def test_it_is_cheap(program: Path, joined: LiveNetwork) -> None:
    before, times = resource.getrusage(resource.RUSAGE_CHILDREN), 10
    for _unused in range(times):
        assert ask(program, joined, PEER).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / times
    print(f"{1000 * spent:.1f} ms of processor time for a check")
    assert spent < 0.05


def test_a_peer_that_goes_on_without_its_channel(program: Path, joined: LiveNetwork) -> None:
    """Fabric's own check is content with it."""
    pause(joined, "pause")
    done = ask(program, joined, PEER)
    assert done.returncode == 1
    assert "has the ledger of channel demo on its disk, but does not serve it" in done.stderr
    pause(joined, "resume")
    deadline = time.monotonic() + 20
    while (done := ask(program, joined, PEER)).returncode:
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.2)


def pause(network: LiveNetwork, verb: str) -> None:
    """Have the stopped peer leave the channel alone from its next start on, or take it up again."""
    network.stop(PEER)
    environment = {"PATH": os.environ["PATH"], "HOME": str(network.root), **network._environment[PEER]}
    command = [str(network.binaries / "peer"), "node", verb, "-c", CHANNEL]
    done = subprocess.run(
        command, env=environment, cwd=network.root / PEER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    network.start(PEER)


def test_a_node_that_is_gone(program: Path, joined: LiveNetwork) -> None:
    joined.stop(ORDERER)
    done = ask(program, joined, ORDERER)
    assert done.returncode == 1 and "connection refused" in done.stderr
