#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""The health of a network, judged by meaning."""

from __future__ import annotations

DOCUMENTATION = r"""
module: network_health
short_description: Judge the health of every node, or wait until all are healthy
description:
  - Asks every orderer, peer and certificate authority, and the secrets store, and says of each whether it is
    healthy, degraded or unhealthy, why, and what to do about it.
  - A node is healthy when its gRPC service and its operations endpoint answer and its certificates last.
    With O(level=channels) an orderer must be an active consenter of its channels and know their Raft leader,
    of which there is exactly one, and all consenters must take part; a peer must have joined its channels;
    all copies of a channel must have the same height and the same newest block.
  - A certificate authority is healthy when both of its CAs answer and are those of the store.
  - Changes nothing. Fails when something is not healthy, unless O(fail=false).
options:
  channels:
    description:
      - The channels that should exist, each with C(name) and C(definition), and in that at least C(orderers)
        and C(peers), lists of names; as for M(selvedge.fabric.channel).
    type: list
    elements: dict
    default: []
  authorities:
    description:
      - The fabric-ca servers, each with C(name) (its organisation; C(organization) if it differs), C(mount)
        (the organisation's mount in the store), C(ca_address) and C(operations_address) (C(host:port) as the
        controller reaches them) and C(server_name) (the name in its TLS certificate, and in RV(results)).
      - Without C(operations_address) its operations endpoint is not asked. Other keys are ignored.
    type: list
    elements: dict
    default: []
  level:
    description: V(serving) before channels exist, V(channels) when they should.
    type: str
    choices: [serving, channels]
    default: channels
  wait:
    description:
      - For how many seconds to repeat the check until all is healthy; V(0) checks once.
      - Ends early when all that is left is nothing that heals by waiting.
    type: float
    default: 0
  certificate_days_min:
    description: A certificate with fewer days left makes its owner degraded.
    type: int
    default: 14
  max_lag:
    description: How many blocks a node may be behind the others. On a busy network V(0) is too few.
    type: int
    default: 0
  nodes:
    description:
      - Judge only these, by the names that stand in RV(results). Empty means all.
      - Other members of their channels are still asked, to compare with.
    type: list
    elements: str
    default: []
  without:
    description:
      - Names of orderers that are about to be stopped. The question then is another one; whether every channel
        that they take part in keeps its Raft quorum without them. RV(results) has a verdict for each of these
        channels.
      - A channel of one or two consenters tolerates no loss, and is not judged.
    type: list
    elements: str
    default: []
  fail:
    description: Whether to fail when something is not healthy.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    description: Changes nothing anyway.
requirements:
  - grpcio
  - hyperledger-fabric-protos
  - cryptography
extends_documentation_fragment:
  - selvedge.fabric.topology
  - selvedge.fabric.store
seealso:
  - module: selvedge.fabric.commit_probe
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Wait until the nodes serve
  selvedge.fabric.network_health:
    topology: "{{ topology }}"
    store: "{{ store }}"
    level: serving
    wait: 60

- name: Verify the network
  selvedge.fabric.network_health:
    topology: "{{ topology }}"
    store: "{{ store }}"
    authorities: "{{ authorities }}"
    channels:
      - name: demo
        definition:
          orderers: [orderer0.orderer.lab, orderer1.orderer.lab, orderer2.orderer.lab]
          peers: [peer0.org1.lab, peer0.org2.lab]
    max_lag: 5

- name: Wait until an orderer that was restarted is back in its channels
  selvedge.fabric.network_health:
    topology: "{{ topology }}"
    store: "{{ store }}"
    channels: "{{ channels }}"
    nodes: [orderer1.orderer.lab]
    wait: 30

- name: Wait until an orderer can be stopped without harm
  selvedge.fabric.network_health:
    topology: "{{ topology }}"
    store: "{{ store }}"
    channels: "{{ channels }}"
    without: [orderer1.orderer.lab]
    wait: 30
"""

RETURN = r"""
healthy:
  description: Whether everything is healthy.
  returned: always
  type: bool
unhealthy_nodes:
  description: Names of those that are degraded or unhealthy.
  returned: always
  type: list
  elements: str
results:
  description: A verdict for each; store, CAs, orderers, peers.
  returned: always
  type: list
  elements: dict
  contains:
    subject: {description: "Its name; V(store) for the store.", type: str}
    kind: {description: "V(orderer), V(peer), V(ca), V(store), or V(channel) with O(without).", type: str}
    organization: {description: Its organisation; empty for the store., type: str}
    status: {description: "V(healthy), V(degraded) or V(unhealthy).", type: str}
    reasons: {description: "Why, the gravest first.", type: list, elements: str}
    remedy: {description: What to do about the gravest one., type: str}
    facts:
      description:
        - C(version), C(cert_days) (days until its first certificate expires), C(certificates) (days by kind).
        - C(channels), by name with C(height), C(lag), C(hash), and for orderers C(status), C(relation),
          C(leader), C(active) and C(consenters). What is unknown is left out.
      type: dict
  sample:
    - subject: orderer0.orderer.lab
      kind: orderer
      organization: OrdererOrg
      status: degraded
      reasons: ["channel demo: 2 of 3 consenters active, quorum (2) remains"]
      remedy: start the orderer that does not run, before another one stops
      facts:
        version: v2.5.9
        cert_days: 364
        certificates: {TLS: 364, signing: 364, TLS CA: 3649, enrolment CA: 3649}
        channels:
          demo: {height: 7, lag: 0, hash: 1f0c..., status: active, relation: consenter,
                 leader: orderer1.orderer.lab, active: 2, consenters: 3}
table:
  description: The results as an aligned table.
  returned: always
  type: str
elapsed:
  description: Seconds that it took, waiting included.
  returned: always
  type: float
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.arguments import (
    SHARED_ARGUMENTS,
    failures,
    open_topology,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import (
    UnhealthyError,
    table,
    wait_until_healthy,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    Authority,
    ChannelMembers,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_quorum import QuorumCheck
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import NetworkCheck
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import FABRIC, require

ARGUMENTS: dict[str, Any] = {
    "topology": SHARED_ARGUMENTS["topology"],
    "store": SHARED_ARGUMENTS["store"],
    "channels": {"type": "list", "elements": "dict", "default": []},
    "authorities": {"type": "list", "elements": "dict", "default": []},
    "level": {"type": "str", "choices": ["serving", "channels"], "default": "channels"},
    "wait": {"type": "float", "default": 0},
    "certificate_days_min": {"type": "int", "default": 14},
    "max_lag": {"type": "int", "default": 0},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "without": {"type": "list", "elements": "str", "default": []},
    "fail": {"type": "bool", "default": True},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    require(module, *FABRIC)
    params = module.params
    with failures(module):
        topology = open_topology(params)
        without = params["without"]
        check = NetworkCheck(
            topology=topology,
            channels=[ChannelMembers.from_option(item) for item in params["channels"]],
            authorities=[Authority.from_option(item) for item in params["authorities"]],
            store_option=params["store"],
            level=params["level"],
            certificate_days_min=params["certificate_days_min"],
            max_lag=params["max_lag"],
            nodes=[node.name for node in topology.orderers] if without else params["nodes"],
        )
        started = time.monotonic()
        try:
            results = wait_until_healthy(QuorumCheck(check, without) if without else check, params["wait"])
            problem = ""
        except UnhealthyError as error:
            results, problem = error.results, str(error)
        answer = {
            "changed": False,
            "healthy": not problem,
            "unhealthy_nodes": [result.subject for result in results if not result.healthy],
            "results": [result.as_dict() for result in results],
            "table": table(results),
            "elapsed": round(time.monotonic() - started, 2),
        }
        if problem and params["fail"]:
            module.fail_json(msg=problem, **answer)
        module.exit_json(**answer)


if __name__ == "__main__":
    main()
