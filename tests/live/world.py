"""A live network with a channel and a chaincode on all of its peers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import (
    chaincode,
    probe,
    rollout,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel import (
    apply_channel,
    plan_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.definition import Definition
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import wait_until_healthy
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    ChaincodeMembers,
    ChannelMembers,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import NetworkCheck
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.package import ccaas_package
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.peer_channels import chain_info
from ansible_collections.selvedge.fabric.tests.live.chaincode_server import ChaincodeServer, serving
from ansible_collections.selvedge.fabric.tests.live.network import LiveNetwork
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.health_captures import (
    Recorder,
)

CHANNEL, CHAINCODE = "demo", "kv"


class World:
    """A network with a channel and a chaincode, a server of it for each organisation's peers."""

    def __init__(self, live: LiveNetwork, servers: dict[str, ChaincodeServer], recorder: Recorder) -> None:
        self.live, self.servers, self.recorder = live, servers, recorder

    def check(self, **changes: Any) -> NetworkCheck:
        peers = tuple(node.name for node in self.live.topology.peers)
        options: dict[str, Any] = {
            "channels": [ChannelMembers.from_option({"name": CHANNEL, "definition": self.live.definition})],
            "chaincodes": [ChaincodeMembers(CHAINCODE, CHANNEL, peers)],
            **changes,
        }
        return NetworkCheck(options.pop("topology", self.live.topology), **options)

    def height(self, peer: str) -> int:
        """Blocks of a peer's copy of the channel."""
        topology = self.live.topology
        node = topology.peer(peer)
        endpoint, signer = topology.grpc_endpoint(node), topology.signer(node.organization)
        return chain_info(endpoint, signer, CHANNEL).height

    def submit(self, key: str, organization: str = "Org1", peers: Sequence[str] = ()) -> probe.ProbeReport:
        """Commit a transaction, and see it on these peers; all by default."""
        topology = self.live.topology
        return probe.commit_probe(
            topology,
            topology.signer(organization),
            CHANNEL,
            CHAINCODE,
            [b"put", key.encode(), b"1"],
            [topology.peer(name) for name in peers] or topology.peers,
        )


@contextmanager
def deployed(live: LiveNetwork) -> Iterator[World]:
    """Start the network, make the channel, deploy the chaincode, and wait until all is well; stopped afterwards."""
    with ExitStack() as stack:
        stack.callback(live.stop)
        live.start()
        topology = live.topology
        apply_channel(
            topology, plan_channel(topology, ChannelDefinition.from_option(CHANNEL, live.definition))
        )
        servers, packages = {}, {}
        for organization in ("Org1", "Org2"):
            server = servers[organization] = stack.enter_context(serving())
            packages[organization] = ccaas_package(f"{CHAINCODE}-{organization.lower()}", server.address)
            server.package_id = packages[organization].package_id
        peers = chaincode.select_peers(topology, [], list(servers))
        definition = Definition.desired(CHAINCODE, "1.0", "OR('Org1MSP.peer', 'Org2MSP.peer')")
        goal = chaincode.Wanted(CHANNEL, definition, packages, peers)
        rollout.apply(topology, chaincode.plan(goal, rollout.read(topology, goal)))
        rollout.wait(topology, goal, 1, 60)
        made = World(live, servers, Recorder())
        assert made.submit("first").problems == ()
        wait_until_healthy(made.check(), 30)
        yield made
