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
    description:
      - Files to have, each with C(path), C(content) and C(mode); they belong to the user that the module runs as.
        Parent directories are made as 0755.
      - A file is replaced by rename. One with C(in_place) is written into instead, because containers have
        mounted it; keep such a file short.
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
    description: Paths of files and folders to remove, folders with what is in them. A mount point is emptied.
    type: list
    elements: path
    default: []
  listings:
    description: Folders whose names are returned in RV(found), as they are before anything is done.
    type: list
    elements: path
    default: []
  projects:
    description: Whether to ask the container engine for its Compose projects, returned in RV(projects).
    type: bool
    default: false
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
found:
  description: The names in each folder of O(listings), sorted; none where there is no such folder.
  returned: always
  type: dict
  sample: {"/etc/selvedge/stacks": ["ca", "ledger"]}
projects:
  description: Names of the Compose projects that the engine has containers of, running or not. Empty when there is no
    engine, and null when it does not answer.
  returned: with O(projects)
  type: list
  elements: str
  sample: [lab-ledger, lab-store]
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

import errno
import os
import shutil
import stat
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule


def describe(kind: str, mode: int, owner: int, group: int) -> str:
    return f"{kind} {mode:04o} {owner}:{group}\n"


def found_directory(path: str) -> str:
    """What is at ``path``, as ``describe`` says it; empty when nothing is."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return ""
    kind = "directory" if stat.S_ISDIR(found.st_mode) else "no directory"
    return describe(kind, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)


def make_parents(path: str) -> None:
    """Make what is missing above ``path`` as 0755, whatever the host's umask says."""
    folder = os.path.dirname(path)
    if folder and not os.path.isdir(folder):
        make_parents(folder)
        os.mkdir(folder)
        os.chmod(folder, 0o755)


def ensure_directory(path: str, mode: int, owner: int) -> None:
    if not os.path.isdir(path):
        make_parents(path)
        os.mkdir(path, 0o700)
    os.chown(path, owner, owner)
    os.chmod(path, mode)


def found_file(path: str) -> tuple[bytes | None, str]:
    """Content of the file and what else is true of it; None and an empty text when it is not there."""
    try:
        with open(path, "rb") as file:
            content, found = file.read(), os.fstat(file.fileno())
    except FileNotFoundError:
        return None, ""
    return content, f"mode {stat.S_IMODE(found.st_mode):04o}, owner {found.st_uid}\n"


def write_in_place(path: str, content: bytes, mode: int) -> None:
    """Write into the file that is there: who has mounted it sees the new content. One write, then the rest is cut."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.pwrite(descriptor, content, 0)
        os.ftruncate(descriptor, len(content))
        os.fsync(descriptor)
        os.fchmod(descriptor, mode)
        os.fchown(descriptor, os.geteuid(), os.getegid())
    finally:
        os.close(descriptor)


def write_file(path: str, content: bytes, mode: int) -> None:
    """Write by rename: a reader sees the old content or the new, a full disk leaves the old one."""
    make_parents(path)
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


UNIT_FOLDER = "/etc/systemd/system/"
UNIT_COMMANDS = {"started": ["enable", "--now"], "stopped": ["stop"], "disabled": ["disable", "--now"]}


def unit_fits(enabled: str, active: str, state: str) -> bool:
    """Whether a unit, as systemctl describes it, is in the wanted state already."""
    # What failed does not run, and stopping it changes nothing.
    runs = active in ("active", "activating", "deactivating")
    if state == "started":
        return enabled == "enabled" and active == "active"
    return not runs and (state == "stopped" or enabled != "enabled")


def remove(path: str) -> None:
    """Remove a file, or a folder with what is in it."""
    if os.path.islink(path) or not os.path.isdir(path):
        os.unlink(path)
    elif os.path.ismount(path):
        for name in os.listdir(path):
            remove(os.path.join(path, name))
    else:
        shutil.rmtree(path)


def names_in(path: str) -> list[str]:
    """The names in a folder, sorted; none where there is no such folder."""
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []


def compose_projects(module: AnsibleModule) -> list[str] | None:
    """Compose projects with containers on this host, none without an engine; None when the engine does not answer."""
    if not module.get_bin_path("docker"):
        return []
    label = '{{.Label "com.docker.compose.project"}}'
    code, names, _unused = module.run_command(["docker", "ps", "--all", "--format", label])
    return None if code else sorted(set(names.split()))


_SOMETHING_ELSE = "something else is at {path} or above it: look what it is, and move it away"
_REMEDIES = {
    errno.ENOSPC: "free some space on the filesystem of {path}; df shows how full it is, df -i its inodes",
    errno.EDQUOT: "free some space on the filesystem of {path}, or raise the quota there",
    errno.EROFS: "remount the filesystem of {path} for writing; dmesg says why it is read-only",
    errno.EACCES: "see what forbids it to root on this host, such as SELinux, AppArmor or a network filesystem",
    errno.EPERM: "see what forbids it to root on this host, such as an immutable file (lsattr {path}) or AppArmor",
    errno.EEXIST: _SOMETHING_ELSE,
    errno.ENOTDIR: _SOMETHING_ELSE,
    errno.EISDIR: _SOMETHING_ELSE,
}


def remedy(error: OSError, path: str) -> str:
    """What to do about what the kernel said of ``path``."""
    return _REMEDIES.get(error.errno or 0, "look at the disk and its mounts").format(path=path)


class HostState:
    """Compares and converges; collects what changed and the diff."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self.changed_paths: list[str] = []
        self.changed_units: list[str] = []
        self.diff: list[dict[str, str]] = []
        # The path at work, for what is said when it fails.
        self.at = ""

    def _changes(self, name: str, before: str, after: str) -> None:
        self.diff.append({"before_header": name, "after_header": name, "before": before, "after": after})

    def directories(self, items: list[dict[str, Any]]) -> None:
        for item in items:
            self.at = path = item["path"]
            mode, owner = int(item["mode"], 8), int(item.get("owner", 0))
            before, after = found_directory(path), describe("directory", mode, owner, owner)
            if before == after:
                continue
            self.changed_paths.append(path)
            self._changes(path, before, after)
            if not self._module.check_mode:
                ensure_directory(path, mode, owner)

    def files(self, items: list[dict[str, Any]]) -> None:
        reload = False
        try:
            for item in items:
                in_place = bool(item.get("in_place"))
                if self._file(item["path"], item["content"], int(item["mode"], 8), in_place):
                    reload = reload or item["path"].startswith(UNIT_FOLDER)
        finally:
            # Also after a failure: the next run finds these units written and would not reload them.
            if reload and not self._module.check_mode:
                self._module.run_command(["systemctl", "daemon-reload"], check_rc=True)

    def _file(self, path: str, content: str, mode: int, in_place: bool = False) -> bool:
        """Have one file; return whether it was different."""
        self.at = path
        wanted = content.encode()
        before, attributes = found_file(path)
        fits = f"mode {mode:04o}, owner {os.geteuid()}\n"
        if before == wanted and attributes == fits:
            return False
        self.changed_paths.append(path)
        if before != wanted:
            self._changes(path, (before or b"").decode(errors="replace"), content)
        if before is not None and attributes != fits:
            self._changes(path, attributes, fits)
        if not self._module.check_mode:
            (write_in_place if in_place and before is not None else write_file)(path, wanted, mode)
        return True

    def units(self, names: list[str], state: str) -> None:
        if not names:
            return
        _unused, enabled, _unused = self._module.run_command(["systemctl", "is-enabled", *names])
        _unused, active, _unused = self._module.run_command(["systemctl", "is-active", *names])
        # A unit that is not there answers on standard error only, so ask one by one where the counts differ.
        found = (
            list(zip(enabled.split(), active.split(), strict=False))
            if len(enabled.split()) == len(names)
            else []
        )
        for index, name in enumerate(names):
            on, runs = found[index] if found else self._unit(name)
            if unit_fits(on, runs, state):
                continue
            self.changed_units.append(name)
            self._changes(name, f"{on}, {runs}\n", f"{state}\n")
        if self._module.check_mode:
            return
        # What starts is ordered by the units themselves and may start together; what stops does so in the given order.
        calls = [self.changed_units] if state == "started" else [[name] for name in self.changed_units]
        for call in filter(None, calls):
            self._module.run_command(["systemctl", *UNIT_COMMANDS[state], *call], check_rc=True)

    def _unit(self, name: str) -> tuple[str, str]:
        _unused, enabled, _unused = self._module.run_command(["systemctl", "is-enabled", name])
        _unused, active, _unused = self._module.run_command(["systemctl", "is-active", name])
        return enabled.strip() or "not-found", active.strip() or "inactive"

    def absent(self, paths: list[str]) -> None:
        reload = False
        for path in paths:
            # A mount point is the host's, not ours: it is emptied and stays.
            if not os.path.lexists(path) or (os.path.ismount(path) and not os.listdir(path)):
                continue
            self.at = path
            self.changed_paths.append(path)
            self._changes(path, "present\n", "")
            reload = reload or path.startswith(UNIT_FOLDER)
            if not self._module.check_mode:
                remove(path)
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
            "listings": {"type": "list", "elements": "path", "default": []},
            "projects": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    state = HostState(module)
    found: dict[str, list[str]] = {}
    more = {"projects": compose_projects(module)} if module.params["projects"] else {}
    try:
        for state.at in module.params["listings"]:
            found[state.at] = names_in(state.at)
        state.directories(module.params["directories"])
        state.files(module.params["files"])
        state.units(module.params["units"], module.params["units_state"])
        state.absent(module.params["absent"])
    except OSError as error:
        module.fail_json(msg=f"{state.at}: {error.strerror}. Next: {remedy(error, state.at)}")
    module.exit_json(
        changed=bool(state.changed_paths or state.changed_units),
        changed_paths=state.changed_paths,
        changed_units=state.changed_units,
        found=found,
        diff=state.diff,
        **more,
    )


if __name__ == "__main__":
    main()
