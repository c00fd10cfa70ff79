"""A BFT channel, from upstream's own configtxgen: the collection itself makes Raft channels only."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import participation, peer_channels
from ansible_collections.selvedge.fabric.tests.live.network import LiveNetwork, oracle
from fabric_protos.common import common_pb2

VERSION = "3.1.1"
# Short enough for a test to see another leader.
_OPTIONS = {
    "RequestBatchMaxInterval": "200ms",
    "RequestForwardTimeout": "1s",
    "RequestComplainTimeout": "2s",
    "RequestAutoRemoveTimeout": "3m",
    "ViewChangeResendInterval": "2s",
    "ViewChangeTimeout": "10s",
    "LeaderHeartbeatTimeout": "5s",
    "CollectTimeout": "1s",
    "IncomingMessageBufferSize": 200,
    "RequestPoolSize": 100000,
    "LeaderHeartbeatCount": 10,
}


def _rules(*names: str) -> dict[str, Any]:
    return {name: {"Type": "ImplicitMeta", "Rule": f"ANY {name}"} for name in names}


def _organization(live: LiveNetwork, name: str) -> dict[str, Any]:
    found = live.organizations[name]
    nodes = [
        node for node in [*live.option["orderers"], *live.option["peers"]] if node["organization"] == name
    ]
    member = {"Type": "Signature", "Rule": f"OR('{found.msp_id}.member')"}
    ordering = {"OrdererEndpoints": [node["endpoint"] for node in nodes]} if found.role == "orderer" else {}
    return {
        "Name": name,
        "ID": found.msp_id,
        "MSPDir": str(live.root / nodes[0]["name"] / "msp"),
        "Policies": dict.fromkeys(("Readers", "Writers", "Admins", "Endorsement"), member),
        **ordering,
    }


def _genesis(live: LiveNetwork, channel: str) -> common_pb2.Block:
    mapping = []
    for number, node in enumerate(live.option["orderers"], start=1):
        host, port = node["endpoint"].split(":")
        folder = live.root / node["name"]
        tls = {key: str(folder / "tls/server.crt") for key in ("ClientTLSCert", "ServerTLSCert")}
        mapping.append(
            {
                "ID": number,
                "Host": host,
                "Port": int(port),
                "MSPID": live.organizations["OrdererOrg"].msp_id,
                "Identity": str(folder / "msp/signcerts/cert.pem"),
                **tls,
            }
        )
    ordering = {
        "OrdererType": "BFT",
        "BatchTimeout": "100ms",
        "BatchSize": {"MaxMessageCount": 500, "AbsoluteMaxBytes": "10 MB", "PreferredMaxBytes": "2 MB"},
        "ConsenterMapping": mapping,
        "SmartBFT": _OPTIONS,
        "Organizations": [_organization(live, "OrdererOrg")],
        "Policies": _rules("Readers", "Writers", "Admins", "BlockValidation"),
        "Capabilities": {"V2_0": True},
    }
    ordering["Policies"]["BlockValidation"]["Rule"] = "ANY Writers"
    members = [name for name, org in live.organizations.items() if org.role == "peer"]
    application = {
        "Organizations": [_organization(live, name) for name in members],
        "Policies": _rules("Readers", "Writers", "Admins", "Endorsement", "LifecycleEndorsement"),
        "Capabilities": {"V2_5": True},
    }
    application["Policies"]["LifecycleEndorsement"]["Rule"] = "ANY Endorsement"
    profile = {
        "Orderer": ordering,
        "Application": application,
        "Policies": _rules("Readers", "Writers", "Admins"),
        "Capabilities": {"V3_0": True},
    }
    (live.root / "configtx.yaml").write_text(yaml.safe_dump({"Profiles": {"Bft": profile}}))
    block: Path = live.root / "genesis.block"
    command = [
        str(oracle("configtxgen", VERSION)),
        "-profile",
        "Bft",
        "-channelID",
        channel,
        "-outputBlock",
        str(block),
    ]
    done = subprocess.run(
        [*command, "-configPath", str(live.root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return common_pb2.Block.FromString(block.read_bytes())


def make_channel(live: LiveNetwork, channel: str) -> None:
    """Have all nodes of ``live``, of VERSION, join a new BFT channel."""
    block, topology = _genesis(live, channel), live.topology
    for orderer in topology.orderers:
        participation.join(topology.admin_endpoint(orderer), block)
    for peer in topology.peers:
        signer = topology.signer(peer.organization)
        peer_channels.join(topology.grpc_endpoint(peer), signer, block)
