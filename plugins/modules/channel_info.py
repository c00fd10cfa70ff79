#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""What a channel is, and how its nodes are doing on it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: channel_info
short_description: Read a channel's configuration and its nodes' status
description:
  - The read-only twin of M(selvedge.fabric.channel). Needs no Raft leader and no quorum; nodes that do not
    answer are told about, they do not make the module fail.
  - Runs on the controller, with the organisations' admin keys from the store.
options:
  name:
    description: The channel's name.
    type: str
    required: true
  timeout:
    description: Seconds that a single question to a node may take.
    type: int
    default: 10
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
  - module: selvedge.fabric.channel
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Read the channel
  selvedge.fabric.channel_info:
    topology: "{{ topology }}"
    store: "{{ store }}"
    name: demo
  register: demo

- name: Insist on equal heights
  ansible.builtin.assert:
    that: demo.channel.peers.values() | map(attribute='height') | unique | length == 1
"""

RETURN = r"""
channel:
  description: Everything about the channel.
  returned: success
  type: dict
  contains:
    name:
      description: The channel's name.
      type: str
    exists:
      description: Whether an orderer that answers has the channel.
      type: bool
    sequence:
      description: The configuration's sequence number; null when it cannot be read.
      type: int
    config_block:
      description: The number of the newest configuration block; null when it cannot be read.
      type: int
    config:
      description:
        - The configuration's root group. A group has C(values) and C(policies) by name, C(groups) below it,
          and C(mod_policies) where one differs from C(Admins). Certificates are shown by subject, end and
          fingerprint.
      type: dict
    orderers:
      description: Orderer to C(joined), C(relation), C(status), C(height), C(error).
      type: dict
    peers:
      description: Peer to C(joined), C(height), C(error).
      type: dict
  sample:
    name: demo
    exists: true
    sequence: 3
    config_block: 7
    config:
      values: {Capabilities: [V2_0]}
    orderers:
      orderer0.orderer.lab: {joined: true, relation: consenter, status: active, height: 9, error: ""}
    peers:
      peer0.org1.lab: {joined: true, height: 9, error: ""}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.arguments import (
    SHARED_ARGUMENTS,
    failures,
    open_topology,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel_state import read_channel
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import FABRIC, require

ARGUMENTS: dict[str, Any] = {
    **SHARED_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "timeout": {"type": "int", "default": 10},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    require(module, *FABRIC)
    with failures(module):
        topology = open_topology(module.params)
        found = read_channel(topology, module.params["name"], module.params["timeout"])
        module.exit_json(changed=False, channel=found)


if __name__ == "__main__":
    main()
