"""Chaincode servers with TLS, one a peer, found through the project's own builder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import chaincode, gateway, rollout
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel import (
    apply_channel,
    plan_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.definition import Definition
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder
from ansible_collections.selvedge.fabric.tests.live.chaincode_server import ChaincodeServer, serving
from ansible_collections.selvedge.fabric.tests.live.network import REPOSITORY, LiveNetwork

CHANNEL = "demo"
CONFIG = "CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG"
Servers = dict[str, ChaincodeServer]


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The builder from ``images/helper``, as its image lays it out."""
    folder = tmp_path_factory.mktemp("builder")
    binary = folder / "ccaas-builder"
    binary.write_bytes(Builder(REPOSITORY, REPOSITORY / ".cache").helper(binary.name))
    binary.chmod(0o755)
    (folder / "bin").mkdir()
    for name in ("detect", "build", "release"):
        (folder / "bin" / name).symlink_to(binary)
    return folder


@pytest.fixture(scope="module")
def world(builder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveNetwork, Servers]]:
    """A peer for each organisation, each with a chaincode server whose certificate is its organisation's."""
    live = LiveNetwork(tmp_path_factory.mktemp("network"), orderers=1)
    with ExitStack() as stack:
        servers: Servers = {}
        for peer in live.topology.peers:
            authority = live.organizations[peer.organization].tls_ca
            server = stack.enter_context(serving(authority.issue(f"assets-{peer.name}", tls=True)))
            servers[peer.organization] = server
            root = live.root / peer.name
            core = yaml.safe_load((root / "core.yaml").read_text())
            core["chaincode"]["externalBuilders"] = [
                {"name": "ccaas", "path": str(builder), "propagateEnvironment": [CONFIG]}
            ]
            (root / "core.yaml").write_text(yaml.safe_dump(core))
            port = server.address.rpartition(":")[2]
            values = {"peername": "localhost", "port": port, "root_cert_file": str(root / "tls/ca.crt")}
            live._environment[peer.name][CONFIG] = json.dumps(values)
        stack.callback(live.stop)
        live.start()
        definition = ChannelDefinition.from_option(CHANNEL, live.definition)
        apply_channel(live.topology, plan_channel(live.topology, definition))
        yield live, servers


@pytest.mark.parametrize(
    ("name", "root_cert", "packages"),
    [("own", "", 2), ("filled", "{{.root_cert}}", 1)],
    ids=["own", "filled"],
)
def test_each_peer_trusts_its_own_organisations_server(
    world: tuple[LiveNetwork, Servers], name: str, root_cert: str, packages: int
) -> None:
    live, servers = world
    names = list(servers)
    topology = live.topology
    made = chaincode.ccaas_packages(topology, names, name, "{{.peername}}:{{.port}}", True, root_cert)
    assert len({package.package_id for package in made.values()}) == packages
    for organization, package in made.items():
        servers[organization].package_id = package.package_id
    peers = chaincode.select_peers(topology, [], names)
    definition = Definition.desired(name, "1.0", "AND('Org1MSP.peer', 'Org2MSP.peer')")
    goal = chaincode.Wanted(CHANNEL, definition, made, peers)
    plan = chaincode.plan(goal, rollout.read(topology, goal))
    rollout.apply(topology, plan)
    rollout.wait(topology, goal, 1, 30)
    done = gateway.submit_transaction(
        topology.grpc_endpoint(peers[0]), topology.signer("Org1"), CHANNEL, name, [b"put", b"a", b"1"]
    )
    assert done.payload == b"1"


def test_a_server_of_a_stranger_is_not_trusted(world: tuple[LiveNetwork, Servers]) -> None:
    live, servers = world
    topology = live.topology
    stranger = live.organizations["OrdererOrg"].tls_ca.cert
    names = list(servers)
    made = chaincode.ccaas_packages(topology, names, "strange", "{{.peername}}:{{.port}}", True, stranger)
    peers = chaincode.select_peers(topology, [], names)
    goal = chaincode.Wanted(CHANNEL, Definition.desired("strange", "1.0"), made, peers)
    rollout.apply(topology, chaincode.plan(goal, rollout.read(topology, goal)))
    with pytest.raises(NotReadyError, match="strange does not answer") as caught:
        rollout.wait(topology, goal, 1, 3)
    assert all(peer.name in str(caught.value) for peer in peers)
    assert isinstance(caught.value, FabricError)
