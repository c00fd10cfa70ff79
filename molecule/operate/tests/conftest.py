"""Fixtures of the scenario: the deployment, its ledger, and an operator who edits the model."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.runs import Operator

__all__ = ["deployment"]


@pytest.fixture(scope="session")
def ledger(deployment: Deployment) -> Ledger:  # noqa: F811 - pytest finds fixtures by their names
    return Ledger(deployment)


@pytest.fixture(scope="session")
def operator(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Operator:  # noqa: F811
    return Operator(deployment, tmp_path_factory.mktemp("edited"))


# Each story begins where the one before has ended; the first deploys the network.
ORDER = ("test_fresh", "test_plan", "test_rolling", "test_locks", "test_failures", "test_interrupted")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: ORDER.index(item.path.stem))
