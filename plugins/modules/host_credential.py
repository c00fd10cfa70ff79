#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Issue the credential with which a host's agent logs in to the store."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_credential
short_description: Issue new secret ids for hosts' AppRoles
description:
  - Issues a new secret id for every host given. Each run changes something; call it when a host has no
    working credential, or to rotate one.
  - The secret ids are in the result, because they have to travel to their hosts. B(Run the task with
    C(no_log),) and write each to its host's sealed credential in the very next task.
  - Older secret ids of these hosts are revoked, so that only the newest is valid. Tokens that an agent
    already holds stay valid while it renews them. To cut off a host at once, leave it out of
    M(selvedge.fabric.store_config) with O(selvedge.fabric.store_config#module:purge=true). Its policy goes,
    and with it every access.
  - In check mode nothing is issued and RV(secret_ids) is empty.
options:
  hosts:
    description: Names of the hosts.
    type: list
    elements: str
    required: true
  revoke_older:
    description:
      - Revoke the hosts' older secret ids.
      - With V(false) both work until the new one has reached its host; run again with V(true) afterwards.
    type: bool
    default: true
extends_documentation_fragment:
  - selvedge.fabric.store
attributes:
  check_mode: {support: full, description: Issues nothing}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Issue a credential for a new host
  selvedge.fabric.host_credential:
    hosts: [lab1]
    store: "{{ store }}"
  register: __host_credential
  no_log: true
"""

RETURN = r"""
secret_ids:
  description: Host to its new secret id. A secret.
  type: dict
  returned: when not in check mode
accessors:
  description: Host to the accessor of its new secret id, with which it can be looked up and revoked.
  type: dict
  returned: when not in check mode
revoked:
  description: Host to the number of older secret ids that are revoked.
  type: dict
  returned: when not in check mode
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import (
    STORE_ARGUMENT,
    open_openbao,
)


def issue(params: dict[str, Any]) -> dict[str, Any]:
    """Issue and revoke; return the module's result."""
    store = open_openbao(params["store"])
    from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao_admin import Admin

    admin = Admin(store)

    def one(host: str) -> tuple[str, str, int]:
        if not admin.has_role(host):
            what = f"there is no AppRole {host!r}"
            raise SecretsError(what, store.url, "run store_config with this host")
        older = admin.secret_id_accessors(host) if params["revoke_older"] else []
        secret_id, accessor = admin.issue_secret_id(host)
        for old in older:
            admin.revoke_secret_id(host, old)
        return secret_id, accessor, len(older)

    hosts = list(dict.fromkeys(params["hosts"]))
    issued = dict(zip(hosts, store.each(one, hosts), strict=True))
    return {
        "changed": bool(hosts),
        "secret_ids": {host: item[0] for host, item in issued.items()},
        "accessors": {host: item[1] for host, item in issued.items()},
        "revoked": {host: item[2] for host, item in issued.items()},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "hosts": {"type": "list", "elements": "str", "required": True},
            "revoke_older": {"type": "bool", "default": True},
            "store": STORE_ARGUMENT,
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=bool(module.params["hosts"]), secret_ids={}, accessors={}, revoked={})
    try:
        result = issue(module.params)
    except SecretsError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
