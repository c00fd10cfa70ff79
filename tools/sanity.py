"""`make sanity`: run ansible-test sanity on a real copy of the tracked files, in .cache/sanity.

    sanity.py [ARGUMENT ...]     arguments of `ansible-test sanity`, such as --test pylint

What ansible-test needs comes from the package index, into virtual environments in .cache/sanity/home. It runs on the
Python that runs this. Tests that this machine cannot run are named at the end.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / ".cache" / "sanity"
COPY = HERE / "ansible_collections" / "selvedge" / "fabric"
# What a test needs of the machine, where that is not a package of the index; ansible-test then passes it over.
PROGRAMS = {"shellcheck": "shellcheck", "pslint": "pwsh"}


def copy() -> None:
    """The tracked files, anew, as a repository of their own: this one ignores .cache, and so would ansible-test."""
    spec = importlib.util.spec_from_file_location("selvedge_tools_artifact", ROOT / "tools" / "artifact.py")
    assert spec and spec.loader
    artifact = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(artifact)
    shutil.rmtree(COPY, ignore_errors=True)
    artifact.copy_tracked(COPY)
    for command in (["init", "-q"], ["add", "--all", "--force"]):
        subprocess.run(["git", *command], cwd=COPY, check=True)


def bring_pip(home: Path) -> None:
    """Put our get_pip.py where ansible-test looks before it downloads its own; the name has pip's version."""
    source = Path(shutil.which("ansible-test") or "").resolve()
    packages = next(source.parent.parent.glob("lib/python*/site-packages/ansible_test"))
    text = (packages / "_internal" / "python_requirements.py").read_text()
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"pip='([\d.]+)'", text):
        shutil.copy(ROOT / "tools" / "get_pip.py", cache / f"get_pip_{version.replace('.', '_')}.py")


def main() -> int:
    """Entry point."""
    home = HERE / "home"
    copy()
    bring_pip(home)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = ["ansible-test", "sanity", "--local", "--python", python, "--color", "no", *sys.argv[1:]]
    done = subprocess.run(command, cwd=COPY, env={**os.environ, "HOME": str(home)}, check=False)
    for test, program in PROGRAMS.items():
        if not shutil.which(program):
            print(f"not run here: {test}, there is no {program}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
