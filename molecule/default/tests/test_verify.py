"""`verify.yml` and `status.yml` on hosts that are not well: both say the same, and are content again afterwards.

Faults of a host are made on the host: a file system that is full, or without inodes, and a clock that is ahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import the_host
from ansible_collections.selvedge.fabric.molecule.shared.testing.playing import changed_of, play

# Containers have their own view of it, so that what is put over it here reaches none of them.
FOLDER = "/var/lib/selvedge"
# The host's clock is the machine's, which is nobody's to change: what Python says there is.
SKEW_S = 120
PYTHON = "/usr/local/bin/python-with-another-clock"


class Verbs:
    """Both playbooks, as an operator runs them."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self._inventory = deployment.inventory
        self._page = f"status_page={folder / 'status.html'}"

    def well(self, *options: str) -> None:
        said = play(self._inventory, "playbooks/verify.yml", *options)
        assert set(changed_of(said).values()) == {0}
        assert "All is well" in play(self._inventory, "playbooks/status.yml", "-e", self._page, *options)

    def find(self, host: str, reason: str, remedy: str, status: str, *options: str) -> None:
        """Both tell of the host, and of nothing else; verify fails for it."""
        told = one_line(play(self._inventory, "playbooks/verify.yml", *options, fails=True))
        assert f"{host}: {reason}" in told, told
        assert f"Next: {remedy}" in told, told
        said = play(self._inventory, "playbooks/status.yml", "-e", self._page, *options)
        assert "1 thing is not well" in said, said
        assert f"{host} is {status}: {reason}" in one_line(said), said


def one_line(text: str) -> str:
    """Without the line breaks that Ansible makes."""
    return " ".join(text.split())


@pytest.fixture
def verbs(deployment: Deployment, tmp_path: Path) -> Verbs:
    return Verbs(deployment, tmp_path)


@pytest.fixture
def first(deployment: Deployment, restartable: None) -> str:
    """The host on whose answer least may hang: others are asked by way of it."""
    return next(iter(deployment.variables))


@contextmanager
def over_the_folder(host: str, options: str, fill: str) -> Iterator[None]:
    """A small file system of its own in the place of the folder, which ``fill`` uses up."""
    there = the_host(host)
    there.check_output(f"mount -t tmpfs -o {options} small {FOLDER}")
    try:
        there.run(f"cd {FOLDER} && {fill}")
        yield
    finally:
        there.check_output(f"umount {FOLDER}")


def test_a_disk_that_is_full(verbs: Verbs, first: str) -> None:
    with over_the_folder(first, "size=1m", "cat /dev/zero > full"):
        verbs.find(first, f"{FOLDER} ({FOLDER}) has 0.0 % free", "make room", "unhealthy")
    verbs.well()


def test_a_disk_without_inodes(verbs: Verbs, first: str) -> None:
    with over_the_folder(first, "size=1m,nr_inodes=100", "for name in $(seq 95); do touch $name; done"):
        reason = f"{FOLDER} ({FOLDER}) has 4.0 % of the inodes free"
        verbs.find(first, reason, "remove small files", "degraded")
    verbs.well()


def test_a_clock_that_is_ahead(verbs: Verbs, first: str, tmp_path: Path) -> None:
    there = the_host(first)
    ahead = f"import time\\nreal = time.time\\ntime.time = lambda: real() + {SKEW_S}\\n"
    lines = (
        f"mkdir -p {PYTHON}.d",
        f"printf '{ahead}' > {PYTHON}.d/sitecustomize.py",
        f"printf '#!/bin/sh\\nPYTHONPATH={PYTHON}.d exec /usr/bin/python3 \"$@\"\\n' > {PYTHON}",
        f"chmod 0755 {PYTHON}",
    )
    there.check_output(" && ".join(lines))
    try:
        options = overlay(tmp_path, first, ansible_python_interpreter=PYTHON)
        verbs.find(first, "its clock is 1", "look at the time service on its host", "degraded", *options)
    finally:
        there.check_output(f"rm -r {PYTHON} {PYTHON}.d")
    verbs.well()


def test_a_host_that_cannot_be_reached(deployment: Deployment, first: str, tmp_path: Path) -> None:
    """The others and all nodes are judged all the same."""
    options = overlay(tmp_path, first, ansible_port=1)
    told = one_line(play(deployment.inventory, "playbooks/verify.yml", *options, fails=True))
    assert f"{first}: cannot be reached:" in told and "Next: preflight.yml tells" in told, told
    table = told[: told.index("The network is not as it should be")]
    for other in list(deployment.variables)[1:]:
        assert f"{other} host - healthy" in table, told
    for node in [*deployment.network.orderers, *deployment.network.peers]:
        assert f"{node.name} {node.kind} {node.organization} healthy" in table, told


def test_it_works_in_check_mode_too(verbs: Verbs, deployment: Deployment) -> None:
    said = play(deployment.inventory, "playbooks/verify.yml", "--check")
    for name in deployment.variables:
        assert f"{name} host - healthy" in one_line(said), said


def test_with_limit_only_those_hosts_are_asked(deployment: Deployment) -> None:
    *others, last = deployment.variables
    said = one_line(play(deployment.inventory, "playbooks/verify.yml", "--limit", last))
    assert f"{last} host - healthy" in said
    assert not [name for name in others if f"{name} host - " in said]


def overlay(folder: Path, host: str, **variables: object) -> tuple[str, str]:
    """Options for an inventory that says something else of one host."""
    path = folder / "overlay.yml"
    path.write_text(yaml.safe_dump({"all": {"hosts": {host: variables}}}))
    return "-i", str(path)
