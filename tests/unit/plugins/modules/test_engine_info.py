"""The module asks commands that are on a host; here they are small programs in a folder of the test's own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.modules import engine_info
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner

PACKAGES = {
    "Debian-12": ["docker.io", "python3-yaml"],
    "Debian-13": ["docker.io", "docker-compose", "python3-yaml"],
}
SETTINGS = {"live-restore": True, "log-opts": {"max-size": "10m"}}
DEBIAN_12 = (
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n'
)


class Machine:
    """A host's files and programs below a folder; nothing of this machine's own is asked."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._bin = folder / "bin"
        self._bin.mkdir()
        self._folder = folder
        for name in ("DAEMON_FILE", "OS_RELEASE"):
            monkeypatch.setattr(engine_info, name, str(folder / name))
        monkeypatch.setenv("PATH", str(self._bin))
        # AnsibleModule looks in folders for administrators too.
        monkeypatch.setattr(
            engine_info.AnsibleModule,
            "get_bin_path",
            lambda _self, name, *_unused: (
                str(self._bin / name) if os.access(self._bin / name, os.X_OK) else None
            ),
        )
        self.os_release(DEBIAN_12)

    def os_release(self, text: str) -> None:
        (self._folder / "OS_RELEASE").write_text(text)

    def daemon(self, text: str) -> None:
        (self._folder / "DAEMON_FILE").write_text(text)

    def program(self, name: str, *answers: tuple[str, str]) -> str:
        """A program that prints an answer when its arguments begin so, and fails otherwise."""
        cases = "".join(f"'{begin}'*) printf '%s\\n' '{text}'; exit 0 ;;\n" for begin, text in answers)
        path = self._bin / name
        path.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}esac\nexit 1\n')
        path.chmod(0o755)
        return str(path)

    def engine(self, version: str, compose: str, **info: Any) -> None:
        answers = {"ServerVersion": version, "Runtimes": {"runc": {}}, "LiveRestoreEnabled": False, **info}
        compose_answer = [("compose version", compose)] if compose else []
        self.program("dockerd")
        self.program("docker", ("info", json.dumps(answers)), *compose_answer)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path, monkeypatch)
    made.program("systemctl", ("--version", "systemd 252 (252.39-1~deb12u1)"))
    made.program("systemd-creds")
    return made


def call(run: ModuleRunner, **more: Any) -> dict[str, Any]:
    options = {"packages": PACKAGES, "compose_build": ["Debian-12"], "settings": SETTINGS, **more}
    results = [run(engine_info.main, check=check, **options) for check in (True, False)]
    assert results[0] == results[1]
    assert results[0].get("failed") or results[0]["changed"] is False
    return results[0]


def test_a_bare_host(run: ModuleRunner, machine: Machine) -> None:
    found = call(run)
    assert (found["distribution"], found["engine"], found["compose"]) == ("Debian-12", "", "")
    assert found["install"] == PACKAGES["Debian-12"]
    assert (found["compose_build"], found["stale"], found["problems"]) == (True, False, [])
    assert found["daemon"] == SETTINGS


def test_a_host_with_an_engine(run: ModuleRunner, machine: Machine) -> None:
    machine.engine("20.10.24+dfsg1", "2.39.4+selvedge", LiveRestoreEnabled=True)
    machine.daemon(json.dumps({**SETTINGS, "mtu": 1400}))
    found = call(run)
    assert (found["engine"], found["compose"]) == ("20.10.24+dfsg1", "2.39.4+selvedge")
    assert (found["install"], found["compose_build"], found["stale"]) == ([], True, False)
    assert found["daemon"] == {**SETTINGS, "mtu": 1400}


def test_a_daemon_that_does_not_run_is_no_engine(run: ModuleRunner, machine: Machine) -> None:
    """`docker info` answers all the same, without a version."""
    machine.engine("", "2.26.1-4", ServerErrors=["Cannot connect to the Docker daemon"])
    found = call(run)
    assert (found["engine"], found["install"], found["compose_build"]) == ("", [], False)


def test_a_runtime_has_its_package_its_program_and_its_entry(run: ModuleRunner, machine: Machine) -> None:
    machine.engine("26.1.5", "2.26.1")
    crun = {"crun": {"path": str(machine._bin / "crun")}}
    more = {"runtimes": crun, "runtime_packages": {"crun": "crun"}}
    assert call(run, **more)["install"] == ["crun"]
    machine.program("crun")
    found = call(run, **more)
    assert found["install"] == []
    assert found["daemon"]["runtimes"] == crun
    assert found["stale"] is False, "daemon.json is not written yet"
    machine.daemon(json.dumps({"runtimes": crun}))
    assert call(run, **more)["stale"] is True


def test_a_shim_is_looked_for_by_its_name(run: ModuleRunner, machine: Machine) -> None:
    machine.engine("26.1.5", "2.26.1")
    kata = {"kata": {"runtimeType": "io.containerd.kata.v2"}}
    (problem,) = call(run, runtimes=kata)["problems"]
    assert "containerd-shim-kata-v2 is missing" in problem
    machine.program("containerd-shim-kata-v2")
    assert call(run, runtimes=kata)["problems"] == []
    assert call(run, runtimes=kata)["daemon"]["runtimes"] == kata


def test_a_host_without_a_seal_says_which_choice_there_is(run: ModuleRunner, machine: Machine) -> None:
    machine.engine("26.1.5", "2.26.1")
    (machine._bin / "systemd-creds").unlink()
    (problem,) = call(run)["problems"]
    assert "selvedge_seal: none" in problem
    assert call(run, seal="none")["problems"] == []


def test_settings_that_cannot_be_read_are_a_sentence(run: ModuleRunner, machine: Machine) -> None:
    machine.daemon("{live-restore: true}")
    found = call(run)
    assert found["failed"] is True
    assert "DAEMON_FILE is no JSON" in found["msg"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (DEBIAN_12, "Debian-12"),
        ('ID=ubuntu\nVERSION_ID="22.04"\n', "Ubuntu-22"),
        ("ID=debian\nVERSION_CODENAME=sid\n", "Debian"),
        ("", ""),
    ],
)
def test_a_distribution_is_its_name_and_major_version(text: str, name: str) -> None:
    assert engine_info.distribution_of(text) == name
