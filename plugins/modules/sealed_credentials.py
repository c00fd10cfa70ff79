#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Keep a host's boot material on its disk, sealed with systemd-creds where the host has it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sealed_credentials
short_description: Keep boot material on a host's disk, sealed with systemd-creds
description:
  - Seals values with C(systemd-creds encrypt) (TPM2 where there is one) below C(/etc/credstore.encrypted) and starts
    the unit that uses them. Without values it reports which names are missing. Values come by standard input only.
  - With O(seal=none) they are files of mode 0600 in the clear below C(/etc/credstore).
  - Used by the action plugin M(selvedge.fabric.boot_material).
options:
  stack: {description: What the material is for; first part of the files' names., type: str, required: true}
  names: {description: Names of the credentials that there must be., type: list, elements: str, required: true}
  values: {description: Base64 of the values to seal now., type: dict}
  seal:
    description:
      - How they lie on the disk. V(none) is for hosts whose systemd is older than 250. Who takes the disk of such a
        host has its boot material.
    type: str
    choices: [systemd-creds, none]
    default: systemd-creds
  unit: {description: The unit that uses the credentials; enabled and started., type: str, required: true}
  data:
    description: Folder with data that only the present C(seal_key) opens. While it has any, a missing one is an error.
    type: path
  revision:
    description:
      - Text that names the configuration which the unit is to run with. The unit copies it to O(loaded) when it starts.
        Where the two differ, the unit runs with an older one and is restarted.
    type: str
  loaded: {description: The file with the revision that the unit runs with., type: path}
attributes:
  check_mode: {support: full, description: Predicts}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Look which boot material is missing
  selvedge.fabric.sealed_credentials:
    stack: store
    names: [seal_key]
    unit: selvedge-material-store.service
"""

RETURN = r"""
missing:
  description: Names that had no file before.
  returned: always
  type: list
  elements: str
"""

import base64
import os

from ansible.module_utils.basic import AnsibleModule

FOLDERS = {"systemd-creds": "/etc/credstore.encrypted", "none": "/etc/credstore"}


def seal(module: AnsibleModule, path: str, name: str, value: bytes) -> None:
    """Seal one value at ``path``."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    if module.params["seal"] == "none":
        write_clear(path + ".new", value)
    else:
        command = ["systemd-creds", "encrypt", f"--name={name}", "-", path + ".new"]
        module.run_command(command, data=value, binary_data=True, check_rc=True)
        os.chmod(path + ".new", 0o600)
    os.rename(path + ".new", path)


def write_clear(path: str, value: bytes) -> None:
    """Write a file that only its owner can ever read."""
    if os.path.lexists(path):
        os.unlink(path)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())


def lost_key(path: str, other: str, data: str) -> str:
    """What to do when the seal key is not at ``path``, while ``data`` has what only it opens."""
    if os.path.exists(other):
        return (
            f"{path} is missing, but {other} is there: the host's variable selvedge_seal was changed after its store "
            f"was made. Set it back. To change it for good, make {path} out of {other} with systemd-creds first"
        )
    return (
        f"{path} is missing, but {data} has data that only this key opens. Restore the sealed file from your backup of "
        "the host; a new key would lose every secret of the network"
    )


def has_content(path: str, text: str) -> bool:
    """Whether the file is there and has this text."""
    try:
        with open(path) as file:
            return file.read() == text
    except FileNotFoundError:
        return False


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "stack": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str", "required": True},
            "values": {"type": "dict", "no_log": True},
            "seal": {"type": "str", "choices": list(FOLDERS), "default": "systemd-creds"},
            "unit": {"type": "str", "required": True},
            "data": {"type": "path"},
            "revision": {"type": "str"},
            "loaded": {"type": "path"},
        },
        required_together=[("revision", "loaded")],
        supports_check_mode=True,
    )
    options = module.params
    paths, others = (
        {name: f"{FOLDERS[kind]}/selvedge-{options['stack']}-{name}" for name in options["names"]}
        for kind in sorted(FOLDERS, key=lambda kind: kind != options["seal"])
    )
    missing = [name for name, path in paths.items() if not os.path.exists(path)]
    values = options["values"] or {}
    if unknown := sorted(set(values) - set(paths)):
        module.fail_json(msg=f"values for {', '.join(unknown)}, which the option 'names' does not have")
    if (
        "seal_key" in missing
        and options["data"]
        and os.path.isdir(options["data"])
        and os.listdir(options["data"])
    ):
        module.fail_json(msg=lost_key(paths["seal_key"], others["seal_key"], options["data"]))
    if missing and not values:
        module.exit_json(changed=True, missing=missing)
    code, _unused, _unused = module.run_command(["systemctl", "is-active", "--quiet", options["unit"]])
    stale = bool(options["revision"]) and not has_content(options["loaded"], options["revision"])
    changed = bool(values) or bool(code) or stale
    if module.check_mode:
        module.exit_json(changed=changed, missing=missing)
    for name, value in values.items():
        seal(module, paths[name], name, base64.b64decode(value))
        # What the host kept the other way is of no use any more.
        if os.path.exists(others[name]):
            os.unlink(others[name])
    if changed:
        module.run_command(["systemctl", "enable", options["unit"]], check_rc=True)
        module.run_command(["systemctl", "restart", options["unit"]], check_rc=True)
    module.exit_json(changed=changed, missing=missing)


if __name__ == "__main__":
    main()
