#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""A chaincode on a channel, as desired state."""

from __future__ import annotations

DOCUMENTATION = r"""
module: chaincode
short_description: Install, approve and commit a chaincode until it answers on every peer
description:
  - Brings a chaincode that runs as a service to the wanted definition. Its package is installed on every
    peer, approved by every organisation, and the definition is committed. What is there already is left
    alone.
  - Packages are made from the options, and are the same bytes every time. They hold no key.
  - Runs on the controller, with the organisations' admin keys from the store.
options:
  name:
    description: The chaincode's name.
    type: str
    required: true
  version:
    description: The version that the organisations agree on.
    type: str
    required: true
  channel:
    description: The channel's name.
    type: str
    required: true
  package:
    description: The chaincode-as-a-service package.
    type: dict
    required: true
    suboptions:
      label:
        description: What the package is called.
        type: str
        required: true
      address:
        description:
          - V(host:port) of the chaincode's server. The peers' builder fills in V({{.peername}}), written so
            literally.
        type: str
        required: true
      tls:
        description:
          - Whether the server has a certificate of the TLS CA of its peer's organisation. Then every
            organisation has a package of its own, because that CA stands in it.
        type: bool
        default: false
      root_cert:
        description:
          - PEM of another CA that all servers' certificates come from, or a template such as
            V({{.root_cert}}) that the peers' builder fills in. Turns TLS on, and all organisations have the
            same package.
        type: str
        default: ""
      metadata:
        description: Files for C(META-INF/), path to content, such as CouchDB indexes.
        type: dict
        default: {}
  endorsement_policy:
    description:
      - A signature policy such as V(AND('Org1MSP.peer', 'Org2MSP.peer')), or the path of a policy of the
        channel.
      - Empty is V(/Channel/Application/Endorsement).
    type: str
    default: ""
  init_required:
    description: Whether the chaincode wants an initialisation before anything else, see
      O(selvedge.fabric.transaction#module:init).
    type: bool
    default: false
  collections:
    description:
      - Private data collections, each a dict with the keys of Fabric's C(collections_config.json), so that
        such a file can be read in with C(from_json).
    type: list
    elements: dict
    default: []
  sequence:
    description:
      - Insist on a sequence. Left out, the present one is kept while the definition is equal, and is one
        more when not.
    type: int
  organizations:
    description: Names of the organisations that approve. Their admins' keys are needed.
    type: list
    elements: str
    required: true
  peers:
    description:
      - Names of the peers that run the chaincode; empty means all of these organisations' peers.
      - The first one of each organisation endorses its approval and the commit.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(present) commits the definition. V(approved) stops before, for organisations that approve one by
        one.
    type: str
    choices: [present, approved]
    default: present
  wait:
    description: Whether to wait until the chaincode answers on every peer. Only with O(state=present).
    type: bool
    default: true
  timeout:
    description: Seconds for writing, and again for waiting.
    type: int
    default: 120
attributes:
  check_mode:
    support: full
    description: Asks the network, predicts, and changes nothing.
  diff_mode:
    support: full
    description: Shows definition, approvals and installed packages before and after.
requirements:
  - grpcio
  - hyperledger-fabric-protos
  - cryptography
extends_documentation_fragment:
  - selvedge.fabric.topology
  - selvedge.fabric.store
  - selvedge.fabric.planned
seealso:
  - module: selvedge.fabric.chaincode_info
  - module: selvedge.fabric.transaction
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Deploy the assets chaincode
  selvedge.fabric.chaincode:
    topology: "{{ topology }}"
    store: "{{ store }}"
    channel: demo
    name: assets
    version: "1.0"
    endorsement_policy: AND('Org1MSP.peer', 'Org2MSP.peer')
    organizations: [Org1, Org2]
    package:
      label: assets_1.0
      address: !unsafe "assets-{{.peername}}:9999"
      tls: true

- name: Approve for our own organisation only
  selvedge.fabric.chaincode:
    topology: "{{ topology }}"
    store: "{{ store }}"
    channel: demo
    name: assets
    version: "1.1"
    organizations: [Org1]
    state: approved
    collections: "{{ lookup('file', 'collections_config.json') | from_json }}"
    package:
      label: assets_1.1
      address: !unsafe "assets-{{.peername}}:9999"
"""

RETURN = r"""
plan:
  description: What was done, or with check mode would be done, as sentences.
  returned: success
  type: list
  elements: str
  sample: ["install assets_1.0:5b6a... on peer0.org1.lab", "commit assets 1.0 at sequence 1 on channel
    demo"]
sequence:
  description: The definition's sequence.
  returned: success
  type: int
  sample: 1
package_ids:
  description: Organisation to the id of its package.
  returned: success
  type: dict
  sample: {"Org1": "assets_1.0:5b6a...", "Org2": "assets_1.0:91c0..."}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import rollout
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.arguments import (
    SHARED_ARGUMENTS,
    failures,
    open_topology,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.chaincode import (
    Wanted,
    ccaas_packages,
    plan,
    select_peers,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.definition import Definition
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.planned import (
    PLANNED_ARGUMENTS,
    Planned,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.module import Module
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import FABRIC, require

ARGUMENTS: dict[str, Any] = {
    **SHARED_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "version": {"type": "str", "required": True},
    "channel": {"type": "str", "required": True},
    "package": {
        "type": "dict",
        "required": True,
        "options": {
            "label": {"type": "str", "required": True},
            "address": {"type": "str", "required": True},
            "tls": {"type": "bool", "default": False},
            "root_cert": {"type": "str", "default": ""},
            "metadata": {"type": "dict", "default": {}},
        },
    },
    "endorsement_policy": {"type": "str", "default": ""},
    "init_required": {"type": "bool", "default": False},
    "collections": {"type": "list", "elements": "dict", "default": []},
    "sequence": {"type": "int"},
    "organizations": {"type": "list", "elements": "str", "required": True},
    "peers": {"type": "list", "elements": "str", "default": []},
    "state": {"type": "str", "choices": ["present", "approved"], "default": "present"},
    "wait": {"type": "bool", "default": True},
    **PLANNED_ARGUMENTS,
}


def wanted(topology: Topology, params: dict[str, Any]) -> Wanted:
    """The desired state that the options ask for."""
    package = params["package"]
    definition = Definition.desired(
        params["name"],
        params["version"],
        params["endorsement_policy"],
        params["init_required"],
        params["collections"],
    )
    peers = select_peers(topology, params["peers"], params["organizations"])
    packages = ccaas_packages(
        topology,
        params["organizations"],
        package["label"],
        package["address"],
        package["tls"],
        package["root_cert"],
        package["metadata"],
    )
    commit = params["state"] == "present"
    return Wanted(params["channel"], definition, packages, peers, params["sequence"], commit)


def run(module: Module) -> None:
    require(module, *FABRIC)
    params = module.params
    with failures(module):
        topology = open_topology(
            params, Planned.from_options(params, module.check_mode) if module.check_mode else None
        )
        goal = wanted(topology, params)
        difference = plan(goal, rollout.read(topology, goal))
        if not module.check_mode:
            rollout.apply(topology, difference, params["timeout"])
            if goal.commit and params["wait"]:
                rollout.wait(topology, goal, difference.target.sequence, params["timeout"])
        module.exit_json(
            changed=difference.changed,
            plan=difference.lines(),
            sequence=difference.target.sequence,
            package_ids={name: package.package_id for name, package in goal.packages.items()},
            diff={"before": difference.before, "after": difference.after},
        )


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
