"""The health exporter's image: its interpreter runs its library, with what the image has and nothing else."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's files in a folder."""
    if os.geteuid() != 0:
        pytest.skip("only root can change into an image's file system")
    image = Builder(ROOT, ROOT / ".cache").build("health-exporter").image
    folder = tmp_path_factory.mktemp("image")
    for part in json.loads(image.manifest)["layers"]:
        data = gzip.decompress(image.blobs[part["digest"]])
        with tarfile.open(fileobj=io.BytesIO(data)) as layer:
            layer.extractall(folder, filter="fully_trusted")
    # A folder of pytest's is its owner's alone.
    folder.chmod(0o755)
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """As its container runs it: as user 10001, with its own files only."""
    arguments = ["chroot", "--userspec=10001:10001", str(folder), *command]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def test_the_program_starts(unpacked: Path) -> None:
    done = run(unpacked, "/usr/bin/python3.13", "-B", "/opt/selvedge", "/nonexistent.json")
    assert done.returncode == 2, done.stderr
    assert "the configuration cannot be read" in done.stderr


def test_it_has_tls_and_our_healthcheck(unpacked: Path) -> None:
    done = run(unpacked, "/usr/bin/python3.13", "-B", "-c", "import ssl, hashlib; print(ssl.OPENSSL_VERSION)")
    assert done.stdout.startswith("OpenSSL 3."), done.stderr
    assert "no URL" in run(unpacked, "/usr/local/bin/healthcheck").stderr


def test_there_is_no_shell(unpacked: Path) -> None:
    assert not [name for name in ("sh", "bash", "apt", "dpkg") if (unpacked / "usr/bin" / name).exists()]
