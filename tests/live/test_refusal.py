"""A playbook refuses a wrong model before it touches a host, once for all hosts. `make bench` says how soon."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    BIG_HOSTS,
    ROOT,
    big_model,
)

PLAYBOOKS = sorted(path.name for path in (ROOT / "playbooks").glob("*.yml"))


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """Fifty hosts at addresses that nobody answers at, and a model with two mistakes."""
    # Kept for documentation, RFC 5737: who connects to them hangs.
    hosts = {
        name: {"ansible_host": f"192.0.2.{number}", "selvedge_address": host["address"]}
        for number, (name, host) in enumerate(BIG_HOSTS.items(), 1)
    }
    model = big_model()
    model["chanels"] = model["organizations"][1]["peers"][0]["port"] = []
    variables = tmp_path / "group_vars" / "all"
    variables.mkdir(parents=True)
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    (variables / "network.yml").write_text(yaml.safe_dump({"selvedge_network": model}))
    return tmp_path


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_wrong_model_is_refused_before_any_host_is_asked(inventory: Path, playbook: str) -> None:
    done = subprocess.run(
        ["ansible-playbook", "-i", str(inventory), f"playbooks/{playbook}"],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode, output
    assert "has 2 mistake(s), no host was touched" in output
    assert "chanels: is not a known key; did you mean 'channels'?" in output
    assert (
        "organizations[org1].peers[peer0].port: is [] (list); give a whole number from 1 to 65535" in output
    )
    assert output.count("FAILED!") == 1, "said once, not by each host"
    assert "UNREACHABLE" not in output
