"""What `ansible-galaxy collection build` hands out, and that it works where there is no clone."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
import yaml
from ansible_collections.selvedge.fabric.tests.unit.distribution.conftest import ROOT, STRAYS, Operator

# Everything else is for who works on the collection. Adding a line is a decision.
ALLOWED = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "docs",
    "examples",
    "images",
    "meta",
    "playbooks",
    "plugins",
    "requirements.txt",
    "requirements.yml",
    "roles",
    "tests",
}
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))


def contents(artifact: Path) -> set[str]:
    with tarfile.open(artifact) as archive:
        return {item.name.removeprefix("./") for item in archive.getmembers() if not item.isdir()}


def files(folder: Path) -> dict[str, bytes]:
    """Path to content; Python's compiled files are passed over."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_only_what_an_operator_needs_is_in_it(artifact: Path, tracked: Path) -> None:
    found = contents(artifact)
    assert {name.partition("/")[0] for name in found} == ALLOWED
    assert {name for name in found if name.startswith("tests/")} == {"tests/sanity/ignore-2.19.txt"}
    strays = {name for name in found if not (tracked / name).is_file()} - {"FILES.json", "MANIFEST.json"}
    assert strays == set()


def test_nothing_is_left_out_below_the_folders_that_are_in_it(artifact: Path, tracked: Path) -> None:
    kept = ALLOWED - {"tests"}
    wanted = {name for name in files(tracked) if name.partition("/")[0] in kept}
    assert wanted - contents(artifact) == set()


def test_the_strays_of_this_test_are_strays(tracked: Path) -> None:
    assert [name for name in STRAYS if (tracked / name).exists()] == []


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_every_playbook_is_found_by_its_name(operator: Operator, name: str) -> None:
    """All roles and modules that it imports are in the artifact, and no path leads back to a clone."""
    done = operator.run("ansible-playbook", "-i", "inventory", f"selvedge.fabric.{name}", "--list-tasks")
    assert done.returncode == 0, done.stdout
    assert f"playbook: {operator.collections}" in done.stdout
    assert str(ROOT) not in done.stdout


def test_a_wrong_model_is_refused_elsewhere_too(operator: Operator) -> None:
    model = operator.home / "inventory" / "group_vars" / "all" / "network.yml"
    wrong = yaml.safe_load(model.read_text())
    wrong["selvedge_network"]["domian"] = "lab.example"
    model.write_text(yaml.safe_dump(wrong))
    done = operator.run("ansible-playbook", "-i", "inventory", "selvedge.fabric.site")
    assert done.returncode == 2
    assert "domian: is not a known key; did you mean 'domain'?" in done.stdout
    assert "no host was touched" in done.stdout


def test_state_lies_beside_the_inventory_and_nothing_in_the_collection(operator: Operator) -> None:
    """The controller's share of `bootstrap.yml`; no host is asked."""
    before = files(operator.collections)
    play = {"hosts": "all", "gather_facts": False, "tasks": [
        {"name": "Validate", "selvedge.fabric.network_model": {"stage": "controller"}},
        {"name": "Make boot material", "delegate_to": "localhost", "run_once": True,
         "selvedge.fabric.bootstrap_ca": {"path": "{{ selvedge_controller_state }}", "common_name": "test CA"}},
        {"name": "Render", "selvedge.fabric.network_model": {"stage": "base"}},
    ]}  # fmt: skip
    (operator.home / "controller.yml").write_text(yaml.safe_dump([play]))
    done = operator.run("ansible-playbook", "-i", "inventory", "controller.yml")
    assert done.returncode == 0, done.stdout
    assert (operator.home / "inventory" / ".state" / "ca.crt").is_file()
    assert files(operator.collections) == before


def test_images_are_built_from_what_is_installed(operator: Operator) -> None:
    """The recipes are there, and so is what they are made of. Building one takes minutes; a scenario does."""
    root = operator.collections / "ansible_collections" / "selvedge" / "fabric"
    arguments = json.dumps({"images": [{"name": "nothing"}], "root": str(root)})
    done = operator.run("ansible", "localhost", "-m", "selvedge.fabric.image", "-a", arguments)
    assert (
        "there is no image 'nothing'; there are alertmanager, blackbox-exporter, chaincode-python"
        in done.stdout
    )
    for recipe in (root / "images").glob("*/image.yml"):
        for path in yaml.safe_load(recipe.read_text()).get("inputs", []):
            assert (root / path).exists(), f"{recipe} is made of {path}"


def test_secrets_for_a_host_are_pipelined_without_an_ansible_cfg(operator: Operator) -> None:
    """A module that is not pipelined lies in remote_tmp while it runs, with what it was given."""
    play = operator.home / "seal.yml"
    task = {
        "name": "Seal",
        "selvedge.fabric.boot_material": {"stack": "store", "names": ["ca_cert"], "unit": "none.service"},
        "vars": {"ansible_remote_tmp": str(operator.home / "remote")},
    }
    play.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    done = operator.run("ansible-playbook", "-vvv", "--check", str(play))
    assert "Pipelining is enabled" in done.stdout, done.stdout
    assert "sealed_credentials" in done.stdout
    assert not (operator.home / "remote").exists()
