from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> ModuleRunner:
    return ModuleRunner(capsys)
