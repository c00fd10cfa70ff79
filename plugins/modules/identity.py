#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Ensure that nodes and users have valid certificates."""

from __future__ import annotations

DOCUMENTATION = r"""
module: identity
short_description: Ensure identities of nodes and users
description:
  - Ensures that every identity has a signing certificate of its organisation's CA V(enrollment), a TLS
    certificate of its CA V(tls), and one secret with both, their keys and the two CA certificates.
  - Keys are made in memory and go to the store, nowhere else. All identities are enrolled at the same time.
  - A certificate that is about to expire, or whose OU or hosts differ, is renewed with the same key, so that
    an orderer's TLS certificate still fits its channels. O(rotate) makes new keys.
  - Where nothing has to be done, no CA server is asked.
options:
  rotate:
    description: Names of identities that get new keys and certificates whatever they have now.
    type: list
    elements: str
    default: []
  ca_timeout:
    description: How many seconds to wait for a CA server that is starting.
    type: int
    default: 30
extends_documentation_fragment:
  - selvedge.fabric.identities
  - selvedge.fabric.store
  - selvedge.fabric.planned
attributes:
  check_mode: {support: full, description: Predicts}
  diff_mode: {support: full, description: Path of each secret to the reason why it is enrolled}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Enrol the nodes and the administrator of org1
  selvedge.fabric.identity:
    organizations:
      - name: org1
        msp_id: Org1MSP
        mount: org1
        ca_address: 127.0.10.1:7054
        ca_server_name: ca.org1.lab
    identities:
      - name: peer0.org1.lab
        organization: org1
        kind: peer
        secret: org1/nodes/peer0.org1.lab
        hosts: [peer0.org1.lab, 127.0.10.1]
      - name: admin
        organization: org1
        kind: admin
        secret: org1/users/admin
    store: "{{ store }}"
"""

RETURN = r"""
changed_secrets:
  description: Paths of secrets that were written or would be.
  type: list
  elements: str
  returned: always
reasons:
  description: Each of these paths with the reason.
  type: dict
  returned: always
versions:
  description: Path of every identity's secret to its version; what check mode would make is left out.
  type: dict
  returned: always
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.arguments import failures
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.enrolment import (
    IDENTITY_ARGUMENTS,
    CaServer,
    Need,
    enrol,
    look_up,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.planned import (
    PLANNED_ARGUMENTS,
    Planned,
    open_planned,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.module import Module
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import FABRIC, require
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsBackend
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import STORE_ARGUMENT

ARGUMENTS: dict[str, Any] = {
    **IDENTITY_ARGUMENTS,
    "rotate": {"type": "list", "elements": "str", "default": []},
    "ca_timeout": {"type": "int", "default": 30},
    "store": STORE_ARGUMENT,
    **PLANNED_ARGUMENTS,
}


def ensure(store: SecretsBackend, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Look all identities up, enrol those that need it; return the module's result."""
    held = look_up(store, params["organizations"], params["identities"], params["renew_before_days"])
    unknown = set(params["rotate"]) - {item.identity.name for item in held}
    if unknown:
        raise FabricError(f"rotate names identities that are not given: {', '.join(sorted(unknown))}")
    todo = []
    for item in held:
        asked = item.identity.name in params["rotate"]
        need = Need("rotation asked for", keep_keys=False) if asked else item.need
        if need:
            todo.append((item.identity, need, item.fields))
    versions = {item.identity.secret: item.version for item in held if item.version}
    if todo and not check_mode:
        wanted = {item[0].organization for item in todo}
        servers = _servers(store, [org for org in params["organizations"] if org["name"] in wanted])
        versions.update(enrol(todo, servers, store, params["ca_timeout"]))
    reasons = {identity.secret: need.reason for identity, need, _unused in todo}
    return {
        "changed": bool(todo),
        "changed_secrets": list(reasons),
        "reasons": reasons,
        "versions": versions,
        "diff": {"before": reasons, "after": {path: "enrolled" for path in reasons}},
    }


def _servers(store: SecretsBackend, organizations: list[dict[str, Any]]) -> dict[str, CaServer]:
    """CA servers by organisation, with the registrar's password from the store."""
    paths = {org["name"]: f"{org['mount']}/ca/server" for org in organizations}
    found = store.get_many(list(paths.values()))
    servers = {}
    for org in organizations:
        secret = found[paths[org["name"]]]
        if secret is None:
            raise FabricError(
                f"the certificate authority of {org['name']} is not in the store",
                paths[org["name"]],
                "run the certificate_authority module first",
            )
        servers[org["name"]] = CaServer(
            organization=org["name"],
            msp_id=org["msp_id"],
            subject=org["subject"] or org["msp_id"],
            address=org["ca_address"],
            server_name=org["ca_server_name"],
            ca_cert=secret.fields["enrollment_cert"],
            tls_ca_cert=secret.fields["tls_cert"],
            bootstrap_password=secret.fields["bootstrap_password"],
        )
    return servers


def run(module: Module) -> None:
    require(module, *FABRIC)
    with failures(module):
        planned = Planned.from_options(module.params, module.check_mode)
        store = open_planned(module.params["store"], planned)
        module.exit_json(**ensure(store, module.params, module.check_mode))


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
