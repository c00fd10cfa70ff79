"""A bare host is added to inventory and model: `site.yml` alone makes it usable, and brings its peer to height.

The last story of the scenario: the model is another one afterwards.
"""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.runs import Model, Operator

NEW = "peer1.org1.mixed.example"


def add_peer(model: Model) -> None:
    model["organizations"][1]["peers"].append({"name": "peer1", "host": "spare"})


@pytest.fixture(scope="module")
def operator(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Operator:
    operator = Operator(deployment, tmp_path_factory.mktemp("grown"))
    operator.add_host(
        "spare",
        ansible_host="127.0.50.3",
        selvedge_address="172.30.50.13",
        lab_image="debian-13-bare",
        # Its folder is not that of the others.
        selvedge_state_dir=str(deployment.state_dir),
    )
    operator.edit(add_peer)
    operator.run("molecule/shared/create")
    return operator


def on_the_spare(deployment: Deployment, command: str) -> str:
    done = subprocess.run(
        ["docker", "exec", f"{deployment.lab_name}-spare", "sh", "-c", command],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def heights(results: list[dict[str, Any]]) -> dict[str, int]:
    return {
        item["subject"]: item["facts"]["channels"]["main"]["height"]
        for item in results
        if item["kind"] == "peer"
    }


def test_a_bare_host_of_the_model_is_made_usable_and_joins(
    operator: Operator, deployment: Deployment, ledger: Ledger
) -> None:
    has = "command -v docker dockerd; ls -d /etc/selvedge /etc/docker; getent passwd selvedge; true"
    assert on_the_spare(deployment, has) == ""
    ledger.wait_for(ledger.create()[1].tx_id)
    plan = operator.run("site", "--check", "--diff")
    assert "would install" in plan.output
    assert {item for item in plan.predicted_containers if not item[1].startswith("assets.")} == {
        ("create", NEW)
    }
    assert on_the_spare(deployment, has) == ""

    operator.run("site")
    verdict = next(
        results["results"]
        for name, hosts in operator.run("verify").tasks
        if name.endswith("Judge every node and host")
        for results in hosts.values()
    )
    found = heights(verdict)
    assert NEW in found
    assert len(set(found.values())) == 1, found
    running = on_the_spare(deployment, "docker ps --format '{{.Names}}'").splitlines()
    assert sorted(running) == [f"assets.{NEW}", NEW]
    again = operator.run("site", "--check")
    assert (again.items, again.predicted_containers) == (set(), set())
