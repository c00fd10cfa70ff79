from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.modules import preflight_info
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner

NOTHING: dict[str, Any] = {"name": "controller", "neighbours": [], "endpoints": []}


@pytest.mark.parametrize("check", [False, True])
def test_it_looks_between_two_moments_and_changes_nothing(run: ModuleRunner, check: bool) -> None:
    before = time.time()
    result = run(preflight_info.main, check=check, expected=NOTHING)
    assert result["changed"] is False
    assert (result["evidence"]["knocks"], result["evidence"]["errors"]) == ({}, {})
    assert before <= result["evidence"]["clock"]["start"] <= result["evidence"]["clock"]["end"] <= time.time()
