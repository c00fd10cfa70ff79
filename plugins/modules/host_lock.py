#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""One run at a time on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_lock
short_description: Let one run at a time work on a host
description:
  - Takes a lock on the host for the C(ansible-playbook) process that runs this task. Another run that holds
    it is an error that says who, and on which controller. The same run may take it again.
  - A run that died leaves its lock behind. Where it ran on the same controller, its process is looked for, and the
    lock of a dead one is taken over. What it started on the host is waited for; what its tasks did on the controller
    itself has ended with it. A controller that was booted since is the same by its name, its C(/etc/machine-id), and a
    number that it keeps for Selvedge in the user's state folder, which is E(XDG_STATE_HOME) or C(~/.local/state);
    where one of them is missing, its former runs are another controller's.
  - The lock of a run on another controller is broken with O(break_lock) only.
  - The default O(path) lies in memory, so a reboot of the host ends the lock on it. One on a disk stays.
  - Sets the fact C(selvedge_run), which playbooks put into the environment variable C(SELVEDGE_RUN) of all
    their tasks. By it, processes on a host are known as those of a run.
  - Takes no lock in check mode.
options:
  state:
    description: V(held) takes the lock, V(released) gives it back.
    type: str
    choices: [held, released]
    default: held
  path:
    description: The lock's file.
    type: path
    default: /run/selvedge.lock
  holder:
    description: Who asks, with C(run), C(controller), C(machine), C(numbering), C(process), C(started), C(taken),
      C(user) and C(playbook). Made by the action plugin.
    type: dict
  break_lock:
    description: The run whose lock is void, as the refusal names it.
    type: str
    default: ""
  wait:
    description: Seconds to wait for what a dead run still does on the host.
    type: int
    default: 120
attributes:
  check_mode: {support: full, description: Does nothing}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Take the host's lock
  selvedge.fabric.host_lock:

- name: Give the host's lock back
  selvedge.fabric.host_lock:
    state: released
"""

RETURN = r"""
other:
  description: The run that holds the lock, where it is not this one.
  returned: always
  type: dict
path:
  description: The lock's file.
  returned: when the lock was asked for
  type: str
former:
  description: Runs that died and whose lock was taken over.
  returned: always
  type: list
  elements: str
waited_for:
  description: Processes of theirs that were waited for.
  returned: when a lock was taken over
  type: list
  elements: str
"""

import fcntl
import json
import os
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.module import Module

VARIABLE = "SELVEDGE_RUN"
PATH = "/run/selvedge.lock"
ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["held", "released"], "default": "held"},
    "path": {"type": "path", "default": PATH},
    "holder": {"type": "dict"},
    "break_lock": {"type": "str", "default": ""},
    "wait": {"type": "int", "default": 120},
}
RULES: dict[str, Any] = {"required_if": [("state", "held", ("holder",))]}


def read_record(path: str) -> dict[str, Any]:
    """Who holds the lock; empty when nobody does, or when what is there is no record."""
    try:
        with open(path) as file:
            found = json.load(file)
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("run") else {}


def write_record(path: str, holder: dict[str, Any]) -> None:
    """Replace the record; a reader sees the old one or the new one."""
    with open(path + ".new", "w") as file:
        json.dump(holder, file)
    os.chmod(path + ".new", 0o644)
    os.rename(path + ".new", path)


def processes_of(runs: list[str]) -> dict[int, str]:
    """Processes of these runs, by what Ansible has put into their environment: id and command."""
    wanted = {f"{VARIABLE}={run}".encode() for run in runs}
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                belongs = not wanted.isdisjoint(file.read().split(b"\0"))
            with open(f"/proc/{name}/cmdline", "rb") as file:
                command = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if belongs and command:
            found[int(name)] = command
    return found


def wait_for(runs: list[str], seconds: float) -> tuple[list[str], dict[int, str]]:
    """Wait until no process of ``runs`` is left; what was seen at first, and what is left when time is up."""
    first = processes_of(runs)
    left, until = first, time.monotonic() + seconds
    while left and time.monotonic() < until:
        time.sleep(0.2)
        left = processes_of(runs)
    return sorted(set(first.values())), left


def take(path: str, holder: dict[str, Any], void: str) -> dict[str, Any]:
    """Take the lock, or say who has it. ``former`` are runs that died, whose processes may still be at work."""
    other = read_record(path)
    if other and other["run"] not in (holder["run"], void):
        return {"refused": True, "other": other, "former": []}
    former = list(other.get("former", []))
    if other and other["run"] != holder["run"]:
        former.append(other["run"])
    # Known to the next one until they are waited for, in case this run dies as well.
    write_record(path, {**holder, "former": former})
    return {"refused": False, "other": {}, "former": former}


def run(module: Module) -> None:
    options = module.params
    path, holder = options["path"], options["holder"] or {}
    if module.check_mode:
        module.exit_json(changed=False)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    # Between reading and writing nobody else may come in.
    with open(path + ".guard", "w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if options["state"] == "released":
            if read_record(path).get("run") == holder.get("run"):
                os.unlink(path)
            module.exit_json(changed=False)
        result = {**take(path, holder, options["break_lock"]), "path": path}
    if not result["former"]:
        module.exit_json(changed=False, **result)
    seen, left = wait_for(result["former"], options["wait"])
    if left:
        shown = "; ".join(f"process {number}: {command[:120]}" for number, command in sorted(left.items()))
        module.fail_json(
            msg=f"a run that died is still at work here after {options['wait']} s: {shown}. Next: wait for it or "
            "end it, then run again"
        )
    write_record(path, holder)
    module.exit_json(changed=False, waited_for=seen, **result)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True, **RULES))


if __name__ == "__main__":
    main()
