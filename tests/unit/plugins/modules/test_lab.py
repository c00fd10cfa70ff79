"""The module around the lab; hosts themselves are created by `make demo` and the scenarios."""

from __future__ import annotations

import stat
import subprocess
import uuid
from pathlib import Path
from typing import Any

import docker
import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.lab import LABEL, LabError
from ansible_collections.selvedge.fabric.plugins.modules import lab
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner
from docker.errors import DockerException

HOST = {"name": "host1", "loopback": "127.0.99.1", "address": "172.31.254.2", "ports": [5000]}


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    try:
        docker.from_env().ping()
    except DockerException as error:
        pytest.skip(f"a lab needs a Docker engine: {error}")
    return {
        "name": f"selvedge-unit-test-{uuid.uuid4().hex[:12]}",
        "subnet": "172.31.254.0/24",
        "root": str(tmp_path),
        "cache": str(tmp_path / "cache"),
        "ssh_dir": str(tmp_path / "ssh"),
        "hosts": [HOST],
    }


def test_check_mode_says_that_hosts_are_missing_and_makes_none(
    run: ModuleRunner, options: dict[str, Any], tmp_path: Path
) -> None:
    assert run(lab.main, check=True, **options)["changed"] is True
    assert list(tmp_path.iterdir()) == []
    assert docker.from_env().networks.list(filters={"label": f"{LABEL}={options['name']}"}) == []


def test_a_lab_without_hosts_is_there_already(run: ModuleRunner, options: dict[str, Any]) -> None:
    assert run(lab.main, **{**options, "hosts": []})["changed"] is False


def test_a_recipe_that_fails_is_a_sentence_and_no_host_is_made(
    run: ModuleRunner, options: dict[str, Any], tmp_path: Path
) -> None:
    recipe = tmp_path / "images/lab-host/rootfs.py"
    recipe.parent.mkdir(parents=True)
    recipe.write_text(f"raise SystemExit('no mirror answers {options['name']}')\n")
    result = run(lab.main, **options)
    assert result["failed"] is True
    assert f"the lab '{options['name']}': " in result["msg"]
    assert "no mirror answers" in result["msg"]
    assert run(lab.main, name=options["name"], state="absent")["changed"] is False


def test_removing_what_is_not_there_changes_nothing(run: ModuleRunner, options: dict[str, Any]) -> None:
    for check in (True, False):
        result = run(lab.main, check=check, name=options["name"], state="absent")
        assert (result["changed"], result["removed"]) == (False, [])


def test_what_is_left_of_a_lab_is_removed_once(run: ModuleRunner, options: dict[str, Any]) -> None:
    name = options["name"]
    volume = docker.from_env().volumes.create(f"{name}-host1-docker", labels={LABEL: name})
    try:
        predicted = run(lab.main, check=True, name=name, state="absent")
        assert (predicted["changed"], predicted["removed"]) == (True, [])
        volume.reload()
        done = run(lab.main, name=name, state="absent")
        assert (done["changed"], done["removed"]) == (True, [volume.name])
        assert run(lab.main, name=name, state="absent")["changed"] is False
    finally:
        for left in docker.from_env().volumes.list(filters={"label": f"{LABEL}={name}"}):
            left.remove()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subnet": None}, "subnet"),
        ({"hosts": [{"name": "host1"}]}, "address, loopback"),
        ({"hosts": [{**HOST, "port": 1}]}, "port"),
        ({"hosts": [{**HOST, "ports": ["x"]}]}, "ports"),
        ({"hosts": [{**HOST, "image": "debian-11"}]}, "debian-13, debian-13-bare, debian-12-bare"),
        ({"state": "gone"}, "present, absent"),
    ],
)
def test_wrong_options_are_refused(
    run: ModuleRunner, options: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    given = {key: value for key, value in {**options, **change}.items() if value is not None}
    result = run(lab.main, check=True, **given)
    assert result["failed"] is True
    assert message in result["msg"]


def test_the_ssh_key_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "ssh"
    public = lab.ensure_key(folder)
    assert public.startswith("ssh-ed25519 ")
    assert public.endswith(" selvedge-lab\n")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "id_ed25519").stat().st_mode) == 0o600
    assert lab.ensure_key(folder) == public
    derived = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(folder / "id_ed25519")], capture_output=True, text=True, check=True
    ).stdout
    assert derived.split()[1] == public.split()[1]


def test_the_root_file_system_is_what_the_recipe_writes(tmp_path: Path) -> None:
    recipe = tmp_path / "rootfs.py"
    recipe.write_text("import pathlib, sys\npathlib.Path(sys.argv[1]).write_text('tar')\n")
    made = lab.make_rootfs(recipe, tmp_path / "cache", "debian-13")
    assert made.read_text() == "tar"
    recipe.write_text("import pathlib, sys\npathlib.Path(sys.argv[1]).write_text(' '.join(sys.argv[2:]))\n")
    other = lab.make_rootfs(recipe, tmp_path / "cache", "debian-12-bare")
    assert other != made
    assert other.read_text() == "--release bookworm --bare"
    recipe.write_text("raise SystemExit('broken')\n")
    with pytest.raises(LabError, match=r"(?s)rootfs\.py failed:\n.*broken"):
        lab.make_rootfs(recipe, tmp_path / "cache", "debian-13")
