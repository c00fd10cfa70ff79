"""Chaincode from package to transaction, against real peers and orderers."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import (
    chaincode,
    gateway,
    participation,
    peer_channels,
    rollout,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.concurrent import together
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx import (
    Consenter,
    Member,
    Members,
    channel_group,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.definition import Definition
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.genesis import genesis_block
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.tests.live.chaincode_server import ChaincodeServer, serving
from ansible_collections.selvedge.fabric.tests.live.network import LiveNetwork, running

CHANNEL = "demo"
BATCH_TIMEOUT = 0.1
BOTH = "AND('Org1MSP.peer', 'Org2MSP.peer')"


def create_channel(live: LiveNetwork) -> None:
    """A channel with everybody in it."""
    topology, store = live.topology, live.store.secrets

    def member(name: str) -> Member:
        org = live.organizations[name]
        nodes = (
            topology.orderers if org.role == "orderer" else [peer for peer in topology.peers if peer.anchor]
        )
        addresses = tuple(node.endpoint for node in nodes if node.organization == name)
        return Member(name, org.msp_id, org.ca.cert, org.tls_ca.cert, addresses)

    consenters = []
    for orderer in topology.orderers:
        cert = store[f"secret-ordererorg/nodes/{orderer.name}"]["tls_cert"]
        consenters.append(Consenter(orderer.endpoint, cert, cert))
    members = Members((member("Org1"), member("Org2")), (member("OrdererOrg"),), tuple(consenters))
    definition = ChannelDefinition.from_option(CHANNEL, live.definition)
    block = genesis_block(CHANNEL, channel_group(definition, members))
    for orderer in topology.orderers:
        participation.join(topology.admin_endpoint(orderer), block)
    together(
        {
            peer.name: lambda peer=peer: peer_channels.join(
                topology.grpc_endpoint(peer), topology.signer(peer.organization), block
            )
            for peer in topology.peers
        }
    )


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNetwork]:
    """One orderer and two peers for each of two organisations, in one channel."""
    with running(tmp_path_factory.mktemp("network"), orderers=1, peers={"Org1": 2, "Org2": 2}) as network:
        create_channel(network)
        yield network


@pytest.fixture(scope="module")
def topology(live: LiveNetwork) -> Topology:
    return live.topology


@pytest.fixture(scope="module")
def server() -> Iterator[ChaincodeServer]:
    with serving() as started:
        yield started


def wanted(
    topology: Topology,
    server: ChaincodeServer,
    version: str = "1.0",
    policy: str = BOTH,
    label: str = "kv_1.0",
) -> chaincode.Wanted:
    organizations = ["Org1", "Org2"]
    packages = chaincode.ccaas_packages(topology, organizations, label, server.address, tls=False)
    server.package_id = packages["Org1"].package_id
    peers = chaincode.select_peers(topology, [], organizations)
    return chaincode.Wanted(CHANNEL, Definition.desired("kv", version, policy), packages, peers)


def ensure(topology: Topology, goal: chaincode.Wanted) -> chaincode.Plan:
    """What the module does."""
    plan = chaincode.plan(goal, rollout.read(topology, goal))
    rollout.apply(topology, plan)
    rollout.wait(topology, goal, plan.target.sequence, 60)
    return plan


def submit(topology: Topology, *args: str, **options: object) -> gateway.TransactionResult:
    peer = topology.peers[0]
    return gateway.submit_transaction(
        topology.grpc_endpoint(peer),
        topology.signer("Org1", "client"),
        CHANNEL,
        "kv",
        [arg.encode() for arg in args],
        **options,
    )


def test_deploys_in_two_batch_timeouts_and_changes_nothing_the_second_time(
    topology: Topology, server: ChaincodeServer
) -> None:
    goal = wanted(topology, server)
    started = time.monotonic()
    plan = ensure(topology, goal)
    elapsed = time.monotonic() - started
    print(f"deployed in {elapsed:.2f} s")
    assert (len(plan.install), plan.approve, plan.commit) == (4, ("Org1", "Org2"), True)
    assert plan.target.sequence == 1

    again = chaincode.plan(goal, rollout.read(topology, goal))
    assert not again.changed and not again.lines()
    assert again.before == again.after == plan.after
