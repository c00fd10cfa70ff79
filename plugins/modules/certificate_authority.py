#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Ensure that organisations' CA keys and certificates are in the store."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_authority
short_description: Ensure the key material of organisations' certificate authorities
description:
  - Ensures that the store holds what an organisation's fabric-ca server needs before it starts. The secret
    V(<mount>/ca/server) has the roots of the two CAs V(enrollment) and V(tls), the server's own HTTPS
    certificate and the registrar's password; the secret V(<mount>/msp) has the public certificates.
  - Keys are made in memory and go to the store, nowhere else.
  - A root that exists is never replaced. The server's certificate is, before it expires and when its names
    change.
options:
  organizations:
    description: The organisations that have a CA server.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The organisation's name.
        type: str
        required: true
      mount:
        description: Its mount in the store.
        type: str
        required: true
      msp_id:
        description: Its MSP id; the organisation (O) of subjects without O(organizations[].subject).
        type: str
        required: true
      subject:
        description: The organisation (O) in all subjects.
        type: str
      server_hosts:
        description: Names and addresses in the server's certificate. The first is its common name.
        type: list
        elements: str
        required: true
  root_days:
    description: Lifetime of new roots in days.
    type: int
    default: 3650
  server_days:
    description: Lifetime of a new server certificate in days.
    type: int
    default: 365
  renew_before_days:
    description: Renew the server's certificate when fewer days than these are left.
    type: int
    default: 30
extends_documentation_fragment:
  - selvedge.fabric.store
  - selvedge.fabric.planned
attributes:
  check_mode: {support: full, description: Predicts}
  diff_mode: {support: full, description: Names what is made or renewed; never a key}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Make what the certificate authorities start with
  selvedge.fabric.certificate_authority:
    organizations:
      - name: org1
        mount: org1
        msp_id: Org1MSP
        server_hosts: [ca.org1.lab, 127.0.10.1]
    store: "{{ store }}"
"""

RETURN = r"""
changed_secrets:
  description: Paths that were written or would be.
  type: list
  elements: str
  returned: always
versions:
  description: Path of every secret to its version; what check mode would make is left out.
  type: dict
  returned: always
authorities:
  description: Organisation to the days that its certificates have left; none that check mode would make.
  type: dict
  returned: always
  contains:
    enrollment:
      description: Days left of the root of the CA V(enrollment).
      type: float
    tls:
      description: Days left of the root of the CA V(tls).
      type: float
    server:
      description: Days left of the server's certificate.
      type: float
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.arguments import failures
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.authority import (
    AuthoritySpec,
    plan_authority,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.planned import (
    PLANNED_ARGUMENTS,
    Planned,
    open_planned,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import days_left
from ansible_collections.selvedge.fabric.plugins.module_utils.module import Module
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import FABRIC, require
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import Secret, SecretsBackend
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import STORE_ARGUMENT

ARGUMENTS: dict[str, Any] = {
    "organizations": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "mount": {"type": "str", "required": True},
            "msp_id": {"type": "str", "required": True},
            "subject": {"type": "str"},
            "server_hosts": {"type": "list", "elements": "str", "required": True},
        },
    },
    "root_days": {"type": "int", "default": 3650},
    "server_days": {"type": "int", "default": 365},
    "renew_before_days": {"type": "int", "default": 30},
    "store": STORE_ARGUMENT,
    **PLANNED_ARGUMENTS,
}


def ensure(store: SecretsBackend, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Read all organisations at once, make what is missing; return the module's result."""
    specs = [
        AuthoritySpec(item["name"], item["mount"], item["subject"] or item["msp_id"], item["server_hosts"])
        for item in params["organizations"]
    ]
    found = store.get_many([path for spec in specs for path in (spec.server_path, spec.msp_path)])
    lifetimes = {key: params[key] for key in ("root_days", "server_days", "renew_before_days")}
    plans = [
        plan_authority(spec, _fields(found[spec.server_path]), _fields(found[spec.msp_path]), **lifetimes)
        for spec in specs
    ]
    versions = {path: secret.version for path, secret in found.items() if secret is not None}
    reasons = {path: reason for plan in plans for path, reason in plan.reasons.items()}
    if not check_mode:
        for spec, plan in zip(specs, plans, strict=True):
            # The private half first: public certificates without their authority would be a dead end.
            for path, fields in ((spec.server_path, plan.server), (spec.msp_path, plan.msp)):
                if path in plan.reasons:
                    # Two controllers at once must not make two authorities.
                    versions[path] = store.write(path, fields, expected_version=versions.get(path, 0))
    return {
        "changed": bool(reasons),
        "changed_secrets": list(reasons),
        "versions": versions,
        "authorities": {
            spec.name: _days(plan.server)
            for spec, plan in zip(specs, plans, strict=True)
            if not (check_mode and spec.server_path in plan.reasons)
        },
        "diff": {"before": reasons, "after": {path: "present" for path in reasons}},
    }


def _fields(secret: Secret | None) -> dict[str, str] | None:
    return None if secret is None else secret.fields


def _days(server: dict[str, str]) -> dict[str, float]:
    return {name: round(days_left(server[f"{name}_cert"]), 1) for name in ("enrollment", "tls", "server")}


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
