"""Runs a module in this process, as Ansible would, and hands back what it answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

Run = Callable[..., dict[str, Any]]


class ModuleRunner:
    """``runner(main, option=value)`` gives the module's result; its exit code is in ``rc_of_module``."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, main: Callable[[], None], check: bool = False, **options: Any) -> dict[str, Any]:
        self._capsys.readouterr()
        with (
            patch_module_args({**options, "_ansible_check_mode": check, "_ansible_diff": True}),
            pytest.raises(SystemExit) as ended,
        ):
            main()
        result: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        assert bool(ended.value.code) == bool(result.get("failed"))
        return result
