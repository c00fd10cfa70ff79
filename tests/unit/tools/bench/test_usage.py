"""What control groups of both versions say, and what is done on a host."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.tools.bench import usage

V1 = """13:perf_event:/docker/abc
9:name=systemd:/docker/abc
4:memory:/docker/abc
2:cpu,cpuacct:/docker/abc
0::/
"""
V2 = "0::/system.slice/docker-abc.scope\n"


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Both versions' hierarchies, each with a container."""
    root = tmp_path / "cgroup"
    write(root / "cpuacct/docker/abc", cpuacct__usage="2500000000\n")
    write(
        root / "memory/docker/abc",
        memory__usage_in_bytes="5000\n",
        memory__stat="inactive_file 1\ntotal_inactive_file 2000\n",
    )
    write(
        root / "system.slice/docker-abc.scope",
        cpu__stat="usage_usec 1250000\nuser_usec 1000000\nsystem_usec 250000\n",
        memory__current="7000\n",
        memory__stat="anon 6000\ninactive_file 500\n",
    )
    return root


@pytest.mark.parametrize(("text", "used"), [(V1, (2.5, 3000)), (V2, (1.25, 6500))])
def test_both_versions(root: Path, text: str, used: tuple[float, int]) -> None:
    assert usage.used(usage.groups(text), root) == used


def test_this_process_is_in_a_group() -> None:
    place = usage.groups(Path("/proc/self/cgroup").read_text())
    assert "cpuacct" in place or "" in place


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host's commands: they note what they are called with; docker knows two containers, one of them stopped."""
    log, folder = tmp_path / "log", tmp_path / "bin"
    folder.mkdir()
    for name, says in (("docker", "/peer0 42 healthy\n/loki 0 none\n"), ("systemctl", "")):
        (folder / name).write_text(
            f"#!/bin/sh\necho {name} $* >> {log}\n"
            '[ "$2" = broken ] && echo "no such unit" >&2 && exit 5\n'
            f"[ $1 != inspect ] || printf '{says}'\n"
        )
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return log


def test_a_look_at_containers(root: Path, tmp_path: Path, commands: Path) -> None:
    write(tmp_path / "proc/42", cgroup=V2)
    assert usage.look(["peer0", "loki"], root, tmp_path / "proc") == {
        "peer0": {"pid": 42, "health": "healthy", "cpu_s": 1.25, "memory": 6500},
        "loki": {"pid": 0, "health": "none"},
    }


def test_stopping(
    commands: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "look", lambda names, root, proc: {name: {"pid": 0} for name in names})
    usage.main({"do": "stop", "names": ["loki", "blackbox"], "units": ["selvedge-stack@monitoring.service"]})
    assert commands.read_text().splitlines() == [
        "systemctl stop selvedge-stack@monitoring.service",
        "docker stop loki blackbox",
    ]
    assert json.loads(capsys.readouterr().out) == {"loki": {"pid": 0}, "blackbox": {"pid": 0}}


def test_a_command_that_fails_is_told(commands: Path) -> None:
    with pytest.raises(SystemExit, match="systemctl start broken failed: no such unit"):
        usage.main({"do": "start", "names": ["loki"], "units": ["broken"]})
    assert "docker" not in commands.read_text()
