#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""What a channel and its peers know of a chaincode."""

from __future__ import annotations

DOCUMENTATION = r"""
module: chaincode_info
short_description: Read what is installed, approved and committed of a chaincode
description:
  - The read-only twin of M(selvedge.fabric.chaincode). Runs on the controller, with the organisations'
    admin keys.
options:
  name:
    description: The chaincode's name.
    type: str
    required: true
  channel:
    description: The channel's name.
    type: str
    required: true
  organizations:
    description: Names of the organisations to ask. Their admins' keys are needed.
    type: list
    elements: str
    required: true
  peers:
    description: Names of the peers to ask; empty means all of these organisations' peers.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds for all of it.
    type: int
    default: 120
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
  - module: selvedge.fabric.chaincode
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Read what the channel knows of the assets chaincode
  selvedge.fabric.chaincode_info:
    topology: "{{ topology }}"
    store: "{{ store }}"
    channel: demo
    name: assets
    organizations: [Org1, Org2]
  register: assets
"""

RETURN = r"""
committed:
  description: The committed definition; null when there is none.
  returned: success
  type: dict
  sample:
    version: "1.0"
    sequence: 1
    endorsement_policy: AND('Org1MSP.peer', 'Org2MSP.peer')
    init_required: false
    collections: []
approved:
  description:
    - Organisation to its newest approval, for the committed sequence or for the next one; null when there
      is none.
    - A dict like RV(committed) with the C(package_id) that its peers run.
  returned: success
  type: dict
installed:
  description: Peer to everything installed on it, package id to label.
  returned: success
  type: dict
  sample: {"peer0.org1.lab": {"assets_1.0:5b6a...": "assets_1.0"}}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import rollout
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.arguments import (
    SHARED_ARGUMENTS,
    failures,
    open_topology,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.chaincode import select_peers
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import FABRIC, require

ARGUMENTS: dict[str, Any] = {
    **SHARED_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "channel": {"type": "str", "required": True},
    "organizations": {"type": "list", "elements": "str", "required": True},
    "peers": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    require(module, *FABRIC)
    params = module.params
    with failures(module):
        topology = open_topology(params)
        peers = select_peers(topology, params["peers"], params["organizations"])
        found = rollout.info(topology, params["channel"], params["name"], peers, params["timeout"])
        module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
