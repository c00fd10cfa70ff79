"""The artifact, installed elsewhere, deploys the network anew: by its playbooks' names, without a clone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def collections(tmp_path: Path) -> Path:
    """The folder below which the artifact is installed."""
    command = [
        sys.executable,
        str(ROOT / "tools" / "artifact.py"),
        "--install",
        str(tmp_path / "collections"),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return tmp_path / "collections"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An operator's own folder. What was compiled before is in her cache."""
    (tmp_path / "home" / ".cache").mkdir(parents=True)
    (tmp_path / "home" / ".cache" / "selvedge").symlink_to(ROOT / ".cache")
    return tmp_path / "home"


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.suffix != ".pyc"}


def test_the_installed_collection_deploys(deployment: Deployment, collections: Path, home: Path) -> None:
    kept = ("ANSIBLE_", "XDG_", "SELVEDGE_")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(kept)},
        "HOME": str(home),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_NOCOLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    before = files(collections)

    def run(playbook: str, *options: str) -> str:
        command = [
            "ansible-playbook",
            "-i",
            str(deployment.inventory),
            f"selvedge.fabric.{playbook}",
            *options,
        ]
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout

    run("destroy", "-e", f"confirm_destroy={deployment.network.settings['name']}")
    run("bootstrap")
    run("images")
    run("site")
    run("verify")
    assert files(collections) == before, "the installed collection is not written to"
    _unused, result = Ledger(Deployment(deployment.inventory)).create()
    assert result.status == "VALID"
