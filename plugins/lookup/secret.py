# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Read one field of secrets from the store."""

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: Read one field of secrets from the store
description:
  - Returns a field's value, one for every path.
  - The value must go into a task with C(no_log), as a module's argument. Never into C(set_fact), C(debug),
    a template on a disk, or a command line.
options:
  _terms:
    description: Secrets as V(mount/name).
    type: list
    elements: str
    required: true
  field:
    description: Name of the field.
    type: str
    required: true
  store:
    description: The secrets store, the same dictionary as the O(store) option of the modules.
    type: dict
    required: true
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Give an application its client key
  community.docker.docker_secret:
    name: app-key
    data: "{{ lookup('selvedge.fabric.secret', 'org1/users/app', field='sign_key', store=store) }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: The values, in the order of the paths. Secrets.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import open_store


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        field = self.get_option("field")
        try:
            found = open_store(dict(self.get_option("store"))).get_many(terms)
        except SecretsError as error:
            raise AnsibleError(str(error)) from error
        values = []
        for path in terms:
            secret = found[path]
            if secret is None:
                raise AnsibleError(f"there is no secret {path}")
            if field not in secret.fields:
                known = ", ".join(sorted(secret.fields))
                raise AnsibleError(f"the secret {path} has no field {field}, but {known}")
            values.append(secret.fields[field])
        return values
