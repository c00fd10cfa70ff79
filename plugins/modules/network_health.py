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
    With O(level=channels) an orderer must be an active consenter of its channels and know their leader, of which there
    is exactly one, and all consenters must take part; a peer must have joined its channels, and answer from their
    state databases; all copies of a channel must have the same height and the same newest block, which can be read
    from disk; chaincodes answer through their peers. Works for Raft, and for BFT of Fabric 3.
  - Clocks may not differ, by the time in the answers.
  - A certificate authority is healthy when both of its CAs answer and are those of the store.
  - Changes nothing. Fails when something is not healthy, unless O(fail=false).
options:
  without:
    description:
      - Names of orderers that are about to be stopped. The question then is another one; whether every channel
        that they take part in keeps its Raft quorum without them. RV(results) has a verdict for each of these
        channels.
      - A channel of one or two consenters tolerates no loss, and is not judged.
      - An orderer that answers and takes no part in a channel may be in the middle of an election; only after this
        was so for 15 seconds its stop harms nobody, so O(wait) has to be longer.
    type: list
    elements: str
    default: []
  hosts:
    description:
      - Hosts to judge, too, each with C(name), and C(disks) and C(clock), which M(selvedge.fabric.host_info) tells
        there; or C(error), why it told nothing. The filter P(selvedge.fabric.hosts_told#filter) makes it of what a play
        registered.
    type: list
    elements: dict
    default: []
  disk_free_min:
    description:
      - A disk in O(hosts) with less than so many percent of its bytes or inodes free makes its host degraded; below 3
        it is unhealthy.
    type: float
    default: 10
  host_skew_max:
    description:
      - A clock in O(hosts) that is more seconds off that of the machine that asks makes its host degraded; 15 minutes
        make it unhealthy. How long it took to ask the host is allowed for.
      - The default is that of the alert C(ClockSkew), and what M(selvedge.fabric.preflight_report) warns of.
    type: float
    default: 2
requirements:
  - grpcio
  - hyperledger-fabric-protos
  - cryptography
extends_documentation_fragment:
  - selvedge.fabric.health
  - selvedge.fabric.health.channels
  - selvedge.fabric.health.chaincodes
  - selvedge.fabric.health.authorities
  - selvedge.fabric.topology
  - selvedge.fabric.store
seealso:
  - module: selvedge.fabric.peer_health
  - module: selvedge.fabric.orderer_health
  - module: selvedge.fabric.ca_health
  - module: selvedge.fabric.store_health
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

- name: Judge the network and its hosts
  selvedge.fabric.network_health:
    topology: "{{ topology }}"
    store: "{{ store }}"
    channels: "{{ channels }}"
    hosts: "{{ dict(ansible_play_hosts_all | zip(found)) | selvedge.fabric.hosts_told }}"
  vars:
    found: "{{ ansible_play_hosts_all | map('extract', hostvars, 'told') }}"
  delegate_to: localhost
  run_once: true

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
  description: A verdict for each; hosts, store, CAs, orderers, peers.
  returned: always
  type: list
  elements: dict
  contains:
    subject: {description: "Its name; V(store) for the store.", type: str}
    kind: {description: "V(orderer), V(peer), V(ca), V(store), V(host), or V(channel) with O(without).", type: str}
    organization: {description: Its organisation; empty for the store., type: str}
    status: {description: "V(healthy), V(degraded) or V(unhealthy).", type: str}
    reasons: {description: "Why, the gravest first.", type: list, elements: str}
    remedy: {description: What to do about the gravest one., type: str}
    facts:
      description:
        - C(version), C(cert_days) (days until its first certificate expires), C(certificates) (days by kind).
        - C(clock), with C(skew) (seconds ahead of ours), C(uncertainty) and C(source).
        - Of hosts C(disks), by where they are mounted with C(free_percent), C(free_inodes_percent) and C(paths).
        - C(channels), by name with C(height), C(lag), C(hash), perhaps C(fork) (the lowest block that is seen to
          differ) and C(fork_hash) (of that block as it has it), for orderers C(status), C(relation), C(leader),
          C(consensus), C(active), C(consenters), C(quorum) and C(missing), for peers C(chaincodes) (whether each
          answers). What is unknown is left out.
      type: dict
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
        certificates: {TLS: 364, signing: 364, TLS CA: 3649, enrolment CA: 3649}
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
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_host import (
    HostEvidence,
    judge_host,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_module import (
    AUTHORITY_ARGUMENTS,
    CHAINCODE_ARGUMENTS,
    CHANNEL_ARGUMENTS,
    HEALTH_ARGUMENTS,
    ORDERERS,
    PEERS,
    answer,
    authorities,
    chaincode_members,
    narrowed,
    node_check,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_quorum import QuorumCheck
from ansible_collections.selvedge.fabric.plugins.module_utils.module import Module
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import FABRIC, require

ARGUMENTS: dict[str, Any] = {
    "topology": SHARED_ARGUMENTS["topology"],
    "store": SHARED_ARGUMENTS["store"],
    **HEALTH_ARGUMENTS,
    **CHANNEL_ARGUMENTS,
    **CHAINCODE_ARGUMENTS,
    **AUTHORITY_ARGUMENTS,
    "without": {"type": "list", "elements": "str", "default": []},
    "hosts": {"type": "list", "elements": "dict", "default": []},
    "disk_free_min": {"type": "float", "default": 10},
    "host_skew_max": {"type": "float", "default": 2},
}


def run(module: Module) -> None:
    require(module, *FABRIC)
    params = module.params
    with failures(module):
        without = params["without"]
        topology = narrowed(open_topology(params), params, (ORDERERS, PEERS))
        check = node_check(
            params,
            topology,
            without,
            authorities=authorities(params, params["organizations"]),
            store_option=params["store"],
            chaincodes=chaincode_members(params),
        )
        hosts = [
            judge_host(HostEvidence.from_option(item), params["disk_free_min"], params["host_skew_max"])
            for item in params["hosts"]
        ]

        def everything() -> list[Health]:
            return [*hosts, *check()]

        answer(module, QuorumCheck(check, without) if without else everything, maybe_nothing=True)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
