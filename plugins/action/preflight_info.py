# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Have a machine looked at, between two looks at the controller's own clock.

That a host cannot be reached, logged in to or worked on is an answer too.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.connection import ConnectionBase

# An open connection would hide that nobody can log in any more, and hang where the other side has died since.
_FRESH = "-o ControlMaster=no -o ControlPath=none -o ServerAliveInterval=5 -o ServerAliveCountMax=2"


def where(connection: ConnectionBase) -> str:
    """How a connection reaches its host, for people."""
    kind = str(connection.transport)
    if kind != "ssh":
        return kind
    user, host, port = (connection.get_option(name) for name in ("remote_user", "host", "port"))
    return f"ssh {f'{user}@' if user else ''}{host}:{port or 22}"


def failure(result: dict[str, Any]) -> str:
    """Everything that a failed module call says of its reason; empty when it went well."""
    if "evidence" in result:
        return ""
    said = [str(result.get(key, "")).strip() for key in ("msg", "module_stderr", "module_stdout")]
    return "\n".join(filter(None, said)) or "the module gave no answer"


class ActionModule(ActionBase):  # type: ignore[misc]
    """One module call; the host's answer, or why there is none."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(
            {
                "expected": {"type": "dict", "required": True},
                "ca_cert": {"type": "str", "default": ""},
                "timeout": {"type": "float", "default": 2},
            }
        )
        if self._connection.transport == "ssh":
            given = self._connection.get_option("ssh_extra_args") or ""
            self._connection.set_option("ssh_extra_args", f"{given} {_FRESH}".strip())
        sent = time.time()
        try:
            answer = self._execute_module(
                module_name="selvedge.fabric.preflight_info", module_args=arguments, task_vars=task_vars
            )
            error = failure(answer)
        except AnsibleError as problem:
            answer, error = {}, str(problem)
        received = time.time()
        evidence = answer.get("evidence", {})
        if evidence:
            evidence["clock"].update(sent=sent, received=received)
        return {
            "changed": False,
            "expected": arguments["expected"],
            "evidence": evidence,
            "error": error,
            "where": where(self._connection),
        }
