"""Build the collection's artifact from the files that git tracks, in .cache/artifact.

    artifact.py                   build, print the artifact's path
    artifact.py --install DIR     and install it below DIR/ansible_collections

What lies in a clone beside tracked files cannot get in. `ansible-galaxy collection build` in a clone gives the same, as
far as build_ignore in galaxy.yml knows what may lie there.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent


def copy_tracked(target: Path) -> None:
    """Copy the tracked files as they are in the work tree, edits included, to ``target``."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():  # a deletion that is not committed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name, follow_symlinks=False)


def galaxy(*arguments: str) -> None:
    """Run ``ansible-galaxy collection``; its output is shown when it fails."""
    command = ["ansible-galaxy", "collection", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}")


def build(source: Path, output: Path) -> Path:
    """Build the collection in ``source``; return the artifact."""
    about = yaml.safe_load((source / "galaxy.yml").read_text())
    galaxy("build", str(source), "--output-path", str(output), "--force")
    return output / f"{about['namespace']}-{about['name']}-{about['version']}.tar.gz"


def install(artifact: Path, target: Path) -> Path:
    """Install the artifact below ``target``; return the collection's folder.

    Without what it depends on, which the pinned ``ansible`` package of requirements.txt has.
    """
    galaxy("install", str(artifact), "-p", str(target), "--force", "--no-deps")
    return target / "ansible_collections" / "selvedge" / "fabric"


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--install", metavar="DIR", type=Path, help="install below DIR/ansible_collections")
    options = parser.parse_args()
    output = ROOT / ".cache" / "artifact"
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output) as folder:
        copy_tracked(Path(folder))
        artifact = build(Path(folder), output)
    print(artifact)
    if options.install:
        print(install(artifact, options.install))
    return 0


if __name__ == "__main__":
    sys.exit(main())
