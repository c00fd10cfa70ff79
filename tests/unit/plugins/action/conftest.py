"""What actions say is looked for in one place, with every ansible-core."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.plugin_utils import host_facts


@pytest.fixture(autouse=True)
def facts_in_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a run, a newer core has no place for variables."""
    monkeypatch.setattr(host_facts, "VariableLayer", None)
