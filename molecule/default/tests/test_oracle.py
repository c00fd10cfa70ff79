"""Upstream's own ``peer`` program on the deployed network: what it says must be what our client says."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Node
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import NODE_OUS

ROOT = Path(__file__).resolve().parents[3]
_MEMORY = Path("/dev/shm")  # noqa: S108 - memory is the point: an MSP folder holds a key

Peer = Callable[..., str]


@pytest.fixture(scope="module")
def program(deployment: Deployment) -> Path:
    path = ROOT / ".cache" / "oracle" / deployment.network.settings["fabric_version"] / "peer"
    assert path.exists(), f"{path} is not built: run tools/oracles.py"
    return path


@pytest.fixture(scope="module")
def folder(ledger: Ledger) -> Iterator[Path]:
    """An administrator's MSP folder and the TLS CAs, in memory and removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="selvedge-oracle-", dir=_MEMORY) as name:
        root = Path(name)
        for organization in ledger.topology.organizations.values():
            secret = ledger.topology.secret(f"{organization.mount}/users/admin")
            files = {
                "signcerts/cert.pem": secret["sign_cert"],
                "keystore/key.pem": secret["sign_key"],
                "cacerts/ca.crt": secret["ca_cert"],
                "tlscacerts/ca.crt": secret["tls_ca_cert"],
                "config.yaml": NODE_OUS,
            }
            for path, text in files.items():
                target = root / organization.name / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
        bccsp = {"Default": "SW", "SW": {"Hash": "SHA2", "Security": 256}}
        (root / "core.yaml").write_text(yaml.safe_dump({"peer": {"BCCSP": bccsp}}))
        yield root


@pytest.fixture(scope="module")
def peer_cli(program: Path, folder: Path, ledger: Ledger) -> Peer:
    """Run ``peer`` as the administrator of the organisation of ``node``, against that peer."""

    def run(node: Node, *arguments: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "FABRIC_CFG_PATH": str(folder),
            "FABRIC_LOGGING_SPEC": "error",
            "CORE_PEER_ADDRESS": node.address,
            "CORE_PEER_LOCALMSPID": ledger.topology.organization_of(node).msp_id,
            "CORE_PEER_MSPCONFIGPATH": str(folder / node.organization),
            "CORE_PEER_TLS_ENABLED": "true",
            "CORE_PEER_TLS_ROOTCERT_FILE": str(tls_ca(folder, node)),
        }
        done = subprocess.run(
            [program, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def tls_ca(folder: Path, node: Node) -> Path:
    return folder / node.organization / "tlscacerts" / "ca.crt"


def one_each(ledger: Ledger) -> list[Node]:
    """The first peer of each organisation."""
    return [ledger.topology.entrance(name) for name in ledger.organizations]


def test_upstreams_client_submits_and_ours_reads(ledger: Ledger, folder: Path, peer_cli: Peer) -> None:
    asset = f"oracle-{uuid.uuid4().hex[:12]}"
    orderer = ledger.topology.orderers[-1]
    endorsers = [
        part
        for node in one_each(ledger)
        for part in ("--peerAddresses", node.address, "--tlsRootCertFiles", str(tls_ca(folder, node)))
    ]
    call = json.dumps({"function": "create", "Args": [asset, "bob", '"from upstream"']})
    peer_cli(
        one_each(ledger)[0],
        *("chaincode", "invoke", "--channelID", ledger.channel, "--name", ledger.chaincode, "--ctor", call),
        *("--orderer", orderer.address, "--ordererTLSHostnameOverride", orderer.name, "--tls"),
        *("--cafile", str(tls_ca(folder, orderer)), "--waitForEvent", *endorsers),
    )
    # It has waited for the peers that endorsed.
    for node in one_each(ledger):
        assert ledger.read(node, asset) == {"id": asset, "owner": "bob", "value": "from upstream"}


def test_our_client_submits_and_upstreams_reads_on_every_peer(ledger: Ledger, peer_cli: Peer) -> None:
    asset, result = ledger.create()
    ledger.wait_for(result.tx_id)
    call = json.dumps({"function": "read", "Args": [asset]})
    for node in ledger.peers:
        answer = peer_cli(
            node, "chaincode", "query", "-C", ledger.channel, "-n", ledger.chaincode, "-c", call
        )
        assert json.loads(answer) == ledger.read(node, asset)


def test_both_clients_see_the_same_chain(ledger: Ledger, peer_cli: Peer) -> None:
    _unused, result = ledger.create()
    ledger.wait_for(result.tx_id)
    ours = ledger.chains()
    for node in ledger.peers:
        answer = peer_cli(node, "channel", "getinfo", "-c", ledger.channel)
        theirs = json.loads(answer.split("Blockchain info:", 1)[1])
        assert theirs["height"] == ours[node.name].height
        assert peer_cli(node, "channel", "list").split()[-1] == ledger.channel


def test_upstream_sees_the_models_chaincode(deployment: Deployment, ledger: Ledger, peer_cli: Peer) -> None:
    wanted = deployment.controller["chaincodes"][0]
    for node in one_each(ledger):
        arguments = ("--channelID", ledger.channel, "--name", ledger.chaincode, "--output", "json")
        answer = json.loads(peer_cli(node, "lifecycle", "chaincode", "querycommitted", *arguments))
        assert answer["version"] == wanted["version"]
        organizations = {ledger.topology.organization(name).msp_id for name in wanted["organizations"]}
        assert answer["approvals"] == dict.fromkeys(organizations, True)
