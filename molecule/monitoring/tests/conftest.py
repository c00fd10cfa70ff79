"""Fixtures of the scenario: those that all scenarios share, and Prometheus as its own client asks it."""

from __future__ import annotations

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

__all__ = ["containers", "deployment", "host", "ledger", "output", "pytest_generate_tests", "restartable"]


@pytest.fixture(scope="session")
def prometheus(deployment: Deployment) -> Server:  # noqa: F811
    return Server(deployment, "prometheus")


@pytest.fixture(scope="session")
def alertmanager(deployment: Deployment) -> Server:  # noqa: F811
    return Server(deployment, "alertmanager")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A network that was broken and mended is another one for some minutes.
    items.sort(key=lambda item: item.path.stem == "test_faults")
