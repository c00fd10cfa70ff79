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
    description: The organisation whose user this is. Needed without O(peers).
    type: str
  user:
    description: The user, as the store calls it.
    type: str
    default: admin
  peer:
    description: Name of the peer to go through; by default the first one of the organisation.
    type: str
  peers:
    description: Names of peers to go through instead, at the same time, each as the user of its own organisation.
      Needs O(evaluate).
    type: list
    elements: str
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

- name: Ask every peer
  selvedge.fabric.transaction:
    topology: "{{ topology }}"
    store: "{{ store }}"
    channel: demo
    chaincode: assets
    function: ReadAsset
    args: [first]
    evaluate: true
    peers: "{{ topology.peers | map(attribute='name') }}"
"""

RETURN = r"""
answers:
  description: What each peer answered, by its name, with C(tx_id), C(result) and C(result_encoding).
  returned: with O(peers)
  type: dict
  sample: {"peer0.org1.lab": {"tx_id": "3f...", "result": "alice", "result_encoding": "utf-8"}}
tx_id:
  description: The transaction's id.
  returned: without O(peers)
  type: str
block_number:
  description: The block that it is in.
  returned: when it was submitted
  type: int
result:
  description: What the chaincode returned, as text, or in base64 when it is not UTF-8.
  returned: without O(peers)
  type: str
result_encoding:
  description: V(utf-8) or V(base64).
  returned: without O(peers)
  type: str
"""

import base64
import time
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.arguments import (
    SHARED_ARGUMENTS,
    failures,
    open_topology,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.concurrent import (
    remaining,
    together,
    until_ready,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.gateway import (
    endorse,
    evaluate,
    submit_transaction,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.proposal import new_proposal
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Node, Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.module import Module
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
    "organization": {"type": "str"},
    "user": {"type": "str", "default": "admin"},
    "peer": {"type": "str"},
    "peers": {"type": "list", "elements": "str"},
    "endorsing_organizations": {"type": "list", "elements": "str", "default": []},
}
RULES: dict[str, Any] = {
    "mutually_exclusive": [("evaluate", "init"), ("peer", "peers"), ("organization", "peers")],
    "required_one_of": [("organization", "peers")],
}


def readable(payload: bytes) -> dict[str, str]:
    """A chaincode's answer for Ansible, which carries only text."""
    try:
        return {"result": payload.decode(), "result_encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"result": base64.b64encode(payload).decode(), "result_encoding": "base64"}


def call(topology: Topology, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what the options ask for and return the module's result."""
    deadline = time.monotonic() + params["timeout"]
    if params["peers"]:
        peers = [topology.peer(name) for name in params["peers"]]
        asked = {
            peer.name: partial(_ask, topology, params, peer, peer.organization, deadline) for peer in peers
        }
        return {"changed": False, "answers": together(asked)}
    organization = params["organization"]
    peer = topology.peer(params["peer"]) if params["peer"] else topology.entrance(organization)
    if params["evaluate"] or check_mode:
        answer = _ask(topology, params, peer, organization, deadline)
        return {"changed": not params["evaluate"], **answer}
    done = submit_transaction(
        topology.grpc_endpoint(peer),
        topology.signer(organization, params["user"]),
        params["channel"],
        params["chaincode"],
        _arguments(params),
        _transient(params),
        _endorsers(topology, params),
        params["timeout"],
        params["init"],
    )
    result = {"tx_id": done.tx_id, "block_number": done.block_number}
    return {"changed": True, **result, **readable(done.payload)}


def _ask(
    topology: Topology, params: dict[str, Any], peer: Node, organization: str, deadline: float
) -> dict[str, str]:
    """Evaluate, or endorse what check mode does not submit."""
    endpoint, signer = topology.grpc_endpoint(peer), topology.signer(organization, params["user"])
    proposal = new_proposal(
        signer,
        params["channel"],
        params["chaincode"],
        _arguments(params),
        _transient(params),
        params["init"],
    )
    endorsers = _endorsers(topology, params)

    def answer() -> bytes:
        if params["evaluate"]:
            return evaluate(endpoint, proposal, endorsers, remaining(deadline))
        return endorse(endpoint, proposal, endorsers, remaining(deadline)).payload

    return {"tx_id": proposal.tx_id, **readable(until_ready(answer, deadline))}


def _arguments(params: dict[str, Any]) -> list[bytes]:
    return [text.encode() for text in (params["function"], *params["args"])]


def _transient(params: dict[str, Any]) -> dict[str, bytes]:
    return {name: str(value).encode() for name, value in params["transient"].items()}


def _endorsers(topology: Topology, params: dict[str, Any]) -> list[str]:
    return [topology.organization(name).msp_id for name in params["endorsing_organizations"]]


def run(module: Module) -> None:
    if module.params["peers"] is not None:
        if not module.params["evaluate"]:
            module.fail_json(
                msg="peers: a transaction is submitted once; state peer instead, or evaluate: true"
            )
        if not module.params["peers"]:
            module.fail_json(msg="peers: the list is empty; name the peers to ask")
    require(module, *FABRIC)
    with failures(module):
        module.exit_json(**call(open_topology(module.params), module.params, module.check_mode))


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True, **RULES))


if __name__ == "__main__":
    main()
