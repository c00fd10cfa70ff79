#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Bring a host's directories and configuration files to their desired state in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_state
short_description: Directories, files and systemd units of a host, in one call
description:
  - Creates directories, writes files by rename, reloads systemd when a unit file changed and brings units to their
    state. One call for a whole host, because each task costs the controller time. Needs nothing but Python on the host.
options:
  directories:
    description: Directories to have, each with C(path), C(mode) and, if not root, C(owner) (a user id).
    type: list
    elements: dict
    default: []
  files:
    description: Files to have, each with C(path), C(content) and C(mode). Parent directories are made as 0755.
    type: list
    elements: dict
    default: []
  units:
    description: systemd units to bring to O(units_state), in this order.
    type: list
    elements: str
    default: []
  units_state:
    description: V(started) enables and starts, V(stopped) stops and leaves enabled, V(disabled) stops and disables.
    type: str
    choices: [started, stopped, disabled]
    default: started
  absent:
    description: Paths of files and folders to remove, folders with what is in them.
    type: list
    elements: path
    default: []
attributes:
  check_mode: {support: full, description: Predicts each path and unit}
  diff_mode: {support: full, description: Before and after of each file}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Configure the host
  selvedge.fabric.host_state:
    directories: [{path: /var/lib/selvedge/peer0, mode: "0750", owner: 10001}]
    files: [{path: /etc/selvedge/ca.crt, content: "...", mode: "0644"}]
    units: [selvedge-agent.service]
"""

RETURN = r"""
changed_paths:
  description: Paths of directories and files that were created or changed.
  returned: always
  type: list
  elements: str
changed_units:
  description: Units that were enabled or started.
  returned: always
  type: list
  elements: str
"""

import os
import shutil
import stat
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule


def directory_differs(path: str, mode: int, owner: int) -> bool:
    """Whether the directory is missing, or has another mode or owner."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return True
    return stat.S_IMODE(found.st_mode) != mode or found.st_uid != owner or found.st_gid != owner


def ensure_directory(path: str, mode: int, owner: int) -> None:
    os.makedirs(path, exist_ok=True)
    os.chown(path, owner, owner)
    os.chmod(path, mode)


def read_file(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def write_file(path: str, content: str, mode: int) -> None:
    """Write by rename: a reader sees the old content or the new, a full disk leaves the old one."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


UNIT_COMMANDS = {"started": ["enable", "--now"], "stopped": ["stop"], "disabled": ["disable", "--now"]}


def unit_fits(enabled: str, active: str, state: str) -> bool:
    """Whether a unit, as systemctl describes it, is in the wanted state already."""
    runs = active in ("active", "activating", "deactivating", "failed")
    if state == "started":
        return enabled == "enabled" and active == "active"
    return not runs and (state == "stopped" or enabled != "enabled")


class HostState:
    """Compares and converges; collects what changed and the diff."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self.changed_paths: list[str] = []
        self.changed_units: list[str] = []
        self.diff: list[dict[str, str]] = []

    def directories(self, items: list[dict[str, Any]]) -> None:
        for item in items:
            mode, owner = int(item["mode"], 8), int(item.get("owner", 0))
            if directory_differs(item["path"], mode, owner):
                self.changed_paths.append(item["path"])
                self.diff.append({"before_header": item["path"], "after_header": item["path"], "before": "",
                                  "after": f"directory {item['mode']} {owner}\n"})  # fmt: skip
                if not self._module.check_mode:
                    ensure_directory(item["path"], mode, owner)

    def files(self, items: list[dict[str, Any]]) -> None:
        reload = False
        for item in items:
            path, mode = item["path"], int(item["mode"], 8)
            before = read_file(path)
            same_mode = before is not None and stat.S_IMODE(os.stat(path).st_mode) == mode
            if before == item["content"] and same_mode:
                continue
            self.changed_paths.append(path)
            self.diff.append({"before_header": path, "after_header": path, "before": before or "",
                              "after": item["content"]})  # fmt: skip
            reload = reload or path.startswith("/etc/systemd/system/")
            if not self._module.check_mode:
                write_file(path, item["content"], mode)
        if reload and not self._module.check_mode:
            self._module.run_command(["systemctl", "daemon-reload"], check_rc=True)

    def units(self, names: list[str], state: str) -> None:
        if not names:
            return
        _, enabled, _ = self._module.run_command(["systemctl", "is-enabled", *names])
        _, active, _ = self._module.run_command(["systemctl", "is-active", *names])
        # A unit that is not there answers on standard error only, so ask one by one where the counts differ.
        found = list(zip(enabled.split(), active.split(), strict=False)) if len(enabled.split()) == len(names) else []
        for index, name in enumerate(names):
            on, runs = found[index] if found else self._unit(name)
            if unit_fits(on, runs, state):
                continue
            self.changed_units.append(name)
            self.diff.append({"before_header": name, "after_header": name, "before": f"{on}, {runs}\n",
                              "after": f"{state}\n"})  # fmt: skip
            if not self._module.check_mode:
                self._module.run_command(["systemctl", *UNIT_COMMANDS[state], name], check_rc=True)

    def _unit(self, name: str) -> tuple[str, str]:
        _, enabled, _ = self._module.run_command(["systemctl", "is-enabled", name])
        _, active, _ = self._module.run_command(["systemctl", "is-active", name])
        return enabled.strip() or "not-found", active.strip() or "inactive"

    def absent(self, paths: list[str]) -> None:
        reload = False
        for path in paths:
            if not os.path.lexists(path):
                continue
            self.changed_paths.append(path)
            self.diff.append({"before_header": path, "after_header": path, "before": "present\n", "after": ""})
            reload = reload or path.startswith("/etc/systemd/system/")
            if self._module.check_mode:
                continue
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        if reload and not self._module.check_mode:
            self._module.run_command(["systemctl", "daemon-reload"], check_rc=True)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "directories": {"type": "list", "elements": "dict", "default": []},
            "files": {"type": "list", "elements": "dict", "default": []},
            "units": {"type": "list", "elements": "str", "default": []},
            "units_state": {"type": "str", "choices": list(UNIT_COMMANDS), "default": "started"},
            "absent": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    state = HostState(module)
    try:
        state.directories(module.params["directories"])
        state.files(module.params["files"])
        state.units(module.params["units"], module.params["units_state"])
        state.absent(module.params["absent"])
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}. Next: look at the disk and its mounts")
    module.exit_json(
        changed=bool(state.changed_paths or state.changed_units),
        changed_paths=state.changed_paths,
        changed_units=state.changed_units,
        diff=state.diff,
    )


if __name__ == "__main__":
    main()
