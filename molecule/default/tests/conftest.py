"""Fixtures of the scenario: those that all scenarios share, and the ledger."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import (
    containers,
    deployment,
    host,
    output,
    pytest_generate_tests,
    restartable,
)
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger

__all__ = ["containers", "deployment", "host", "output", "pytest_generate_tests", "restartable"]


@pytest.fixture(scope="session")
def ledger(deployment: Deployment) -> Ledger:  # noqa: F811 - pytest finds fixtures by their names
    return Ledger(deployment)
