# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Run a module on a host between two looks at the controller's own clock."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]
    """The task's own module, whose ``clock`` gets ``sent`` and ``received`` beside what the host says."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        sent = time.time()
        result: dict[str, Any] = self._execute_module(task_vars=task_vars)
        received = time.time()
        if "clock" in result:
            result["clock"].update(sent=sent, received=received)
        return result
