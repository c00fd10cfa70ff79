"""The health exporter's image has all of our library that it imports, and its recipe names it."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
IMAGE = ROOT / "images" / "health-exporter"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """What the script that makes the image defines."""
    path = list(sys.path)
    found = runpy.run_path(str(IMAGE / "rootfs.py"))
    sys.path[:] = path
    return found


def test_a_change_of_the_library_makes_another_image(script: dict[str, Any]) -> None:
    inputs = yaml.safe_load((IMAGE / "image.yml").read_text())["inputs"]
    assert set(inputs) == {"images/debian.py", "images/chaincode-python/rootfs.py", *script["LIBRARY"]}


def test_what_the_image_has_is_enough(script: dict[str, Any], tmp_path: Path) -> None:
    """Laid out as in the image, with no other collection and no Ansible."""
    app = tmp_path / script["APP"].lstrip("/")
    shutil.copytree(IMAGE / "app", app)
    for source, place in script["library"]():
        target = tmp_path / place.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    wheels = next(path for path in sys.path if path.endswith("site-packages"))
    code = f"""
import runpy, sys
class Only:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("ansible", "yaml", "hvac", "requests", "jinja2"):
            raise AssertionError(f"it imports {{name}}")
sys.meta_path.insert(0, Only())
sys.path.append({wheels!r})
sys.argv = ["selvedge", "/nonexistent.json"]
runpy.run_path({str(app)!r}, run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "the configuration cannot be read" in done.stderr


def test_its_wheels_are_the_controllers(script: dict[str, Any]) -> None:
    """One library, one set of versions."""
    controller = dict(
        line.split("==") for line in (ROOT / "requirements.txt").read_text().split() if "==" in line
    )
    text = (IMAGE / "app" / "requirements.txt").read_text()
    pinned = dict(line.split(" ")[0].split("==") for line in text.splitlines() if "==" in line)
    assert {"cryptography", "grpcio", "protobuf"} <= set(pinned)
    assert {name: controller.get(name.replace("-", "_"), controller.get(name)) for name in pinned} == pinned
