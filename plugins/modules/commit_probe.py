#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Proof that a channel works."""

from __future__ import annotations

DOCUMENTATION = r"""
module: commit_probe
short_description: Commit a transaction and check that every peer has it
description:
  - Submits one transaction, waits until every peer has committed it, and compares the block that it is in.
  - Fails, with a verdict in its result, when nothing can be committed; with the report as well, when a peer lacks the
    transaction, peers have different blocks, or it took longer than O(budget).
  - Writes to the ledger by its nature; O(function) should be one that does no harm.
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
  organization:
    description: The organisation whose user submits.
    type: str
    required: true
  user:
    description: The user, as the store calls it.
    type: str
    default: admin
  peers:
    description: Names of the peers that must have the transaction; empty means all. The first one submits.
    type: list
    elements: str
    default: []
  endorsing_organizations:
    description: Names of the organisations that endorse; empty leaves it to the Gateway.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds until every peer must have it.
    type: int
    default: 120
  budget:
    description:
      - In how many seconds every peer should have it, from the proposal on. Slower is RV(status=degraded), and fails.
        V(0) is no budget.
    type: float
    default: 0
attributes:
  check_mode:
    support: full
    description: Submits nothing and reports nothing.
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
- name: Prove that the channel commits on every peer
  selvedge.fabric.commit_probe:
    topology: "{{ topology }}"
    store: "{{ store }}"
    channel: demo
    chaincode: assets
    function: CreateAsset
    args: ["probe-{{ now(utc=true).timestamp() }}", probe, "{}"]
    organization: Org1
    timeout: 30
    budget: 5
"""

RETURN = r"""
tx_id:
  description: The transaction's id.
  returned: when it was submitted
  type: str
endorsing:
  description: Seconds until the transaction was endorsed.
  returned: when it was submitted
  type: float
latency:
  description: Seconds from submitting until the last peer had it.
  returned: when it was submitted
  type: float
peers:
  description: What each peer has.
  returned: when it was submitted
  type: list
  elements: dict
  sample:
    - name: peer0.org1.lab
      block_number: 7
      block_hash: 1f0c...
      status: VALID
      height: 8
      latency: 0.53
      error: ""
problems:
  description: What is wrong with what the peers have, in sentences; empty when all is well.
  returned: when it was submitted
  type: list
  elements: str
status:
  description:
    - V(healthy), V(degraded) when it was over O(budget), V(unhealthy) when a peer lacks the transaction or nothing
      could be committed at all.
  returned: when it was tried
  type: str
reasons:
  description: Why it is not healthy, the gravest first.
  returned: when it was tried
  type: list
  elements: str
remedy:
  description: What to do about the gravest one.
  returned: when it was tried
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.arguments import (
    SHARED_ARGUMENTS,
    failures,
    open_topology,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.probe import (
    ProbeReport,
    commit_probe,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.probe_health import judge_probe
from ansible_collections.selvedge.fabric.plugins.module_utils.module import Module
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import FABRIC, require

ARGUMENTS: dict[str, Any] = {
    **SHARED_ARGUMENTS,
    "channel": {"type": "str", "required": True},
    "chaincode": {"type": "str", "required": True},
    "function": {"type": "str", "required": True},
    "args": {"type": "list", "elements": "str", "default": []},
    "organization": {"type": "str", "required": True},
    "user": {"type": "str", "default": "admin"},
    "peers": {"type": "list", "elements": "str", "default": []},
    "budget": {"type": "float", "default": 0},
    "endorsing_organizations": {"type": "list", "elements": "str", "default": []},
}


def run(module: Module) -> None:
    require(module, *FABRIC)
    params = module.params
    with failures(module):
        topology = open_topology(params)
        peers = [topology.peer(name) for name in params["peers"]] or topology.peers
        signer = topology.signer(params["organization"], params["user"])
        if module.check_mode:
            module.exit_json(changed=True)
        report: ProbeReport | FabricError
        try:
            report = commit_probe(
                topology,
                signer,
                params["channel"],
                params["chaincode"],
                [text.encode() for text in (params["function"], *params["args"])],
                peers,
                params["endorsing_organizations"],
                params["timeout"],
            )
        except FabricError as error:
            report = error
        health = judge_probe(params["channel"], report, params["budget"])
        told = {} if isinstance(report, FabricError) else {"changed": True, **report.as_dict()}
        found = {**told, **{key: health.as_dict()[key] for key in ("status", "reasons", "remedy")}}
        if not health.healthy:
            module.fail_json(msg=f"{'; '.join(health.reasons)}. Next: {health.remedy}", **found)
        module.exit_json(**found)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
