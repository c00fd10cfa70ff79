"""The plugin with Ansible's own inventory, variables and templates, as a play has them."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.selvedge.fabric.plugins.action.network_model import CA_PLANNED, ActionModule
from ansible_collections.selvedge.fabric.plugins.plugin_utils.plain import plain
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model import wrong_models
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    CA_CERT,
    lab_model,
    lock_of,
    sample,
)

HOSTS = """
all:
  hosts:
    host1: {ansible_host: 127.0.10.1, selvedge_address: "{{ prefix }}.11"}
    host2: {ansible_host: 127.0.10.2, selvedge_address: "{{ prefix }}.12"}
    host3: {ansible_host: 127.0.10.3, selvedge_address: "{{ prefix }}.13"}
  vars: {prefix: 172.30.10}
"""
Act = Callable[..., dict[str, Any]]


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """The lab's model in an inventory of its own, with its lock file and its bootstrap CA."""
    folder = tmp_path / "inventory"
    variables = folder / "group_vars" / "all"
    variables.mkdir(parents=True)
    (folder / "hosts.yml").write_text(HOSTS)
    (variables / "network.yml").write_text(yaml.safe_dump({"selvedge_network": lab_model()}))
    lock = {"selvedge_images": lock_of(sample("lab"))}
    (variables / "images.lock.yml").write_text(yaml.safe_dump(lock))
    (folder / ".state").mkdir()
    (folder / ".state" / "ca.crt").write_text(CA_CERT)
    return folder


@pytest.fixture
def act(inventory: Path) -> Act:
    def act(
        host: str = "host1", check: bool = False, once: bool = False, seen_by: str = "", **arguments: Any
    ) -> dict[str, Any]:
        """Run it on ``host``, or once for all; the facts as a task of ``seen_by`` reads them."""
        loader = DataLoader()
        known = InventoryManager(loader=loader, sources=[str(inventory)])
        manager = VariableManager(loader=loader, inventory=known)
        variables = manager.get_vars(host=known.get_host(host))
        # A play's strategy adds these.
        variables["hostvars"] = HostVars(inventory=known, variable_manager=manager, loader=loader)
        task = Task()
        task.args = arguments
        task.check_mode = check
        task.run_once = once
        variables["ansible_play_hosts_all"] = list(known.hosts)
        action = ActionModule(
            task=task,
            connection=connection_loader.get("local", PlayContext()),
            play_context=PlayContext(),
            loader=loader,
            templar=Templar(loader=loader, variables=variables),
            shared_loader_obj=None,
        )
        result = dict(action.run(task_vars=variables))
        given = result["ansible_facts"]
        place = {**variables, **given, "inventory_hostname": seen_by or host}
        facts = Templar(loader=loader, variables=place).template(given)
        return {**result, "given": given, "ansible_facts": facts}

    return act


def set_variable(inventory: Path, name: str, value: Any) -> None:
    path = inventory / "group_vars" / "all" / f"{name}.yml"
    path.write_text(yaml.safe_dump({name: value}))


def test_a_host_gets_its_view(act: Act) -> None:
    result = act("host3")
    assert result["changed"] is False
    facts = result["ansible_facts"]
    assert facts["selvedge_host"]["name"] == "host3"
    assert list(facts["selvedge_host"]["stacks"]) == ["ca", "ledger"]
    assert facts["selvedge_network_name"] == "lab"
    assert facts["selvedge_registry"]["address"] == "172.30.10.11:5000"
    assert facts["selvedge_registry"]["url"] == "https://127.0.10.1:5000"
    assert [item["address"] for item in facts["selvedge_lab_hosts"]] == [f"172.30.10.1{n}" for n in (1, 2, 3)]
    assert act("host3") == result
    assert act("host3", check=True)["ansible_facts"] == facts


def test_the_registry_is_told_which_images_to_have_and_under_what_name(act: Act, inventory: Path) -> None:
    registry = act()["ansible_facts"]["selvedge_registry"]
    assert (registry["image"], registry["namespace"]) == ({"name": "registry"}, "selvedge")
    given = {label: f"mirror.example/x@sha256:{7:064x}" for label in wrong_models.PULLED}
    model = {**lab_model(), "image_source": "pull", "image_namespace": "acme", "upstream_images": given}
    (inventory / "group_vars" / "all" / "network.yml").write_text(yaml.safe_dump({"selvedge_network": model}))
    registry = act()["ansible_facts"]["selvedge_registry"]
    assert registry["image"] == {
        "name": "registry",
        "version": "3.0.0",
        "upstream": given["registry:3.0.0"],
    }
    assert registry["namespace"] == "acme"
    assert {"name": "fabric-peer", "version": "2.5.9", "upstream": given["fabric-peer:2.5.9"]} in registry[
        "images"
    ]


def test_asked_once_it_gives_each_host_its_own_view(act: Act) -> None:
    for host in ("host1", "host2", "host3"):
        facts = act("host1", once=True, seen_by=host)["ansible_facts"]
        own = act(host)["ansible_facts"]
        assert facts["selvedge_host"] == own["selvedge_host"]
        assert facts["selvedge_controller"] == own["selvedge_controller"]


def test_what_is_large_is_a_text(act: Act) -> None:
    """Ansible copies the facts of each host for each task: what is copied has few parts."""

    def parts(value: Any) -> int:
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
        return 1 + sum(parts(item) for item in inside)

    result = act(once=True)
    given = {name: parts(value) for name, value in result["given"].items()}
    assert given["selvedge_host"] == given["selvedge_controller"] == 1
    assert given["__selvedge_host"] == 4  # one for each host
    assert given["__selvedge_controller"] == 1
    # Go's templates in files stay as they are.
    files = {item["path"]: item["content"] for item in result["ansible_facts"]["selvedge_host"]["files"]}
    assert any("{{ with secret" in content for content in files.values())


def test_a_warning_is_given_and_stops_nothing(act: Act, inventory: Path) -> None:
    model = lab_model()
    del model["organizations"][0]["orderers"][2]
    set_variable(inventory, "selvedge_network", model)
    assert act(once=True)["warnings"] == [
        "organizations have 2 orderers, which survive the loss of 0, as 1 do; give 1 or 3"
    ]


def test_one_machine_twice_is_refused_unless_ssh_has_two_ports(act: Act, inventory: Path) -> None:
    hosts = (inventory / "hosts.yml").read_text().replace("127.0.10.3", "127.0.10.2")
    (inventory / "hosts.yml").write_text(hosts)
    with pytest.raises(
        AnsibleActionFail, match=r"hosts\[host3\]\.ansible_host: is '127.0.10.2' with SSH port 22"
    ):
        act()
    (inventory / "hosts.yml").write_text(
        hosts.replace("host3: {", "host3: {ansible_port: '{{ 2000 + 22 }}', ")
    )
    with pytest.raises(AnsibleActionFail) as caught:
        act()
    assert "ansible_host" not in str(caught.value)
    assert "is 7050 on host3, which is host2 by another name" in str(caught.value)


def test_facts_are_plain(act: Act) -> None:
    """What a YAML writer and a module's arguments take, without Ansible's tagged strings."""
    facts = act()["ansible_facts"]
    yaml.safe_dump(plain(facts["selvedge_host"]))
    assert plain(facts) == facts


def test_stages_need_only_what_is_there_by_then(act: Act, inventory: Path) -> None:
    (inventory / "group_vars/all/images.lock.yml").unlink()
    based = act(stage="base")["ansible_facts"]
    assert based["selvedge_base_files"][0]["content"] == CA_CERT
    assert based["selvedge_engine"] == {"seal": "systemd-creds", "runtimes": {}}
    assert "selvedge_host" not in based
    registry = act(stage="registry", registry_image="sha256:12")["ansible_facts"]
    assert registry["selvedge_registry"]["view"]["stack"]["services"]["registry"]["image"] == "sha256:12"
    (inventory / ".state/ca.crt").unlink()
    first = act(stage="controller")["ansible_facts"]
    assert first["selvedge_controller_state"] == f"{inventory}/.state"
    assert "selvedge_base_files" not in first
    for stage in ("base", "registry", "site"):
        with pytest.raises(AnsibleActionFail, match=r"\.state/ca\.crt is missing: run bootstrap\.yml first"):
            act(stage=stage)


def test_a_plan_that_makes_the_ca_says_so_where_its_certificate_will_stand(act: Act, inventory: Path) -> None:
    """`bootstrap.yml --check` on a new inventory: the CA is predicted, and not there."""
    certificate = {"/etc/selvedge/ca.crt", "/etc/docker/certs.d/172.30.10.11:5000/ca.crt"}

    def base_files(**arguments: Any) -> dict[str, str]:
        facts = act("host2", stage="base", ca_planned=True, **arguments)["ansible_facts"]
        return {item["path"]: item["content"] for item in facts["selvedge_base_files"]}

    there = base_files(check=True)
    assert {path for path, content in there.items() if content == CA_CERT} == certificate
    (inventory / ".state/ca.crt").unlink()
    planned = base_files(check=True)
    assert {path for path, content in planned.items() if content == CA_PLANNED} == certificate
    assert "BEGIN" not in CA_PLANNED
    assert {path for path in there if there[path] != planned[path]} == certificate, "the rest comes true"
    missing = r"\.state/ca\.crt is missing: run bootstrap\.yml first"
    with pytest.raises(AnsibleActionFail, match=missing):
        base_files(check=False)
    # Of other playbooks, which make no CA, a plan is refused.
    with pytest.raises(AnsibleActionFail, match=missing):
        act(stage="base", check=True)


def test_preflight_needs_neither_images_nor_a_ca(act: Act, inventory: Path) -> None:
    (inventory / "group_vars/all/images.lock.yml").unlink()
    facts = act("host2", stage="preflight")["ansible_facts"]
    assert facts["selvedge_preflight"]["ca_cert"] == CA_CERT
    assert facts["selvedge_preflight"]["expected"]["name"] == "host2"
    assert facts["selvedge_preflight_controller"]["ca_cert"] == CA_CERT
    assert facts["selvedge_preflight_controller"]["expected"]["name"] == "controller"
    assert "selvedge_base_files" not in facts
    once = act("host1", once=True, seen_by="host2", stage="preflight")["ansible_facts"]
    assert once["selvedge_preflight"] == facts["selvedge_preflight"]
    (inventory / ".state/ca.crt").unlink()
    assert act(stage="preflight")["ansible_facts"]["selvedge_preflight"]["ca_cert"] == ""
    assert "selvedge_preflight" not in act(stage="controller")["ansible_facts"]


def test_digests_of_the_task_come_before_the_lock_file(act: Act) -> None:
    lock = {key: value.replace("sha256:0", "sha256:f") for key, value in lock_of(sample("lab")).items()}
    images = act(images=lock)["ansible_facts"]["selvedge_host"]["images"]
    assert all("@sha256:f" in image for image in images)


def test_without_a_lock_file_the_next_step_is_said(act: Act, inventory: Path) -> None:
    (inventory / "group_vars/all/images.lock.yml").unlink()
    with pytest.raises(AnsibleActionFail, match=r"no digest for fabric-peer:2\.5\.9; run images\.yml"):
        act()


def test_a_wrong_model_fails_with_every_mistake(act: Act, inventory: Path) -> None:
    model = lab_model()
    model["chanels"] = []
    model["registry"]["host"] = "host9"
    set_variable(inventory, "selvedge_network", model)
    with pytest.raises(AnsibleActionFail) as caught:
        act(stage="controller")
    message = str(caught.value)
    assert "has 2 mistake(s), no host was touched" in message
    assert "chanels: is not a known key; did you mean 'channels'?" in message
    assert "registry.host: names host 'host9'" in message


def test_a_wrong_model_is_refused_without_what_only_a_right_one_needs() -> None:
    """Ansible compiles a collection's files anew in each run, and Fabric's messages take as long again to load."""
    code = """
import sys
from ansible_collections.selvedge.fabric.plugins.action import network_model
try:
    network_model.load({}, {})
except network_model.ModelError:
    print("\\n".join(sys.modules))
"""
    path = os.pathsep.join(path for path in sys.path if path)
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    ours = {name for name in done.stdout.split() if ".selvedge.fabric.plugins.module_utils.model." in name}
    assert {name.rpartition(".")[2] for name in ours} == {
        "draft", "network", "ports", "rules", "schema", "upstream", "variables", "versions"
    }  # fmt: skip
    assert not {"fabric_protos", "google.protobuf", "grpc", "hvac"} & set(done.stdout.split())


def test_no_model_at_all(act: Act, inventory: Path) -> None:
    (inventory / "group_vars/all/network.yml").unlink()
    with pytest.raises(
        AnsibleActionFail, match="selvedge_network: is missing; state the network in group_vars"
    ):
        act()


def test_a_model_may_use_variables(act: Act, inventory: Path) -> None:
    model = lab_model()
    model["name"] = "{{ prefix_name }}-lab"
    model["registry"]["port"] = "{{ 5000 + 7 }}"
    set_variable(inventory, "selvedge_network", model)
    set_variable(inventory, "prefix_name", "my")
    facts = act()["ansible_facts"]
    assert facts["selvedge_network_name"] == "my-lab"
    assert facts["selvedge_registry"]["address"] == "172.30.10.11:5007"


def test_the_state_folder_is_a_variable(act: Act, inventory: Path, tmp_path: Path) -> None:
    set_variable(inventory, "selvedge_state_dir", "{{ inventory_dir }}/../vault")
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault" / "ca.crt").write_text(CA_CERT)
    facts = act()["ansible_facts"]
    assert facts["selvedge_controller"]["store"]["key_file"].endswith("/inventory/../vault/controller.key")


def test_a_host_without_an_address_for_the_others_is_refused(act: Act, inventory: Path) -> None:
    text = (
        (inventory / "hosts.yml")
        .read_text()
        .replace('{ansible_host: 127.0.10.3, selvedge_address: "{{ prefix }}.13"}', "{}")
    )
    (inventory / "hosts.yml").write_text(text)
    with pytest.raises(
        AnsibleActionFail, match=r"hosts\[host3\]\.selvedge_address: is 'host3', no IPv4 address"
    ):
        act()


def test_a_host_says_how_it_keeps_boot_material_and_what_it_is_made_from(act: Act, inventory: Path) -> None:
    text = (inventory / "hosts.yml").read_text()
    stated = '"{{ prefix }}.13", selvedge_seal: "{{ seal }}", lab_image: "debian-{{ 12 }}-bare"}'
    (inventory / "hosts.yml").write_text(text.replace('"{{ prefix }}.13"}', stated))
    set_variable(inventory, "seal", "none")
    facts = act("host3")["ansible_facts"]
    assert facts["selvedge_engine"]["seal"] == facts["selvedge_host"]["seal"] == "none"
    assert [item["image"] for item in facts["selvedge_lab_hosts"]] == [
        "debian-13",
        "debian-13",
        "debian-12-bare",
    ]
    assert act("host1")["ansible_facts"]["selvedge_engine"]["seal"] == "systemd-creds"
    set_variable(inventory, "seal", "tpm")
    with pytest.raises(
        AnsibleActionFail, match=r"hosts\[host3\]\.selvedge_seal: is 'tpm', .*; one of systemd-creds, none"
    ):
        act()


def test_a_runtime_reaches_the_hosts_that_need_it(act: Act, inventory: Path) -> None:
    model = lab_model()
    model["organizations"][2]["peers"][1]["runtime"] = "crun"
    set_variable(inventory, "selvedge_network", model)
    found = {
        host: act(host)["ansible_facts"]["selvedge_engine"]["runtimes"]
        for host in ("host1", "host2", "host3")
    }
    assert found == {"host1": {}, "host2": {}, "host3": {"crun": {"path": "/usr/bin/crun"}}}


def test_a_date_becomes_the_text_that_it_was() -> None:
    assert plain({"version": datetime.date(2025, 1, 31)}) == {"version": "2025-01-31"}


def test_a_misspelt_variable_is_refused_with_the_right_one(act: Act, inventory: Path) -> None:
    """Its default would be taken in silence: the address by which Ansible comes in."""
    hosts = inventory / "hosts.yml"
    hosts.write_text(hosts.read_text().replace("127.0.10.2, selvedge_address", "192.0.2.2, selvedge_adress"))
    with pytest.raises(AnsibleActionFail, match=r"hosts\[host2\]\.selvedge_adress: .*'selvedge_address'"):
        act()


def test_an_operators_own_variable_is_warned_of(act: Act, inventory: Path) -> None:
    set_variable(inventory, "selvedge_rack", "b12")
    (warning,) = act()["warnings"]
    assert warning.startswith("selvedge_rack is no variable of Selvedge, and is not read; known are ")


@pytest.mark.parametrize("stage", ["controller", "preflight", "base", "site"])
def test_the_facts_that_it_sets_are_known_at_a_second_look(act: Act, inventory: Path, stage: str) -> None:
    first = act(stage=stage)
    # Ansible remembers which files of variables there are, but reads this one again.
    hosts = yaml.safe_load(HOSTS)
    hosts["all"]["vars"].update(plain(first["given"]))
    (inventory / "hosts.yml").write_text(yaml.safe_dump(hosts))
    assert act(stage=stage)["warnings"] == first["warnings"] == []
