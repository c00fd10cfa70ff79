# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Judge what was found on all machines, and tell of it in one table."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import missing
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.findings import Limits, Status
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.verdict import Sight, judge, table
from ansible_collections.selvedge.fabric.plugins.plugin_utils.plain import plain


def sight(result: dict[str, Any]) -> Sight:
    """A result of ``preflight_info``. One that ran out of time has nothing but Ansible's message."""
    return Sight(
        expected=result.get("expected", {}),
        evidence=result.get("evidence", {}),
        error=result.get("error") or result.get("msg", ""),
        where=result.get("where", "the host"),
    )


def message(wrong: dict[str, int]) -> str:
    """What a play fails with: where something failed. The table has the rest, and stands right above it."""
    if not wrong:
        return ""
    counts = ", ".join(f"{count} on {name}" for name, count in wrong.items())
    total = sum(wrong.values())
    return f"{total} check(s) failed ({counts}); the table above says of each what it is and what to do"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller only; nothing is sent to the host."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        if package := missing("cryptography"):
            raise AnsibleActionFail(
                f"the Python package {package} is missing on the controller: see requirements.txt"
            )
        _unused, given = self.validate_argument_spec(
            {
                "results": {"type": "dict", "required": True},
                "ca_cert": {"type": "str", "default": ""},
                "min_disk": {"type": "float", "default": 5},
                "min_inodes": {"type": "int", "default": 100000},
                "clock_warning": {"type": "float", "default": 2},
                "clock_failure": {"type": "float", "default": 60},
                "distributions": {"type": "list", "elements": "str", "default": []},
                "everything": {"type": "bool", "default": False},
            }
        )
        options = plain(given)
        limits = Limits(
            min_disk=int(options["min_disk"] * (1 << 30)),
            min_inodes=options["min_inodes"],
            clock_warning=options["clock_warning"],
            clock_failure=options["clock_failure"],
            distributions=tuple(options["distributions"]),
        )
        sights = {name: sight(found) for name, found in options["results"].items()}
        findings = judge(sights, options["ca_cert"], limits)
        wrong = {
            name: count
            for name, items in findings.items()
            if (count := sum(found.status is Status.FAILED for found in items))
        }
        return {
            **result,
            "changed": False,
            "findings": {name: [found.as_dict() for found in items] for name, items in findings.items()},
            "table": table(findings, options["everything"]),
            "fit": not wrong,
            "message": message(wrong),
        }
