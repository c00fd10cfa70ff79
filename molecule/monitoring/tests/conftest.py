"""Fixtures of the scenario: those that all scenarios share, and Prometheus as its own client asks it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import (
    containers,
    deployment,
    host,
    ledger,
    output,
    pytest_generate_tests,
    restartable,
)
from ansible_collections.selvedge.fabric.molecule.shared.testing.monitoring import Server
from ansible_collections.selvedge.fabric.molecule.shared.testing.passing import passed_on
from ansible_collections.selvedge.fabric.tests.pictures.webdriver import Browser, browsing

__all__ = ["containers", "deployment", "host", "ledger", "output", "pytest_generate_tests", "restartable"]


@pytest.fixture(scope="session")
def prometheus(deployment: Deployment) -> Server:  # noqa: F811
    return Server(deployment, "prometheus")


@pytest.fixture(scope="session")
def alertmanager(deployment: Deployment) -> Server:  # noqa: F811
    return Server(deployment, "alertmanager")


@pytest.fixture(scope="session")
def page(prometheus: Server) -> Iterator[Browser]:
    """The network page as it is served; what needs it is skipped by name where there is no browser."""
    with passed_on(prometheus) as url, browsing("the deployed page") as window:
        window.size(1360, 900)
        window.open(f"{url}/consoles/network.html?poll=2")
        window.until("return Number(document.body.dataset.rounds || 0) >= 2", 60)
        yield window


@pytest.fixture
def page_or_none(request: pytest.FixtureRequest) -> Browser | None:
    """The same for tests that look at it among much else."""
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        return None
    found: Browser = request.getfixturevalue("page")
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A network that was broken and mended is another one for some minutes.
    items.sort(key=lambda item: item.path.stem == "test_faults")
