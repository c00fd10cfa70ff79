#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Say what state the certificates of nodes and users are in."""

from __future__ import annotations

DOCUMENTATION = r"""
module: identity_info
short_description: Say what state identities of nodes and users are in
description:
  - Returns which identities there are in the store, how long their certificates last, and what
    M(selvedge.fabric.identity) would do. It asks no CA server and returns no key.
extends_documentation_fragment:
  - selvedge.fabric.identities
  - selvedge.fabric.store
attributes:
  check_mode: {support: full, description: Changes nothing}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: See which certificates run out within 90 days
  selvedge.fabric.identity_info:
    organizations: "{{ organizations }}"
    identities: "{{ identities }}"
    renew_before_days: 90
    store: "{{ store }}"
  register: certificates
"""

RETURN = r"""
identities:
  description: Each identity by its path in the store.
  type: dict
  returned: always
  contains:
    name:
      description: The identity's name.
      type: str
    version:
      description: The secret's version, 0 when there is none.
      type: int
    sign_days_left:
      description: Days that the signing certificate has left; null when there is none.
      type: float
    tls_days_left:
      description: Days that the TLS certificate has left; null when there is none.
      type: float
    need:
      description: Why the identity has to be enrolled; empty when it is in order.
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.enrolment import (
    IDENTITY_ARGUMENTS,
    Held,
    look_up,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import days_left
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import FABRIC, require
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import (
    STORE_ARGUMENT,
    open_store,
)


def describe(item: Held) -> dict[str, Any]:
    """One identity without its keys."""
    fields = item.fields or {}
    return {
        "name": item.identity.name,
        "version": item.version,
        **{
            f"{part}_days_left": round(days_left(fields[f"{part}_cert"]), 1)
            if fields.get(f"{part}_cert")
            else None
            for part in ("sign", "tls")
        },
        "need": item.need.reason if item.need else "",
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={**IDENTITY_ARGUMENTS, "store": STORE_ARGUMENT},
        supports_check_mode=True,
    )
    require(module, *FABRIC)
    params = module.params
    try:
        store = open_store(params["store"])
        held = look_up(store, params["organizations"], params["identities"], params["renew_before_days"])
        identities = {item.identity.secret: describe(item) for item in held}
    except (FabricError, SecretsError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, identities=identities)


if __name__ == "__main__":
    main()
