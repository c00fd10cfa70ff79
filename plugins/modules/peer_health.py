#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""The health of peers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: peer_health
short_description: Judge the health of peers, with the keys of their own organisation
description:
  - Asks peers only, and reads no secret but those of their organisations. So an organisation can judge its peers
    that has nobody else's keys.
  - A peer is healthy when its gRPC service and its operations endpoint answer, its certificates last and its clock is
    right; with O(level=channels) when it has joined its channels, its state databases answer, its newest block can be
    read from disk, its copies have the height and the newest block of the other peers that are asked, and its
    chaincodes answer through it.
  - What it cannot see, as orderers are not asked; that all these peers are behind the orderers.
    M(selvedge.fabric.commit_probe) and M(selvedge.fabric.network_health) do.
  - Changes nothing. Fails when a peer is not healthy, unless O(fail=false).
requirements:
  - grpcio
  - hyperledger-fabric-protos
  - cryptography
extends_documentation_fragment:
  - selvedge.fabric.health
  - selvedge.fabric.health.channels
  - selvedge.fabric.health.chaincodes
  - selvedge.fabric.topology
  - selvedge.fabric.store
seealso:
  - module: selvedge.fabric.network_health
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Wait until my peers are healthy, and are so for ten seconds
  selvedge.fabric.peer_health:
    topology: "{{ topology }}"
    store: "{{ store }}"
    channels: "{{ channels }}"
    chaincodes: "{{ chaincodes }}"
    organizations: [Org1]
    wait: 60
    stable_for: 10
"""

RETURN = r"""
healthy:
  description: Whether all peers are healthy.
  returned: always
  type: bool
unhealthy_nodes:
  description: Names of those that are degraded or unhealthy.
  returned: always
  type: list
  elements: str
results:
  description: A verdict for each peer.
  returned: always
  type: list
  elements: dict
  contains:
    subject: {description: Its name., type: str}
    kind: {description: "V(peer).", type: str}
    organization: {description: Its organisation., type: str}
    status: {description: "V(healthy), V(degraded) or V(unhealthy).", type: str}
    reasons: {description: "Why, the gravest first.", type: list, elements: str}
    remedy: {description: What to do about the gravest one., type: str}
    facts: {description: "As of M(selvedge.fabric.network_health).", type: dict}
  sample:
    - subject: peer0.org1.lab
      kind: peer
      organization: Org1
      status: unhealthy
      reasons: ["channel demo: chaincode assets does not answer through it: connection refused"]
      remedy: start the chaincode's container beside its peer, or read its log
      facts:
        version: v2.5.9
        cert_days: 364
        certificates: {TLS: 364, signing: 364, TLS CA: 3649, enrolment CA: 3649}
        clock: {skew: 0.002, uncertainty: 0.004, source: time in its answer}
        channels:
          demo: {height: 7, lag: 0, hash: 1f0c..., chaincodes: {assets: false}}
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
    CHAINCODE_ARGUMENTS,
    CHANNEL_ARGUMENTS,
    HEALTH_ARGUMENTS,
    PEERS,
    answer,
    chaincode_members,
    narrowed,
    node_check,
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
    **CHAINCODE_ARGUMENTS,
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    require(module, *FABRIC)
    params = module.params
    with failures(module):
        topology = narrowed(open_topology(params), params, (PEERS,))
        check = node_check(params, topology, chaincodes=chaincode_members(params))
        answer(module, check)


if __name__ == "__main__":
    main()
