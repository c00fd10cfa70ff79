#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""The health of orderers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: orderer_health
short_description: Judge the health of orderers, with the keys of their own organisations
description:
  - Asks orderers only, and reads no secret but those of their organisations.
  - An orderer is healthy when its gRPC service and its operations endpoint answer, its certificates last and its clock
    is right; with O(level=channels) when it is an active consenter of its channels, knows their leader (Raft or BFT),
    of which there is exactly one, has the height and the newest block of the others, and when all consenters take part.
    Where some do not, the reason names them, and says whether a quorum remains.
  - Changes nothing. Fails when an orderer is not healthy, unless O(fail=false).
options:
  without:
    description:
      - Names of orderers that are about to be stopped. The question then is another one; whether every channel
        that they take part in keeps its quorum without them, as of M(selvedge.fabric.network_health).
    type: list
    elements: str
    default: []
requirements:
  - grpcio
  - hyperledger-fabric-protos
  - cryptography
extends_documentation_fragment:
  - selvedge.fabric.health
  - selvedge.fabric.health.channels
  - selvedge.fabric.topology
  - selvedge.fabric.store
seealso:
  - module: selvedge.fabric.network_health
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Judge the orderers
  selvedge.fabric.orderer_health:
    topology: "{{ topology }}"
    store: "{{ store }}"
    channels: "{{ channels }}"
    max_lag: 5

- name: Wait until an orderer can be stopped without harm
  selvedge.fabric.orderer_health:
    topology: "{{ topology }}"
    store: "{{ store }}"
    channels: "{{ channels }}"
    without: [orderer1.orderer.lab]
    wait: 30
"""

RETURN = r"""
healthy:
  description: Whether all orderers are healthy.
  returned: always
  type: bool
unhealthy_nodes:
  description: Names of those that are degraded or unhealthy.
  returned: always
  type: list
  elements: str
results:
  description: A verdict for each orderer; for each channel with O(without).
  returned: always
  type: list
  elements: dict
  contains:
    subject: {description: Its name., type: str}
    kind: {description: "V(orderer) or V(channel).", type: str}
    organization: {description: Its organisation., type: str}
    status: {description: "V(healthy), V(degraded) or V(unhealthy).", type: str}
    reasons: {description: "Why, the gravest first.", type: list, elements: str}
    remedy: {description: What to do about the gravest one., type: str}
    facts: {description: "As of M(selvedge.fabric.network_health).", type: dict}
  sample:
    - subject: orderer0.orderer.lab
      kind: orderer
      organization: OrdererOrg
      status: degraded
      reasons: ["channel demo: 2 of 3 consenters active, quorum (2) remains, without orderer2.orderer.lab"]
      remedy: bring back orderer2.orderer.lab, before another one stops
      facts:
        version: v2.5.9
        cert_days: 364
        channels:
          demo: {height: 7, lag: 0, hash: 1f0c..., status: active, relation: consenter,
                 leader: orderer1.orderer.lab, active: 2, consenters: 3, missing: [orderer2.orderer.lab]}
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
    SHARED_ARGUMENTS,
    failures,
    open_topology,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_module import (
    CHANNEL_ARGUMENTS,
    HEALTH_ARGUMENTS,
    ORDERERS,
    answer,
    narrowed,
    node_check,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_quorum import (
    QuorumCheck,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import (
    FABRIC,
    require,
)

ARGUMENTS: dict[str, Any] = {
    "topology": SHARED_ARGUMENTS["topology"],
    "store": SHARED_ARGUMENTS["store"],
    **HEALTH_ARGUMENTS,
    **CHANNEL_ARGUMENTS,
    "without": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    require(module, *FABRIC)
    params = module.params
    with failures(module):
        without = params["without"]
        topology = narrowed(open_topology(params), params, (ORDERERS,))
        check = node_check(params, topology, without)
        answer(module, QuorumCheck(check, without) if without else check, maybe_nothing=bool(without))


if __name__ == "__main__":
    main()
