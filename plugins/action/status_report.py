# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Tell of the whole network: a table, and a page on the controller."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.selvedge.fabric.plugins.module_utils.atomic import write_text
from ansible_collections.selvedge.fabric.plugins.module_utils.status import page, table
from ansible_collections.selvedge.fabric.plugins.module_utils.status.report import Concern, Inputs, make
from ansible_collections.selvedge.fabric.plugins.module_utils.version import VERSION
from ansible_collections.selvedge.fabric.plugins.plugin_utils.plain import plain

_ARGUMENTS = {
    "network": {"type": "str", "required": True},
    "controller": {"type": "dict", "required": True},
    "health": {"type": "dict", "required": True},
    "channels": {"type": "list", "elements": "dict", "default": []},
    "chaincodes": {"type": "list", "elements": "dict", "default": []},
    "hosts": {"type": "dict", "default": {}},
    "all_hosts": {"type": "list", "elements": "str", "default": []},
    "page": {"type": "str", "default": ""},
}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller only; nothing is sent to a host."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _unused, given = self.validate_argument_spec(_ARGUMENTS)
        options = plain(given)
        path = options.pop("page")
        report = make(Inputs(**options), time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), VERSION)
        written = bool(path) and not self._task.check_mode
        if written:
            self._write(Path(path).expanduser(), page.render(report))
        return {
            **result,
            "changed": False,
            "status": str(report.status),
            "headline": report.headline,
            "concerns": [shown(item) for item in report.concerns],
            "table": table.render(report),
            "page": str(Path(path).expanduser().absolute()) if written else "",
        }

    @staticmethod
    def _write(path: Path, text: str) -> None:
        try:
            write_text(path, text)
        except OSError as error:
            raise AnsibleActionFail(
                f"page: {path} cannot be written: {error.strerror}. "
                f"Next: give a file below a folder that is there, with -e status_page=FILE"
            ) from error


def shown(item: Concern) -> dict[str, Any]:
    """A concern in plain types."""
    return {
        "subject": item.subject,
        "kind": item.kind,
        "status": str(item.status),
        "reasons": list(item.reasons),
        "remedy": item.remedy,
    }
