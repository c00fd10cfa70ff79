"""`make newest`: the collection with the newest ansible-core, on the Python of Debian 13.

    newest.py                 the unit tests of plugins, then the scenario `default`
    newest.py COMMAND ...     this command instead

A Debian 12 has only a Python that newer releases of ansible-core do not run on. So the controller is a container here:
a lab host's image with git, with this machine's network, processes and engine, and with this checkout at its own path,
where what it writes is root's. What is another release than in requirements.txt stands in requirements-newest.txt.
Images are built outside, before that: the container has no Go.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import docker

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import tree_hash  # noqa: E402
from ansible_collections.selvedge.fabric.plugins.module_utils.lab import Lab  # noqa: E402
from ansible_collections.selvedge.fabric.plugins.modules.lab import make_rootfs  # noqa: E402

CACHE = ROOT / ".cache" / "newest"
NAME = "selvedge-newest"
IMAGE = "debian-13"
PYTHON = "3.13"
PACKAGES = ("git", "python3-venv")
# What of requirements-dev.txt only `make lint` and `make coverage` need.
LEFT_OUT = ("ansible-lint", "antsibull-changelog", "mypy", "ruff", "yamllint", "types-")
# Shell. What Ansible calls comes first: it is soon done. Its JUnit must not be where the gate looks for the other's.
DEFAULT = (
    "pytest -q -p no:cacheprovider --junitxml=.cache/logs/newest-unit.xml"
    " tests/unit/plugins/{action,callback,filter,plugin_utils} && tools/scenario.sh default"
)


def requirements(base: str, newest: str, left_out: Iterable[str] = LEFT_OUT) -> list[str]:
    """The lines of ``base``, each with the release that ``newest`` has of it."""
    instead = {line.partition("==")[0]: line for line in _lines(newest)}
    kept = [line for line in _lines(base) if not line.startswith((*left_out, "-r "))]
    names = {line.partition("==")[0] for line in kept}
    if unknown := sorted(set(instead) - names):
        raise SystemExit(f"requirements-newest.txt names what requirements.txt has not: {', '.join(unknown)}")
    return [instead.get(line.partition("==")[0], line) for line in kept]


def _lines(text: str) -> list[str]:
    return [line for line in (re.sub(r"\s*#.*", "", line) for line in text.splitlines()) if line]


def environment_folder(wanted: Sequence[str], image: str) -> Path:
    """Download ``wanted`` and have the image's Python make a virtual environment of it, unless it is there."""
    key = hashlib.sha256("\n".join([*wanted, image, str(ROOT)]).encode()).hexdigest()[:16]
    folder = CACHE / key
    if (folder / "done").exists():
        return folder / "venv"
    shutil.rmtree(CACHE, ignore_errors=True)
    folder.mkdir(parents=True)
    listed = folder / "requirements.txt"
    listed.write_text("\n".join(wanted) + "\n")
    wheels = folder / "wheels"
    only = ("--only-binary=:all:", f"--python-version={PYTHON}", "--implementation=cp")
    print("downloading", ", ".join(line for line in wanted if line.startswith("ansible")), flush=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "-d", wheels, *only, "-r", listed],
        cwd=ROOT,
        check=True,
    )
    for command in (
        ["python3", "-m", "venv", f"{folder}/venv"],
        [
            f"{folder}/venv/bin/pip",
            "install",
            "-q",
            "--no-index",
            f"--find-links={wheels}",
            "-r",
            str(listed),
        ],
    ):
        if code := run_there(image, command, {}):
            raise SystemExit(code)
    shutil.rmtree(wheels)
    (folder / "done").touch()
    return folder / "venv"


def run_there(image: str, command: Sequence[str], env: dict[str, str]) -> int:
    """Run a command as the controller of ``image``, its output to ours; return its exit code."""
    client = docker.from_env()
    shared = (ROOT, Path("/tmp"), Path("/var/run"))  # noqa: S108 - tests hand paths of it to the engine
    container = client.containers.create(
        image,
        list(command),
        name=f"{NAME}-{os.getpid()}",
        environment=env,
        working_dir=str(ROOT),
        volumes={str(path): {"bind": str(path)} for path in shared},
        network_mode="host",
        pid_mode="host",
        init=True,
        detach=True,
    )
    try:
        output = container.attach(stream=True, logs=True)
        container.start()
        for piece in output:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        return int(container.wait()["StatusCode"])
    finally:
        container.remove(force=True)


def ensure_images() -> str:
    """Make the images that are not there, of the lab's hosts and of their controller; return the tag of the latter."""
    recipe = ROOT / "images/lab-host/rootfs.py"
    revision = tree_hash([recipe])[:16]
    tag = f"selvedge/lab-host:{IMAGE}-controller-{revision}"
    lab = Lab(NAME)
    for image, more in (
        (f"selvedge/lab-host:{IMAGE}-{revision}", ()),
        (tag, (f"--with={','.join(PACKAGES)}",)),
    ):
        if lab.ensure_image(image, partial(make_rootfs, recipe, ROOT / ".cache", IMAGE, *more)):
            print("made", image, flush=True)
    return tag


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(143)


def main(arguments: list[str]) -> int:
    """Return the process's exit code."""
    signal.signal(signal.SIGTERM, _end)
    base = "\n".join((ROOT / name).read_text() for name in ("requirements.txt", "requirements-dev.txt"))
    wanted = requirements(base, (ROOT / "requirements-newest.txt").read_text())
    image = ensure_images()
    venv = environment_folder(wanted, image)
    subprocess.run([sys.executable, "tools/images.py", "molecule/default/inventory"], cwd=ROOT, check=True)
    # Git distrusts a checkout of another user than root.
    trust = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": str(ROOT)}
    path = {"PATH": f"{venv}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    env = {**os.environ, **trust, **path}
    return run_there(image, arguments or ["bash", "-euo", "pipefail", "-c", DEFAULT], env)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
