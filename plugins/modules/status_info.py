#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Have a host tell of itself, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: status_info
short_description: What a host tells of itself
description:
  - Tells of the host's system, container engine, the network's containers, disks, memory and failed units. Changes
    nothing and judges nothing, see M(selvedge.fabric.status_report). Needs nothing but Python on the host.
options:
  network:
    description: Name of the network, whose containers are told of.
    type: str
    required: true
  paths:
    description: Whose file systems are told of. A path that is not there counts as its parent folder.
    type: list
    elements: path
    default: [/var/lib/selvedge, /var/lib/docker, /etc/selvedge]
attributes:
  check_mode: {support: full, description: Changes nothing}
seealso:
  - module: selvedge.fabric.status_report
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Look at every host
  selvedge.fabric.status_info:
    network: lab
  register: found
"""

RETURN = r"""
host:
  description: What was found.
  returned: always
  type: dict
  contains:
    distribution: {description: Name of the distribution., type: str}
    version: {description: The version of Selvedge that last configured the host; empty where none did., type: str}
    uptime: {description: Seconds since the host was started., type: float}
    load: {description: Load average of one minute for each processor., type: float}
    memory: {description: "C(total) and C(available) bytes.", type: dict}
    disks:
      description: Each file system once, as RV(selvedge.fabric.host_info#module:disks) has it.
      type: list
      elements: dict
    failed_units: {description: Selvedge's systemd units that have failed., type: list, elements: str}
    engine: {description: "C(present), C(version), C(compose), and C(error) where it does not answer.", type: dict}
    containers:
      description: The network's containers, each with C(name), C(stack), C(state), C(health), C(image), C(started),
        C(restarts), C(exit_code) and C(oom_killed).
      type: list
      elements: dict
clock:
  description: The host's clock and the controller's, as RV(selvedge.fabric.host_info#module:clock) has them.
  returned: always
  type: dict
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import VERSION_FILE
from ansible_collections.selvedge.fabric.plugins.module_utils.status.host import describe


def main() -> None:
    start = time.time()
    module = AnsibleModule(
        argument_spec={
            "network": {"type": "str", "required": True},
            "paths": {
                "type": "list",
                "elements": "path",
                "default": ["/var/lib/selvedge", "/var/lib/docker", "/etc/selvedge"],
            },
        },
        supports_check_mode=True,
    )
    options = module.params
    host = describe(options["network"], options["paths"], VERSION_FILE)
    module.exit_json(changed=False, host=host, clock={"start": start, "end": time.time()})


if __name__ == "__main__":
    main()
