# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Take a host's lock for the ansible-playbook process that this worker belongs to."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.selvedge.fabric.plugins.module_utils.runs import (
    holder_of,
    is_dead,
    refusal,
    run_name,
)
from ansible_collections.selvedge.fabric.plugins.plugin_utils.host_facts import host_facts
from ansible_collections.selvedge.fabric.plugins.plugin_utils.local_module import LocalAction


class ActionModule(LocalAction):
    """One call of the module; a second one where a dead run's lock is taken over."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        # Workers are forked: their parent is the run.
        process = os.getppid()
        facts = host_facts(self, {"selvedge_run": run_name(process)})
        if self._task.check_mode:
            return {"changed": False, **facts}
        holder = holder_of(process, str(variables.get("ansible_play_name", "")))
        arguments = {**self._task.args, "holder": holder}
        result = self.perform("host_lock", arguments, variables)
        other = result.get("other") or {}
        if result.get("refused") and is_dead(other):
            result = self.perform("host_lock", {**arguments, "break_lock": other["run"]}, variables)
            other = result.get("other") or {}
        if result.get("refused"):
            raise AnsibleActionFail(refusal(other, result["path"]))
        return {**result, **facts}
