"""Upstream's images under our contract: what hosts run, what the registry has, and that upstream is needed once."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import requests
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.playing import changed_of, play
from ansible_collections.selvedge.fabric.molecule.shared.testing.upstream import UpstreamRegistry
from ansible_collections.selvedge.fabric.plugins.module_utils.images import blobs, oci
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import UID

Containers = dict[str, dict[str, Any]]
Output = Callable[..., str]
# Container to the name of its image.
PULLED = {
    "ca.orderers.pull.example": "fabric-ca:1.5.15",
    "ca.org1.pull.example": "fabric-ca:1.5.15",
    "orderer1.orderers.pull.example": "fabric-orderer:2.5.9",
    "peer0.org1.pull.example": "fabric-peer:2.5.9",
    "store.pull.example": "openbao:2.4.0",
    "registry.pull.example": "registry:3.0.0",
}
BUILT = {"assets.peer0.org1.pull.example"}
BASE = "org.opencontainers.image.base"


def get(deployment: Deployment, path: str) -> requests.Response:
    """Ask our registry."""
    port = deployment.network.settings["registry"]["port"]
    return requests.get(
        f"https://{deployment.network.registry_host.reach}:{port}/v2/{path}",
        headers={"Accept": ", ".join((oci.MANIFEST, oci.OCI_MANIFEST, blobs.INDEX))},
        verify=str(deployment.state_dir / "ca.crt"),
        timeout=30,
    )


@cache
def given(deployment: Deployment) -> dict[str, str]:
    return dict(deployment.network.settings["upstream_images"])


def test_upstreams_programs_run_under_our_contract(
    deployment: Deployment, containers: Containers, output: Output
) -> None:
    assert set(containers) == {*PULLED, *BUILT}
    for name, item in containers.items():
        assert (item["State"]["Status"], item["State"]["Health"]["Status"]) == ("running", "healthy"), name
        assert item["Config"]["User"] == f"{UID}:{UID}", name
        assert item["HostConfig"]["ReadonlyRootfs"], name
        # Upstream's volumes would be writable folders that nobody keeps.
        assert not [mount for mount in item["Mounts"] if mount["Type"] == "volume"], name
        status = dict(
            line.split(":", 1) for line in output("cat", f"/proc/{item['State']['Pid']}/status").splitlines()
        )
        assert set(status["Uid"].split()) == {str(UID)}, name
        if name in PULLED:
            assert item["Config"]["Labels"][f"{BASE}.name"] == given(deployment)[PULLED[name]], name


def test_nodes_run_by_digest_from_our_registry(deployment: Deployment, containers: Containers) -> None:
    for name, item in containers.items():
        if not name.startswith("registry."):
            prefix = f"{deployment.network.registry_address}/mirror/"
            assert item["Config"]["Image"].startswith(prefix), name
            assert "@sha256:" in item["Config"]["Image"], name


@pytest.mark.parametrize("label", sorted(set(PULLED.values()) - {"registry:3.0.0"}))
def test_upstreams_own_image_is_mirrored(deployment: Deployment, containers: Containers, label: str) -> None:
    name, _unused, version = label.partition(":")
    container = next(key for key, value in PULLED.items() if value == label)
    digest = containers[container]["Config"]["Labels"][f"{BASE}.digest"]
    mirrored = get(deployment, f"mirror/upstream/{name}/manifests/{version}")
    assert mirrored.status_code == 200, mirrored.text
    assert oci.digest_of(mirrored.content) == digest
    ours = get(deployment, f"mirror/{name}/manifests/{version}").json()
    theirs = mirrored.json()
    assert [item["digest"] for item in ours["layers"][:-1]] == [item["digest"] for item in theirs["layers"]]


def test_the_peer_has_our_builder_and_no_sample_key(output: Output) -> None:
    def inside(path: str) -> str:
        return output("sh", "-c", f"docker cp peer0.org1.pull.example:{path} - | tar -xO")

    assert "ccaas_builder" in inside("/etc/hyperledger/fabric/core.yaml")
    listed = output("sh", "-c", "docker export peer0.org1.pull.example | tar -t")
    assert "etc/hyperledger/fabric/core.yaml" in listed.splitlines()
    assert not [path for path in listed.splitlines() if path.endswith("key.pem")]


def test_transactions_are_endorsed_and_read(ledger: Ledger) -> None:
    asset, result = ledger.create()
    ledger.wait_for(result.tx_id)
    assert ledger.read(ledger.peers[0], asset)["owner"] == "alice"


def test_the_lock_says_what_runs(deployment: Deployment) -> None:
    lock = deployment.variables["host1"]["selvedge_images"]
    assert {label for label in lock if not label.startswith("chaincode")} == {*PULLED.values()} - {
        "registry:3.0.0"
    }
    assert all(value.startswith("mirror/") for value in lock.values()), json.dumps(lock)


def test_upstream_is_not_needed_again(deployment: Deployment) -> None:
    """The last test: upstream is gone afterwards."""
    UpstreamRegistry(deployment.state_dir / "upstream").stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"https://{next(iter(given(deployment).values())).partition('/')[0]}/v2/", timeout=5)
    for options in (("--check",), ()):
        done = play(deployment.inventory, "playbooks/images.yml", *options)
        assert changed_of(done) == {"host1": 0}, done
