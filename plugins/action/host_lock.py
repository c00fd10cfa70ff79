# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Take a host's lock for the ansible-playbook process that this worker belongs to."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

_MODULE = "selvedge.fabric.host_lock"


def controller_id() -> str:
    """This machine since its last boot: process numbers mean something within it only."""
    return f"{socket.gethostname()} {Path('/proc/sys/kernel/random/boot_id').read_text().strip()}"


def start_of(process: int) -> str:
    """When a process started, in clock ticks since the boot; empty when there is none.

    Source: proc(5), field 22 of ``stat``; the second field may have spaces and brackets.
    """
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def holder_of(process: int, playbook: str) -> dict[str, str]:
    """What the lock's record says of a run."""
    started = start_of(process)
    return {
        "run": f"{socket.gethostname()}-{process}-{started}",
        "controller": controller_id(),
        "process": str(process),
        "started": started,
        "user": getpass.getuser(),
        "playbook": playbook,
    }


def is_dead(other: dict[str, Any]) -> bool:
    """Whether a run is known to have ended. One on another machine is never known to."""
    return bool(
        other["controller"] == controller_id() and start_of(int(other["process"])) != other["started"]
    )


class ActionModule(ActionBase):  # type: ignore[misc]
    """One call of the module; a second one where a dead run's lock is taken over."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        # Workers are forked: their parent is the run.
        holder = holder_of(os.getppid(), str(variables.get("ansible_play_name", "")))
        facts = {"selvedge_run": holder["run"]}
        if self._task.check_mode:
            return {"changed": False, "ansible_facts": facts}
        arguments = {**self._task.args, "holder": holder}
        result = self._call(arguments, variables)
        other = result.get("other") or {}
        if result.get("refused") and is_dead(other):
            result = self._call({**arguments, "break_lock": other["run"]}, variables)
            other = result.get("other") or {}
        if result.get("refused"):
            raise AnsibleActionFail(refusal(other, self._task.args.get("path", "")))
        return {**result, "ansible_facts": facts}

    def _call(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(
            module_name=_MODULE, module_args=arguments, task_vars=variables
        )
        return result


def refusal(other: dict[str, Any], path: str) -> str:
    """Who is at work, and what to do."""
    machine = str(other["controller"]).split()[0]
    where = f" ({path})" if path else ""
    return (
        f"another run is at work here{where}: '{other['playbook']}' by {other['user']} on {machine}, process "
        f"{other['process']}. Next: wait until it ends. If that machine is gone, run again with "
        f"-e selvedge_break_lock={other['run']}"
    )
