#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""One transaction, as a user of an organisation."""

from __future__ import annotations

DOCUMENTATION = r"""
module: transaction
short_description: Submit or evaluate a transaction
description:
  - Calls a chaincode function as a user of an organisation, through a peer's Gateway, and waits for the
    commit.
  - Submitting changes the ledger every time. There is no state to compare with, so this is an action.
  - Endorsing is tried again until O(timeout) while peers have not yet heard of each other, as right after a
    deployment.
options:
  channel:
    description: The channel's name.
    type: str
    required: true
  chaincode:
    description: The chaincode's name.
    type: str
    required: true
  function:
    description: The function to call.
    type: str
    required: true
  args:
    description: Its arguments.
    type: list
    elements: str
    default: []
  transient:
    description: Private input, name to value. Peers see it, no ledger keeps it, and it is never shown.
    type: dict
    default: {}
  evaluate:
    description: Whether to ask only. Nothing is written and nothing is changed.
    type: bool
    default: false
  init:
    description: Whether this is the initialisation that the chaincode's definition requires.
    type: bool
    default: false
  organization:
    description: The organisation whose user this is.
    type: str
    required: true
  user:
    description: The user, as the store calls it.
    type: str
    default: admin
  peer:
    description: Name of the peer to go through; by default the first one of the organisation.
    type: str
  endorsing_organizations:
    description: Names of the organisations that endorse, or of which a peer evaluates; empty leaves it to
      the Gateway.
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
    description: Endorses without submitting, so the function is run and judged, and nothing is written.
requirements:
  - grpcio
  - hyperledger-fabric-protos
  - cryptography
extends_documentation_fragment:
  - selvedge.fabric.topology
  - selvedge.fabric.store
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Create an asset, endorsed by two organisations
  selvedge.fabric.transaction:
    topology: "{{ topology }}"
    store: "{{ store }}"
    channel: demo
    chaincode: assets
    function: CreateAsset
    args: [first, alice, '{"colour": "blue"}']
    organization: Org1
    endorsing_organizations: [Org1, Org2]

- name: Read it as a client, from one peer
  selvedge.fabric.transaction:
    topology: "{{ topology }}"
    store: "{{ store }}"
    channel: demo
    chaincode: assets
    function: ReadAsset
    args: [first]
    evaluate: true
    organization: Org2
    user: client
    peer: peer1.org2.lab
"""

RETURN = r"""
tx_id:
  description: The transaction's id.
  returned: success
  type: str
block_number:
  description: The block that it is in.
  returned: when it was submitted
  type: int
result:
  description: What the chaincode returned, as text, or in base64 when it is not UTF-8.
  returned: success
  type: str
result_encoding:
  description: V(utf-8) or V(base64).
  returned: success
  type: str
"""

import base64
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.arguments import (
    SHARED_ARGUMENTS,
    failures,
    open_topology,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.concurrent import (
    remaining,
    until_ready,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.gateway import (
    endorse,
    evaluate,
    submit_transaction,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.proposal import new_proposal
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import FABRIC, require

ARGUMENTS: dict[str, Any] = {
    **SHARED_ARGUMENTS,
    "channel": {"type": "str", "required": True},
    "chaincode": {"type": "str", "required": True},
    "function": {"type": "str", "required": True},
    "args": {"type": "list", "elements": "str", "default": []},
    "transient": {"type": "dict", "default": {}, "no_log": True},
    "evaluate": {"type": "bool", "default": False},
    "init": {"type": "bool", "default": False},
    "organization": {"type": "str", "required": True},
    "user": {"type": "str", "default": "admin"},
    "peer": {"type": "str"},
    "endorsing_organizations": {"type": "list", "elements": "str", "default": []},
}


def readable(payload: bytes) -> dict[str, str]:
    """A chaincode's answer for Ansible, which carries only text."""
    try:
        return {"result": payload.decode(), "result_encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"result": base64.b64encode(payload).decode(), "result_encoding": "base64"}


def call(topology: Topology, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what the options ask for and return the module's result."""
    peer = topology.peer(params["peer"]) if params["peer"] else topology.entrance(params["organization"])
    endpoint, signer = topology.grpc_endpoint(peer), topology.signer(params["organization"], params["user"])
    channel, chaincode, timeout = params["channel"], params["chaincode"], params["timeout"]
    args = [text.encode() for text in (params["function"], *params["args"])]
    transient = {name: str(value).encode() for name, value in params["transient"].items()}
    organizations = [topology.organization(name).msp_id for name in params["endorsing_organizations"]]
    if not params["evaluate"] and not check_mode:
        done = submit_transaction(
            endpoint, signer, channel, chaincode, args, transient, organizations, timeout, params["init"]
        )
        result = {"tx_id": done.tx_id, "block_number": done.block_number}
        return {"changed": True, **result, **readable(done.payload)}
    proposal = new_proposal(signer, channel, chaincode, args, transient, params["init"])
    deadline = time.monotonic() + timeout
    if params["evaluate"]:
        payload = until_ready(
            lambda: evaluate(endpoint, proposal, organizations, remaining(deadline)), deadline
        )
    else:
        payload = until_ready(
            lambda: endorse(endpoint, proposal, organizations, remaining(deadline)).payload, deadline
        )
    return {"changed": not params["evaluate"], "tx_id": proposal.tx_id, **readable(payload)}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS, supports_check_mode=True, mutually_exclusive=[("evaluate", "init")]
    )
    require(module, *FABRIC)
    with failures(module):
        module.exit_json(**call(open_topology(module.params), module.params, module.check_mode))


if __name__ == "__main__":
    main()
