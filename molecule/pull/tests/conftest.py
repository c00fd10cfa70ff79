"""Fixtures of the scenario: those that all scenarios share."""

from __future__ import annotations

from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import (
    containers,
    deployment,
    host,
    ledger,
    output,
    pytest_generate_tests,
)

__all__ = ["containers", "deployment", "host", "ledger", "output", "pytest_generate_tests"]
