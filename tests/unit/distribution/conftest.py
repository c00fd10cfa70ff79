"""The artifact, built and installed once by the real ansible-galaxy, and an operator's folder elsewhere."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
# What a clone collects beside tracked files: path to content. None of it may be handed out.
STRAYS = {
    ".venv/bin/python": "",
    ".cache/images/blob": "",
    ".ansible/tmp/x": "",
    ".mypy_cache/x.json": "{}",
    ".idea/workspace.xml": "",
    "inventory/lab/.state/ca.key": "secret",
    "inventory/production/.state/ca.key": "secret",
    "inventory/production/group_vars/all/network.yml": "---",
    "inventory/lab/group_vars/all/images.lock.yml": "---",
    "molecule/default/inventory/.state/ca.key": "secret",
    "examples/.state/ca.key": "secret",
    "plugins/modules/__pycache__/image.cpython-311.pyc": "",
    "images/helper/.cache/x": "",
    "selvedge.egg-info/PKG-INFO": "",
    "selvedge-fabric-0.0.1.tar.gz": "",
    "tests/output/junit.xml": "",
}


def tool() -> ModuleType:
    """``tools/artifact.py``."""
    spec = importlib.util.spec_from_file_location("selvedge_tools_artifact", ROOT / "tools" / "artifact.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files alone."""
    folder = tmp_path_factory.mktemp("tracked")
    tool().copy_tracked(folder)
    return folder


@pytest.fixture(scope="session")
def artifact(tracked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a clone with all that collects there."""
    clone = tmp_path_factory.mktemp("clone") / "fabric"
    shutil.copytree(tracked, clone)
    for name, content in STRAYS.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(content)
    return Path(tool().build(clone, tmp_path_factory.mktemp("artifact")))


@pytest.fixture(scope="session")
def installed(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder below which the artifact is installed."""
    folder = tmp_path_factory.mktemp("installed")
    tool().install(artifact, folder)
    return folder


@dataclass(frozen=True)
class Operator:
    """Somebody with an installed collection, an inventory, and neither a clone nor an ansible.cfg."""

    home: Path
    collections: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        environment |= {
            "HOME": str(self.home),
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_NOCOLOR": "1",
        }
        return subprocess.run(
            command, cwd=self.home, env=environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture
def operator(installed: Path, tmp_path: Path) -> Operator:
    """With the model and the hosts of the scenario ``default``."""
    source = ROOT / "molecule" / "default" / "inventory"
    variables = tmp_path / "inventory" / "group_vars" / "all"
    variables.mkdir(parents=True)
    shutil.copy(source / "hosts.yml", tmp_path / "inventory")
    shutil.copy(source / "group_vars" / "all" / "network.yml", variables)
    return Operator(tmp_path, installed)
