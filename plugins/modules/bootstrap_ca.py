#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""The controller's own boot material."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bootstrap_ca
short_description: Make the bootstrap CA and the controller's certificate
description:
  - The registry and the secrets store need TLS before any other authority exists. This makes a small CA for them and a
    client certificate by which the controller is known to the store. Runs on the controller.
  - The folder's keys are boot material of the controller; who has C(controller.key) administers the store.
options:
  path:
    description: Folder to keep C(ca.crt), C(ca.key), C(controller.crt) and C(controller.key) in.
    type: path
    required: true
  common_name: {description: Common name of the CA., type: str, required: true}
attributes:
  check_mode: {support: full, description: Predicts}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Make the controller's boot material
  selvedge.fabric.bootstrap_ca:
    path: inventory/lab/.state
    common_name: lab bootstrap CA
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
created:
  description: Files that were written.
  returned: always
  type: list
  elements: str
"""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import (
    KeyPair,
    issue_server,
    make_root,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.store_config import CONTROLLER_NAME
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import require

DAYS = 3650


def write(path: Path, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "common_name": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    require(module, "cryptography")
    folder = Path(module.params["path"])
    pairs = {name: (folder / f"{name}.crt", folder / f"{name}.key") for name in ("ca", "controller")}
    missing = [name for name, (cert, key) in pairs.items() if not (cert.is_file() and key.is_file())]
    created = [str(path) for name in missing for path in pairs[name]]
    half = [str(path) for name in missing for path in pairs[name] if path.exists()]
    if half or missing == ["ca"]:
        lacks = [path for path in created if path not in half]
        module.fail_json(msg=f"{folder} lacks {', '.join(lacks)}: restore it from your backup. A new CA would be a "
                         "stranger to the store and the registry that are running")  # fmt: skip
    if module.check_mode or not missing:
        module.exit_json(changed=bool(missing), created=created)
    try:
        make(folder, pairs, missing, module.params["common_name"])
    except (FabricError, OSError) as error:
        module.fail_json(msg=f"the boot material in {folder}: {error}")
    module.exit_json(changed=True, created=created)


def make(folder: Path, pairs: dict[str, tuple[Path, Path]], missing: list[str], common_name: str) -> None:
    """Write the pairs that are missing, by the CA that is there or a new one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made: dict[str, KeyPair] = {}
    if "ca" in missing:
        made["ca"] = make_root(common_name, "Selvedge", DAYS)
        issuer = made["ca"]
    else:
        issuer = KeyPair(pairs["ca"][0].read_text(), pairs["ca"][1].read_text())
    made["controller"] = issue_server(issuer, CONTROLLER_NAME, "Selvedge", [CONTROLLER_NAME], DAYS)
    for name, pair in made.items():
        write(pairs[name][0], pair.cert_pem, 0o644)
        write(pairs[name][1], pair.key_pem, 0o600)


if __name__ == "__main__":
    main()
