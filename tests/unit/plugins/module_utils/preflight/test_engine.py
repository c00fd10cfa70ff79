"""What Docker's commands print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight import engine

INFO = {
    "ServerVersion": "26.1.5+dfsg1",
    "Driver": "overlay2",
    "MemoryLimit": True,
    "PidsLimit": True,
    "LiveRestoreEnabled": True,
    "Runtimes": {"runc": {"path": "runc"}, "crun": {"path": "/usr/bin/crun"}},
    "SecurityOptions": ["name=seccomp,profile=builtin"],
    "DockerRootDir": "/srv/docker",
}


def test_an_engine_that_answers() -> None:
    assert engine.from_info(json.dumps(INFO), "WARNING: No swap limit support\n") == {
        "version": "26.1.5+dfsg1",
        "driver": "overlay2",
        "memory_limit": True,
        "pids_limit": True,
        "live_restore": True,
        "runtimes": ["crun", "runc"],
        "security": ["name=seccomp,profile=builtin"],
        "root": "/srv/docker",
    }


def test_an_engine_that_does_not() -> None:
    said = {"ServerErrors": ["Cannot connect to the Docker daemon"], "ClientInfo": {}}
    assert engine.from_info(json.dumps(said), "") == {"error": "Cannot connect to the Docker daemon"}
    assert engine.from_info("", "permission denied\n") == {"error": "permission denied"}
    assert (
        engine.from_info('{"host": {}}', "")["error"]
        == "it does not say its version, as Docker's engine does"
    )


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("0.0.0.0:7051->7051/tcp, [::]:7051->7051/tcp, 0.0.0.0:9445->9445/tcp", [7051, 9445]),
        ("0.0.0.0:7050-7052->7050-7052/tcp, :::7050-7052->7050-7052/tcp", [7050, 7051, 7052]),
        ("127.0.10.1:2222->22/tcp", [2222]),
        ("9999/tcp", []),
        ("0.0.0.0:53->53/udp", []),
        ("", []),
    ],
)
def test_published_ports(text: str, ports: list[int]) -> None:
    assert engine.published(text) == ports


def test_containers_with_and_without_a_project() -> None:
    text = "peer0.org1.lab.example\tlab-ledger\t0.0.0.0:7051->7051/tcp\nalone\t\t\n"
    assert engine.from_ps(text) == [
        {"name": "peer0.org1.lab.example", "project": "lab-ledger", "ports": [7051]},
        {"name": "alone", "project": "", "ports": []},
    ]


def test_no_docker_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert engine.describe() == {"present": False}


def test_a_client_without_an_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program that answers as Docker's client does when nobody listens on the socket."""
    client = tmp_path / "docker"
    client.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert engine.describe() == {"present": True, "error": "Cannot connect to the Docker daemon"}


def test_an_engine_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    client = tmp_path / "docker"
    client.write_text("#!/bin/sh\nexec sleep 30\n")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(engine, "_TIMEOUT_S", 0.3)
    assert engine.describe() == {"present": True, "error": "'docker info' does not answer in 0.3 s"}
