#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""The health of the secrets store."""

from __future__ import annotations

DOCUMENTATION = r"""
module: store_health
short_description: Judge the health of the secrets store
description:
  - The store is healthy when it answers, is initialised and unsealed, its certificate lasts and its clock is right. It
    is not logged in to, and no secret is read.
  - Changes nothing. Fails when it is not healthy, unless O(fail=false).
requirements:
  - cryptography
extends_documentation_fragment:
  - selvedge.fabric.health
  - selvedge.fabric.store
seealso:
  - module: selvedge.fabric.network_health
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Wait until the store is unsealed
  selvedge.fabric.store_health:
    store: "{{ store }}"
    wait: 30
"""

RETURN = r"""
healthy:
  description: Whether the store is healthy.
  returned: always
  type: bool
unhealthy_nodes:
  description: Names of those that are degraded or unhealthy.
  returned: always
  type: list
  elements: str
results:
  description: One verdict.
  returned: always
  type: list
  elements: dict
  contains:
    subject: {description: V(store)., type: str}
    kind: {description: "V(store).", type: str}
    organization: {description: Empty., type: str}
    status: {description: "V(healthy), V(degraded) or V(unhealthy).", type: str}
    reasons: {description: "Why, the gravest first.", type: list, elements: str}
    remedy: {description: What to do about the gravest one., type: str}
    facts: {description: "As of M(selvedge.fabric.network_health).", type: dict}
  sample:
    - subject: store
      kind: store
      organization: ""
      status: unhealthy
      reasons: [is sealed]
      remedy: check its seal key on its host, and its log; then restart it
      facts: {version: 2.4.0, sealed: true, standby: true, cert_days: 364}
table:
  description: The results as an aligned table.
  returned: always
  type: str
elapsed:
  description: Seconds that it took, waiting included.
  returned: always
  type: float
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.arguments import (
    failures,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_module import (
    HEALTH_ARGUMENTS,
    answer,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import (
    NetworkCheck,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.planned import (
    NewStore,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import (
    Topology,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import (
    FABRIC,
    require,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import (
    STORE_ARGUMENT,
)

ARGUMENTS: dict[str, Any] = {
    "store": STORE_ARGUMENT,
    **HEALTH_ARGUMENTS,
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    require(module, *FABRIC)
    params = module.params
    with failures(module):
        check = NetworkCheck(
            topology=Topology({}, [], [], NewStore()),
            store_option=params["store"],
            certificate_days_min=params["certificate_days_min"],
            max_skew=params["max_skew"],
        )
        answer(module, check)


if __name__ == "__main__":
    main()
