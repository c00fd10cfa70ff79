#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Say which secrets there are, without their values."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_info
short_description: Say which secrets there are in the store
description:
  - Returns versions and field names of secrets, and the names in a folder. It never returns a value.
options:
  paths:
    description: Secrets as V(mount/name).
    type: list
    elements: str
    default: []
  folders:
    description: Folders as V(mount) or V(mount/folder) whose names are wanted.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - selvedge.fabric.store
attributes:
  check_mode: {support: full, description: Changes nothing}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: See which nodes of org1 have an identity
  selvedge.fabric.secret_info:
    folders: [org1/nodes]
    paths: [org1/msp]
    store: "{{ store }}"
  register: found
"""

RETURN = r"""
secrets:
  description: Each path of O(paths) with RV(secrets.version) and RV(secrets.fields); null when there is none.
  type: dict
  returned: always
  contains:
    version:
      description: The store's number of the newest version.
      type: int
    fields:
      description: Names of the fields.
      type: list
      elements: str
names:
  description: Each folder of O(folders) with the names in it; folders end in a slash.
  type: dict
  returned: always
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsBackend, SecretsError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import (
    STORE_ARGUMENT,
    open_store,
)


def describe(store: SecretsBackend, paths: list[str], folders: list[str]) -> dict[str, Any]:
    """The module's result."""
    found = store.get_many(paths)
    return {
        "changed": False,
        "secrets": {
            path: None if secret is None else {"version": secret.version, "fields": sorted(secret.fields)}
            for path, secret in found.items()
        },
        "names": {folder: store.list(folder) for folder in folders},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "str", "default": []},
            "folders": {"type": "list", "elements": "str", "default": []},
            "store": STORE_ARGUMENT,
        },
        supports_check_mode=True,
    )
    try:
        result = describe(
            open_store(module.params["store"]), module.params["paths"], module.params["folders"]
        )
    except SecretsError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
