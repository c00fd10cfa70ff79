"""A program for hosts, built by a real Go toolchain from a tiny checkout."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.modules import program
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.images import checkout
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner

needs_go = pytest.mark.skipif(not shutil.which("go"), reason="compiling needs a Go toolchain")


@needs_go
def test_a_program_is_compiled_once_and_check_mode_compiles_it_too(run: ModuleRunner, tmp_path: Path) -> None:
    options = {
        "name": "tool",
        "root": str(checkout.write(tmp_path / "root")),
        "cache": str(tmp_path / "cache"),
    }
    first = run(program.main, check=True, **options)
    assert first["changed"] is True
    said = subprocess.run([first["path"]], capture_output=True, text=True, check=True)
    assert said.stderr == "hello v1.0.0+ours\n"
    again = run(program.main, **options)
    assert (again["changed"], again["path"]) == (False, first["path"])


def test_an_unknown_program_is_named_with_what_there_is(run: ModuleRunner, tmp_path: Path) -> None:
    root = checkout.write(tmp_path / "root")
    result = run(program.main, name="tol", root=str(root), cache=str(tmp_path / "cache"))
    assert result["failed"] is True
    assert result["msg"] == "there is no program 'tol'; there are tool"
