#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Look at a machine, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_info
short_description: Collect what only a host can tell
description:
  - Looks at system, clock, memory, file systems, container engine, listening ports, and at what is to be reached from
    there, all at the same time and each bounded in time. Changes nothing and judges nothing, see
    M(selvedge.fabric.preflight_report).
  - A host that cannot be worked on does not fail the task. RV(error) says why, so that all hosts are told of at once.
    Each call makes an SSH connection of its own, because an open one tells nothing about the next login.
  - Needs nothing but Python on the host.
options:
  expected:
    description: What is expected of the machine, from RV(selvedge.fabric.network_model#module:ansible_facts) at stage
      V(preflight).
    type: dict
    required: true
  ca_cert: {description: "The bootstrap CA's certificate, PEM; empty before there is one.", type: str, default: ""}
  timeout: {description: Seconds to wait for each answer over the network., type: float, default: 2}
attributes:
  check_mode: {support: full, description: Changes nothing}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Look at every host
  selvedge.fabric.preflight_info:
    expected: "{{ selvedge_preflight.expected }}"
    ca_cert: "{{ selvedge_preflight.ca_cert }}"
  register: found
"""

RETURN = r"""
expected:
  description: The option, for whoever judges.
  returned: always
  type: dict
evidence:
  description: What was found, by section; empty when nothing came back.
  returned: always
  type: dict
error:
  description: Why nothing came back, in the words of Ansible and SSH.
  returned: always
  type: str
where:
  description: How the machine was reached.
  returned: always
  type: str
  sample: ssh lab@192.0.2.11:22
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.evidence import collect


def main() -> None:
    start = time.time()
    module = AnsibleModule(
        argument_spec={
            "expected": {"type": "dict", "required": True},
            "ca_cert": {"type": "str", "default": ""},
            "timeout": {"type": "float", "default": 2},
        },
        supports_check_mode=True,
    )
    options = module.params
    evidence = collect(options["expected"], options["ca_cert"], options["timeout"])
    module.exit_json(changed=False, evidence={**evidence, "clock": {"start": start, "end": time.time()}})


if __name__ == "__main__":
    main()
