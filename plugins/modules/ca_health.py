#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""The health of certificate authorities."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ca_health
short_description: Judge the health of fabric-ca servers
description:
  - A server is healthy when both of its CAs answer and are those of the store, its operations endpoint answers and
    finds its database well, its certificates last and its clock is right.
  - Needs no topology, and of the store only what it has of these organisations.
  - Changes nothing. Fails when a server is not healthy, unless O(fail=false).
requirements:
  - grpcio
  - hyperledger-fabric-protos
  - cryptography
extends_documentation_fragment:
  - selvedge.fabric.health
  - selvedge.fabric.health.authorities
  - selvedge.fabric.store
seealso:
  - module: selvedge.fabric.network_health
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Wait until an organisation's CA is healthy
  selvedge.fabric.ca_health:
    store: "{{ store }}"
    authorities:
      - name: Org1
        mount: Org1
        ca_address: 127.0.10.1:7054
        operations_address: 127.0.10.1:17054
        server_name: ca.org1.lab
    wait: 30
"""

RETURN = r"""
healthy:
  description: Whether all servers are healthy.
  returned: always
  type: bool
unhealthy_nodes:
  description: Names of those that are degraded or unhealthy.
  returned: always
  type: list
  elements: str
results:
  description: A verdict for each server.
  returned: always
  type: list
  elements: dict
  contains:
    subject: {description: The name in its TLS certificate., type: str}
    kind: {description: "V(ca).", type: str}
    organization: {description: Its organisation., type: str}
    status: {description: "V(healthy), V(degraded) or V(unhealthy).", type: str}
    reasons: {description: "Why, the gravest first.", type: list, elements: str}
    remedy: {description: What to do about the gravest one., type: str}
    facts: {description: "As of M(selvedge.fabric.network_health).", type: dict}
  sample:
    - subject: ca.org1.lab
      kind: ca
      organization: Org1
      status: unhealthy
      reasons: ["its CA 'enrollment' signs with another certificate than the one in the store"]
      remedy: stop it, check its secrets and its home, start it
      facts: {version: 1.5.15, cert_days: 364}
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
    AUTHORITY_ARGUMENTS,
    HEALTH_ARGUMENTS,
    answer,
    authorities,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import (
    NetworkCheck,
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
    open_store,
)

ARGUMENTS: dict[str, Any] = {
    "store": STORE_ARGUMENT,
    **HEALTH_ARGUMENTS,
    **AUTHORITY_ARGUMENTS,
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    require(module, *FABRIC)
    params = module.params
    with failures(module):
        check = NetworkCheck(
            topology=Topology({}, [], [], open_store(params["store"])),
            authorities=authorities(params),
            certificate_days_min=params["certificate_days_min"],
            max_skew=params["max_skew"],
        )
        answer(module, check)


if __name__ == "__main__":
    main()
