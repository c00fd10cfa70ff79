"""The filters as templates call them: by their names, with what plays have in hostvars."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.filter import (
    kept_back,
    leftovers,
    planned_services,
    restart_steps,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import SECRETS, STACKS
from ansible_collections.selvedge.fabric.plugins.module_utils.model.view import controller_view
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import sample

ROOT = Path(planned_services.__file__).parent
NAMES = sorted(path.stem for path in ROOT.glob("[a-z]*.py"))
CONTROLLER = controller_view(sample("lab"), "/state")
ORDERERS = [f"orderer{number}.orderers.lab.example" for number in (1, 2, 3)]
HOSTVARS: dict[str, dict[str, Any]] = {
    "host1": {
        "selvedge_plans": {
            "store": {"create": ["store"], "start": [], "recreate": []},
            "ledger": {"create": ["peer0.org1"], "start": [], "recreate": [ORDERERS[0]]},
        }
    },
    "host2": {
        "selvedge_plans": {"ledger": {"create": [], "silent": ["peer1.org1"], "recreate": ORDERERS[1:2]}}
    },
    "host3": {"selvedge_plans": {"ledger": {"create": ["peer2.org1"], "recreate": ORDERERS[2:]}}},
    # It has no stack, so nothing was planned there.
    "host4": {},
}


@pytest.mark.parametrize("name", NAMES)
def test_a_filter_has_the_name_of_its_file_and_its_documentation(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.selvedge.fabric.plugins.filter.{name}")
    assert list(module.FilterModule().filters()) == [name]
    assert yaml.safe_load(module.DOCUMENTATION)["name"] == name
    assert f"selvedge.fabric.{name}" in module.EXAMPLES


def test_what_is_created_or_started_first_is_asked_of_every_host_and_stack() -> None:
    call = planned_services.FilterModule().filters()["planned_services"]
    hosts = list(HOSTVARS)
    assert call(HOSTVARS, hosts) == ["peer0.org1", "peer2.org1", "store"]
    assert call(HOSTVARS, hosts, "silent") == ["peer1.org1"]


def test_hosts_that_take_no_part_are_not_asked() -> None:
    call = planned_services.FilterModule().filters()["planned_services"]
    assert call(HOSTVARS, ["host3"]) == ["peer2.org1"]
    assert call(HOSTVARS, ["host4"]) == []


def test_restarts_of_all_hosts_are_one_order_and_of_one_stack() -> None:
    call = restart_steps.FilterModule().filters()["restart_steps"]
    hosts = list(HOSTVARS)
    assert [(step["host"], step["label"]) for step in call(HOSTVARS, hosts, "ledger", CONTROLLER)] == [
        ("host1", ORDERERS[0]),
        ("host2", ORDERERS[1]),
        ("host3", ORDERERS[2]),
    ]
    assert call(HOSTVARS, hosts, "store", CONTROLLER) == []
    assert [step["host"] for step in call(HOSTVARS, ["host2"], "ledger", CONTROLLER)] == ["host2"]


def test_verdicts_decide_who_is_restarted_last() -> None:
    channels = {"main": {"leader": ORDERERS[0], "height": 7}}
    results = [{"subject": name, "facts": {"version": "v2.5.9", "channels": channels}} for name in ORDERERS]
    call = restart_steps.FilterModule().filters()["restart_steps"]
    steps = call(HOSTVARS, list(HOSTVARS), "ledger", CONTROLLER, results)
    assert [step["label"] for step in steps] == [ORDERERS[1], ORDERERS[2], ORDERERS[0]]
    assert {step["channels"] for step in steps} == {("main",)}


def test_orderers_are_kept_back_and_peers_are_not() -> None:
    call = kept_back.FilterModule().filters()["kept_back"]
    names = [ORDERERS[0], "peer0.org1.lab.example", "assets.peer0.org1.lab.example", "ca.org1.lab.example"]
    assert call(names, CONTROLLER) == [ORDERERS[0], "ca.org1.lab.example"]


def test_leftovers_are_what_the_host_has_and_its_view_has_not() -> None:
    call = leftovers.FilterModule().filters()["leftovers"]
    view = {"agent": True, "seal": "systemd-creds", "stacks": {"ledger": {"services": {"peer0.org1": {}}}}}
    found = {SECRETS: ["peer0.org1", "peer1.org1", "store"], STACKS: ["ca", "ledger"]}
    result = call(view, found)
    assert (result["services"], result["stacks"]) == (["peer1.org1"], ["ca"])


def test_filters_are_light_to_load() -> None:
    """For any of them Ansible loads all, compiled anew, in each task of each host: with a gRPC that was 0.7 s each."""
    loads = f"""
import sys
sys.path[:0] = {sys.path!r}
import ansible_collections.selvedge.fabric.plugins.filter
before = set(sys.modules)
for name in {NAMES!r}:
    __import__(f"ansible_collections.selvedge.fabric.plugins.filter.{{name}}")
print("\\n".join(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    ours = {name for name in loaded if name.startswith("ansible_collections.")}
    assert {name.partition(".")[0] for name in loaded - ours} <= sys.stdlib_module_names
    parts = {name.partition(".module_utils.")[2].partition(".")[0] for name in ours} - {""}
    assert parts == {"model", "status"}
