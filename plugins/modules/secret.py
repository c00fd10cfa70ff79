#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Ensure that one secret has, or has not, the given fields."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secret
short_description: Ensure one secret in the store
description:
  - Ensures that a secret of the store holds exactly the given fields, or that there is no such secret.
  - No value ever stands in the result or the diff; they name fields and say whether they change.
options:
  path:
    description: The secret as V(mount/name).
    type: str
    required: true
  fields:
    description: Its fields and their values. Required with O(state=present).
    type: dict
  state:
    description: With V(absent) the secret is removed with all its versions.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - selvedge.fabric.store
attributes:
  check_mode: {support: full, description: Predicts}
  diff_mode: {support: full, description: Names of fields; never a value}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Keep the password by which Alertmanager sends mail
  selvedge.fabric.secret:
    path: org1/receivers/mail
    fields:
      password: "{{ smtp_password }}"
    store: "{{ store }}"
  no_log: true
"""

RETURN = r"""
path:
  description: The secret as V(mount/name).
  type: str
  returned: always
version:
  description: The store's number of the newest version; 0 when there is none.
  type: int
  returned: always
fields:
  description: Each field's name with V(added), V(removed), V(changed) or V(unchanged). No values.
  type: dict
  returned: always
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import (
    SecretsBackend,
    SecretsError,
    changed_fields,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import (
    STORE_ARGUMENT,
    open_store,
)


def ensure(
    store: SecretsBackend, path: str, fields: dict[str, str] | None, check_mode: bool
) -> dict[str, Any]:
    """Bring the secret to ``fields`` (None: away); return the module's result."""
    found = store.get(path)
    before = None if found is None else found.fields
    version = 0 if found is None else found.version
    verdicts = changed_fields(before, fields)
    changed = before != fields
    if changed and not check_mode:
        if fields is None:
            store.delete(path)
            version = 0
        else:
            version = store.write(path, fields)
    # A diff without values: a field's line differs when its value does.
    old = {name: "present" for name in before or {}}
    new = {
        name: "present" if verdicts[name] == "unchanged" else verdicts[name] for name in sorted(fields or {})
    }
    return {
        "changed": changed,
        "path": path,
        "version": version,
        "fields": verdicts,
        "diff": {
            "before": {path: old} if before is not None else {},
            "after": {path: new} if fields is not None else {},
        },
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "str", "required": True},
            "fields": {"type": "dict", "no_log": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "store": STORE_ARGUMENT,
        },
        required_if=[("state", "present", ["fields"])],
        supports_check_mode=True,
    )
    params = module.params
    fields = None
    if params["state"] == "present":
        fields = {str(name): str(value) for name, value in params["fields"].items()}
    try:
        result = ensure(open_store(params["store"]), params["path"], fields, module.check_mode)
    except SecretsError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
