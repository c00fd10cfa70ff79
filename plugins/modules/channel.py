#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""A channel, as desired state."""

from __future__ import annotations

DOCUMENTATION = r"""
module: channel
short_description: Create a channel, join its nodes, keep its configuration
description:
  - Compares the wanted channel with the newest configuration block and with what every node says, and does
    what is missing. A new channel gets its genesis block here, with anchor peers in it; its orderers join
    through their participation API, its peers when the orderers have it. An existing channel gets one signed
    configuration update, and one more for each consenter that comes or goes.
  - Content that is equal is no change, however it is written. What O(definition) does not speak about is
    kept, such as foreign policies, access control lists, and revocation lists.
  - Runs on the controller, with the organisations' admin keys from the store. An update is signed by the
    admins of all organisations that its policies ask for.
options:
  name:
    description: The channel's name.
    type: str
    required: true
  definition:
    description: What the channel should be. Only the member lists are required.
    type: dict
    required: true
    suboptions:
      organizations:
        description: Names of the organisations whose peers belong to the channel.
        type: list
        elements: str
        required: true
      orderer_organizations:
        description: Names of the organisations whose orderers serve the channel.
        type: list
        elements: str
        required: true
      orderers:
        description: Names of the orderers that serve the channel; each is a Raft consenter.
        type: list
        elements: str
        required: true
      peers:
        description: Names of the peers that join. Those with C(anchor) in the topology become anchor peers.
        type: list
        elements: str
        default: []
      capabilities:
        description:
          - Capability of the groups C(channel) (default V(V2_0)), C(orderer) (V(V2_0)) and C(application)
            (V(V2_5)). Unknown names are refused, because they would stop the channel for good. Capabilities
            never go down.
        type: dict
      batch_timeout:
        description: How long an orderer waits for more transactions before it cuts a block, in Go's notation.
        type: str
        default: 500ms
      batch_max_messages:
        description: How many transactions fill a block.
        type: int
        default: 500
      batch_absolute_max_bytes:
        description: Upper limit of a block, a number of bytes or with the unit V(KB) or V(MB).
        type: str
        default: 10 MB
      batch_preferred_max_bytes:
        description: A block of that size is cut early.
        type: str
        default: 2 MB
      raft:
        description:
          - Options of etcdraft, C(tick_interval) (default V(500ms)), C(election_tick) (V(10)),
            C(heartbeat_tick) (V(1)), C(max_inflight_blocks) (V(5)) and C(snapshot_interval_size) (V(16 MB)).
        type: dict
      acls:
        description: Access control, resource to policy. Left out, the channel's own are kept.
        type: dict
      policies:
        description:
          - Policies that differ from the defaults, by group C(channel), C(orderer), C(application), and under
            C(organizations) by name. A policy is a text such as V(MAJORITY Admins) or V(OR('Org1MSP.admin')).
        type: dict
  allow_removal:
    description:
      - Whether organisations and orderers that the channel has and O(definition) does not name shall leave.
        Otherwise they stay, and are listed in RV(kept).
    type: bool
    default: false
  state:
    description: The channel exists and is as defined.
    type: str
    choices: [present]
    default: present
  timeout:
    description: Seconds to wait for nodes that are starting, and again for the changes to take effect.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    description: Asks the network, predicts, and changes nothing.
  diff_mode:
    support: full
    description: Shows what changes of configuration and membership, by path.
requirements:
  - grpcio
  - hyperledger-fabric-protos
  - cryptography
extends_documentation_fragment:
  - selvedge.fabric.topology
  - selvedge.fabric.store
  - selvedge.fabric.planned
seealso:
  - module: selvedge.fabric.channel_info
  - module: selvedge.fabric.chaincode
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Create the channel, or bring it to its definition
  selvedge.fabric.channel:
    topology: "{{ topology }}"
    store: "{{ store }}"
    name: demo
    definition:
      organizations: [Org1, Org2]
      orderer_organizations: [OrdererOrg]
      orderers: [orderer0.orderer.lab, orderer1.orderer.lab, orderer2.orderer.lab]
      peers: [peer0.org1.lab, peer0.org2.lab]
      batch_timeout: 250ms
      policies:
        application:
          Endorsement: ANY Endorsement

- name: Let an organisation leave that the model no longer names
  selvedge.fabric.channel:
    topology: "{{ topology }}"
    store: "{{ store }}"
    name: demo
    definition: "{{ channel_definition }}"
    allow_removal: true
"""

RETURN = r"""
plan:
  description: What was done, or with check mode would be done, a line for each thing that changes.
  returned: success
  type: list
  elements: str
  sample: ["~ /Channel/Orderer/BatchTimeout: 500ms -> 250ms", "+ peers/peer0.org2.lab: joined"]
created:
  description: Whether the channel is new.
  returned: success
  type: bool
kept:
  description: Members that O(definition) does not name and that stay because O(allow_removal) is false.
  returned: success
  type: list
  elements: str
  sample: ["Application/Org3", "consenter orderer3.orderer.lab:7050"]
restart:
  description:
    - Orderers whose TLS key is another one in the channel than it was. They serve the channel again when they
      have been restarted with it; only one can be exchanged at a time.
  returned: success
  type: list
  elements: str
  sample: []
sequence:
  description: The configuration's sequence number, null for a channel that does not exist yet.
  returned: success
  type: int
  sample: 3
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.arguments import (
    SHARED_ARGUMENTS,
    failures,
    open_topology,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel import (
    apply_channel,
    plan_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.planned import (
    PLANNED_ARGUMENTS,
    Planned,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.module import Module
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import FABRIC, require

ARGUMENTS: dict[str, Any] = {
    **SHARED_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "definition": {
        "type": "dict",
        "required": True,
        "options": {
            "organizations": {"type": "list", "elements": "str", "required": True},
            "orderer_organizations": {"type": "list", "elements": "str", "required": True},
            "orderers": {"type": "list", "elements": "str", "required": True},
            "peers": {"type": "list", "elements": "str", "default": []},
            "capabilities": {"type": "dict"},
            "batch_timeout": {"type": "str", "default": "500ms"},
            "batch_max_messages": {"type": "int", "default": 500},
            "batch_absolute_max_bytes": {"type": "str", "default": "10 MB"},
            "batch_preferred_max_bytes": {"type": "str", "default": "2 MB"},
            "raft": {"type": "dict"},
            "acls": {"type": "dict"},
            "policies": {"type": "dict"},
        },
    },
    "allow_removal": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present"], "default": "present"},
    "timeout": {"type": "int", "default": 60},
    **PLANNED_ARGUMENTS,
}


def run(module: Module) -> None:
    require(module, *FABRIC)
    params = module.params
    with failures(module):
        definition = ChannelDefinition.from_option(params["name"], params["definition"])
        topology = open_topology(
            params, Planned.from_options(params, module.check_mode) if module.check_mode else None
        )
        plan = plan_channel(topology, definition, params["timeout"], params["allow_removal"])
        state = plan.state if module.check_mode else apply_channel(topology, plan, params["timeout"])
        module.exit_json(
            changed=plan.changed,
            plan=plan.difference.lines,
            created=plan.creates,
            kept=list(plan.kept),
            restart=list(plan.restart_orderers),
            sequence=state.sequence,
            diff=plan.difference.diff(),
        )


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
