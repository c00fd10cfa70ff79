#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Bring OpenBao's mounts, policies and host logins to the model's state."""

from __future__ import annotations

DOCUMENTATION = r"""
module: store_config
short_description: Ensure mounts, policies and host logins of an OpenBao store
description:
  - Ensures what the network needs of its OpenBao store. Runs on the controller once the store is up.
  - Every mount is a KV version 2 engine that keeps 10 versions, with a policy V(<mount>-admin) that reads and
    writes it.
  - Every host gets an AppRole of its name with a fixed role id, bound to its addresses, and a policy
    V(host-<name>) that reads exactly the secrets listed and nothing else.
  - Mounts are never removed.
options:
  mounts:
    description: The mounts, one an organisation.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Name of the mount, without a slash.
        type: str
        required: true
  hosts:
    description: The hosts that read secrets.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The host's name.
        type: str
        required: true
      role_id:
        description: The role id of its AppRole. It is a name, not a secret.
        type: str
        required: true
      paths:
        description: The secrets that it may read, each exactly, as V(mount/name).
        type: list
        elements: str
        required: true
      cidrs:
        description: The addresses that it may come from, such as V(192.0.2.7) or V(192.0.2.0/28).
        type: list
        elements: str
        required: true
  token_period:
    description:
      - Lifetime in seconds of a host's token; its agent renews it in time, again and again.
      - A host that is switched off for longer logs in anew with its secret id.
    type: int
    default: 3600
  purge:
    description: Remove AppRoles and policies of hosts that are not in O(hosts). Give all hosts with it.
    type: bool
    default: false
extends_documentation_fragment:
  - selvedge.fabric.store
  - selvedge.fabric.planned
attributes:
  check_mode: {support: full, description: Predicts}
  diff_mode: {support: full, description: What is written; it has no secrets}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Give every host access to its own secrets
  selvedge.fabric.store_config:
    mounts:
      - path: org1
    hosts:
      - name: lab1
        role_id: lab1
        paths: [org1/nodes/peer0.org1.lab, org1/ca/server]
        cidrs: [127.0.10.1]
    purge: true
    store: "{{ store }}"
"""

RETURN = r"""
changes:
  description: What changed or would, as V(mount org1), V(policy host-lab1), V(auth approle), V(role lab1).
  type: list
  elements: str
  returned: always
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.module import Module
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import (
    STORE_ARGUMENT,
    open_openbao,
)

ARGUMENTS: dict[str, Any] = {
    "mounts": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"path": {"type": "str", "required": True}},
    },
    "hosts": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "role_id": {"type": "str", "required": True},
            "paths": {"type": "list", "elements": "str", "required": True},
            "cidrs": {"type": "list", "elements": "str", "required": True},
        },
    },
    # A duration; without this Ansible would take it for a token.
    "token_period": {"type": "int", "default": 3600, "no_log": False},
    "purge": {"type": "bool", "default": False},
    "store": STORE_ARGUMENT,
    "new_services": {"type": "list", "elements": "str", "default": []},
    "stopped_services": {"type": "list", "elements": "str", "default": []},
}


def ensure(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Read, compare, apply; return the module's result."""
    # Imported late: it needs hvac, and open_openbao says so in a sentence.
    store = open_openbao(params["store"])
    from ansible_collections.selvedge.fabric.plugins.module_utils.secrets import openbao_admin

    new = check_mode and "store" in params["new_services"]

    hosts = [openbao_admin.Host(**host) for host in params["hosts"]]
    desired = openbao_admin.desired_state(
        [m["path"] for m in params["mounts"]], hosts, params["token_period"]
    )
    admin = openbao_admin.Admin(store)
    # A store that a run would create first has nothing in it.
    actual = {} if new else admin.read(desired, params["purge"])
    difference = openbao_admin.compare(actual, desired, params["purge"])
    if not check_mode:
        admin.apply(difference)
    return {
        "changed": bool(difference),
        "changes": list(difference.changes),
        "diff": {"before": difference.before, "after": difference.after},
    }


def run(module: Module) -> None:
    try:
        result = ensure(module.params, module.check_mode)
    except SecretsError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
