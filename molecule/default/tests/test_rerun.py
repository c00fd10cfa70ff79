"""Running `site.yml` again: nothing changes, and an edit of the model restarts what it is about and nothing else."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
INVENTORY = Path(os.environ.get("SELVEDGE_INVENTORY", ROOT / "molecule/default/inventory"))
STARTED = 'docker ps --all --format "{% raw %}{{.Names}}{% endraw %}" | xargs docker inspect --format ' + (
    '"{% raw %}{{.Name}} {{.Id}} {{.State.StartedAt}}{% endraw %}"'
)


def ansible(*command: str) -> str:
    """Run a command of Ansible's; return its output, or fail with it."""
    env = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_VERBOSITY": "0",
    }
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout


def site(*inventories: Path) -> dict[str, int]:
    """Run `site.yml`; return the number of changed tasks by host."""
    sources = [part for source in inventories for part in ("-i", str(source))]
    output = ansible("ansible-playbook", *sources, "playbooks/site.yml")
    found = re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", output, flags=re.MULTILINE)
    assert found, output
    return {host: int(changed) for host, changed in found}


def started() -> dict[str, str]:
    """Every container of every host with its id and the time at which it was started."""
    env = {"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.json", "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true"}
    os.environ.update(env)
    try:
        output = ansible("ansible", "-i", str(INVENTORY), "all", "-m", "ansible.builtin.shell", "-a", STARTED)
    finally:
        for name in env:
            del os.environ[name]
    hosts = json.loads(output)["plays"][0]["tasks"][0]["hosts"]
    lines = [line for result in hosts.values() for line in result["stdout"].splitlines()]
    return {line.split(" ", 1)[0].lstrip("/"): line.split(" ", 1)[1] for line in lines}


def model() -> dict[str, Any]:
    text = (INVENTORY / "group_vars/all/network.yml").read_text()
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@pytest.fixture
def edited(tmp_path: Path) -> Iterator[Path]:
    """A second inventory source in which one peer has another memory limit; undone afterwards."""
    changed = copy.deepcopy(model())
    organizations = {org["name"]: org for org in changed["selvedge_network"]["organizations"]}
    organization = organizations["org2"]
    organization["peers"][1]["memory"] = "640m"
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text(yaml.safe_dump(changed))
    (tmp_path / "hosts.yml").write_text("all: {}\n")
    yield tmp_path
    site(INVENTORY)


def test_a_second_run_changes_nothing() -> None:
    before = started()
    assert len(before) >= 16, "the whole network runs"
    changed = site(INVENTORY)
    assert set(changed.values()) == {0}, changed
    assert started() == before


def test_one_peers_memory_limit_restarts_that_peer_only(edited: Path) -> None:
    before = started()
    changed = site(INVENTORY, edited)
    after = started()
    restarted = {name for name in after if after[name] != before.get(name)}
    peer = f"peer1.org2.{model()['selvedge_network']['name']}.example"
    assert restarted == {peer}
    assert set(after) == set(before)
    # The first host of the play counts the restart: their order is the whole network's, not a host's.
    assert changed == {"host1": 1, "host2": 0, "host3": changed["host3"]}
    assert changed["host3"] > 0
