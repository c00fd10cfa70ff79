#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Ensure that secrets which nobody has to think up are in the store."""

from __future__ import annotations

DOCUMENTATION = r"""
module: generated_secret
short_description: Ensure that secrets which nobody has to think up are in the store
description:
  - Ensures that each secret has a value in each of the given fields. A value that is missing is made of 32 random
    bytes, in memory, and goes to the store, nowhere else. What is there is never replaced, and other fields are
    left alone.
  - To have a new value, remove the secret with M(selvedge.fabric.secret) and run again.
options:
  secrets:
    description: The secrets.
    type: list
    elements: dict
    required: true
    suboptions:
      path: {description: The secret as V(mount/name)., type: str, required: true}
      fields: {description: Names of its fields., type: list, elements: str, required: true}
extends_documentation_fragment:
  - selvedge.fabric.store
  - selvedge.fabric.planned
attributes:
  check_mode: {support: full, description: Predicts}
  diff_mode: {support: full, description: Names of fields; never a value}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Have a password that only machines know
  selvedge.fabric.generated_secret:
    secrets:
      - path: org1/users/grafana
        fields: [admin_password, secret_key]
    store: "{{ store }}"
"""

RETURN = r"""
changed_secrets:
  description: Paths that were written or would be.
  type: list
  elements: str
  returned: always
"""

import secrets
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.planned import (
    PLANNED_ARGUMENTS,
    Planned,
    open_planned,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.module import Module
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import FABRIC, require
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import (
    SecretsBackend,
    SecretsError,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import STORE_ARGUMENT

_BYTES = 32

ARGUMENTS: dict[str, Any] = {
    "secrets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "no_log": False,
        "options": {
            "path": {"type": "str", "required": True},
            "fields": {"type": "list", "elements": "str", "required": True, "no_log": False},
        },
    },
    "store": STORE_ARGUMENT,
    **PLANNED_ARGUMENTS,
}


def ensure(store: SecretsBackend, wanted: list[dict[str, Any]], check_mode: bool) -> dict[str, Any]:
    """Make the values that are missing; return the module's result.

    :param wanted: each a ``path`` and the names of its ``fields``
    """
    found = store.get_many([item["path"] for item in wanted])
    before: dict[str, dict[str, str]] = {}
    after: dict[str, dict[str, str]] = {}
    for item in wanted:
        path, secret = item["path"], found[item["path"]]
        fields = {} if secret is None else secret.fields
        missing = [name for name in item["fields"] if not fields.get(name)]
        if not missing:
            continue
        before[path] = {name: "present" for name in sorted(fields) if name not in missing}
        after[path] = {name: "present" for name in sorted({*fields, *missing})}
        if not check_mode:
            made = {name: secrets.token_urlsafe(_BYTES) for name in missing}
            # Two controllers at once must not make two values: one of them would be told to nobody.
            store.write(path, {**fields, **made}, expected_version=0 if secret is None else secret.version)
    return {
        "changed": bool(after),
        "changed_secrets": list(after),
        "diff": {"before": {path: fields for path, fields in before.items() if fields}, "after": after},
    }


def run(module: Module) -> None:
    require(module, *FABRIC)
    try:
        planned = Planned.from_options(module.params, module.check_mode)
        store = open_planned(module.params["store"], planned)
        result = ensure(store, module.params["secrets"], module.check_mode)
    except SecretsError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
