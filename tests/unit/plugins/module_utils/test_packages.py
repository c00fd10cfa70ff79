"""A missing Python package is named as pip knows it, before a module does anything."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils import packages

ROOT = Path(__file__).resolve().parents[4]
# Imports every module and file of the library with no third-party package at hand.
BARE = """
import importlib, pathlib, sys
import ansible.module_utils.basic
names = set(sys.argv[1].split(","))
for name in [name for name in sys.modules if name.split(".")[0] in names]:
    del sys.modules[name]
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in names:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Nothing())
for folder in ("modules", "module_utils"):
    for path in sorted(pathlib.Path("plugins", folder).rglob("*.py")):
        importlib.import_module("ansible_collections.selvedge.fabric." + ".".join(path.with_suffix("").parts))
"""


class Failed(Exception):
    """Stands for the end of the module."""


class Module:
    def fail_json(self, msg: str, **kwargs: Any) -> Any:
        raise Failed(msg)


def test_what_is_there_is_not_missing() -> None:
    assert packages.missing(*packages.PACKAGES) == ""
    packages.require(Module(), *packages.PACKAGES)


@pytest.mark.parametrize(("name", "known_as"), [("grpc", "grpcio"), ("google.protobuf", "protobuf")])
def test_a_missing_package_is_named_as_pip_knows_it(
    name: str, known_as: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    assert packages.missing("cryptography", name) == known_as
    with pytest.raises(Failed, match=rf"{known_as}.*requirements.txt"):
        packages.require(Module(), "cryptography", name)


def test_every_package_is_pinned_for_the_controller() -> None:
    pinned = set(re.findall(r"^([\w-]+)==", (ROOT / "requirements.txt").read_text(), flags=re.MULTILINE))
    assert set(packages.PACKAGES.values()) <= pinned


def test_everything_is_imported_without_them() -> None:
    """So that documentation can be read, and options be checked, on any machine."""
    roots = ",".join(sorted({name.split(".")[0] for name in packages.PACKAGES}))
    environment = {"PYTHONPATH": str(ROOT / ".ansible" / "collections"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", BARE, roots],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
