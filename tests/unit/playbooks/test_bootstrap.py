"""The plan of `bootstrap.yml` on an inventory for which nothing was ever run. This machine stands for the host."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml
from ansible_collections.selvedge.fabric.plugins.action.network_model import CA_PLANNED
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import ROOT

HOST = {
    "ansible_connection": "local",
    "ansible_python_interpreter": sys.executable,
    "ansible_host": "192.0.2.10",
    "selvedge_address": "192.0.2.10",
}


def test_a_new_inventory_can_be_planned(tmp_path: Path) -> None:
    """Of the host the base files only: the rest depends on what the machine has."""
    variables = tmp_path / "group_vars" / "all"
    variables.mkdir(parents=True)
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"fabric1": HOST}}}))
    model = ROOT / "inventory/single_host/group_vars/all/network.yml"
    (variables / "network.yml").write_text(model.read_text())
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        ["ansible-playbook", "-i", str(tmp_path), "playbooks/bootstrap.yml", "--check", "--diff", "--tags", "files"],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed: [fabric1 -> localhost]" in done.stdout, "the CA is part of the plan"
    for path in ("/etc/selvedge/ca.crt", "/etc/docker/certs.d/192.0.2.10:5000/ca.crt"):
        shown = done.stdout.partition(f"+++ after: {path}\n")[2].partition("\n---")[0]
        assert f"+{CA_PLANNED}" in shown, done.stdout
    assert sorted(tmp_path.rglob("*")) == before, "nothing is written"
