"""Fixtures that every scenario's tests share: the deployment of the inventory, its ledger, and its hosts.

The inventory is ``SELVEDGE_INVENTORY``, by default that of the scenario ``default``.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import testinfra
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from testinfra.host import Host

_DEFAULT = Path(__file__).resolve().parents[2] / "default" / "inventory"


@cache
def the_deployment() -> Deployment:
    return Deployment(Path(os.environ.get("SELVEDGE_INVENTORY") or _DEFAULT))


@cache
def the_host(name: str) -> Host:
    """Testinfra's host. Its own reading of the inventory leaves variables within variables as they are."""
    known = the_deployment().variables[name]
    target = f"{known.get('ansible_user', 'root')}@{known.get('ansible_host', name)}:{known.get('ansible_port', 22)}"
    return testinfra.get_host(
        f"ssh://{target}",
        ssh_identity_file=known.get("ansible_ssh_private_key_file"),
        ssh_extra_args=known.get("ansible_ssh_common_args"),
        sudo=known.get("ansible_user", "root") != "root",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes ``host_name`` once for every host of the inventory."""
    if "host_name" in metafunc.fixturenames:
        metafunc.parametrize("host_name", list(the_deployment().variables), scope="session")


@pytest.fixture(scope="session")
def deployment() -> Deployment:
    return the_deployment()


@pytest.fixture(scope="session")
def ledger(deployment: Deployment) -> Ledger:
    return Ledger(deployment)


@pytest.fixture
def restartable(deployment: Deployment) -> None:
    """`make demo` belongs to somebody: no test restarts its hosts, or breaks anything there, unasked."""
    allowed = os.environ.get("SELVEDGE_RESTART_HOSTS", deployment.lab_name)
    if deployment.lab_name.endswith("-demo") and "SELVEDGE_RESTART_HOSTS" not in os.environ:
        pytest.skip(f"set SELVEDGE_RESTART_HOSTS={allowed} to let this test restart hosts of {allowed}")


@pytest.fixture
def host(host_name: str) -> Host:
    return the_host(host_name)


@pytest.fixture
def output(host: Host) -> Callable[..., str]:
    """Run a command on the host, which must succeed, and return what it prints."""

    def run(*command: str) -> str:
        done = host.run(shlex.join(command))
        assert done.rc == 0, f"{shlex.join(command)}: {done.stderr}"
        return str(done.stdout)

    return run


@pytest.fixture
def containers(output: Callable[..., str]) -> dict[str, dict[str, Any]]:
    """What the host's engine says about each of its containers, stopped ones too, by name."""
    return inspect(output)


def inspect(output: Callable[..., str]) -> dict[str, dict[str, Any]]:
    """``docker inspect`` of all containers, by name."""
    names = output("docker", "ps", "--all", "--quiet", "--no-trunc").split()
    found = json.loads(output("docker", "inspect", *names)) if names else []
    return {item["Name"].lstrip("/"): item for item in found}
