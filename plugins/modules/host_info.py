#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""What only a host can tell of its health: the room on its disks, and its clock."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: See how much room a host's disks have, and what time it is there
description:
  - Tells of each file system that O(paths) lie on how many bytes and inodes are free, and reads the clock of the host
    between two looks at that of the controller. Changes nothing and judges nothing; give what it says to
    O(selvedge.fabric.network_health#module:hosts).
  - Needs nothing but Python on the host.
options:
  paths:
    description: Where things lie that must not run out of room. A path that is not there counts as its parent folder.
    type: list
    elements: path
    default: [/var/lib/selvedge, /var/lib/docker, /etc/selvedge]
attributes:
  check_mode:
    support: full
    description: Changes nothing anyway.
seealso:
  - module: selvedge.fabric.network_health
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
# The module network_health has an example of what to do with it.
- name: See how much room the disks have
  selvedge.fabric.host_info:
  register: told
"""

RETURN = r"""
disks:
  description: Each file system once.
  returned: always
  type: list
  elements: dict
  contains:
    mount: {description: Where it is mounted., type: str}
    type: {description: What it is., type: str}
    paths: {description: Which of O(paths) lie on it., type: list, elements: str}
    read_only: {description: Whether it is mounted read-only., type: bool}
    free: {description: Bytes that are free for users., type: int}
    total: {description: Its size in bytes., type: int}
    free_inodes: {description: "How many files can still be made; V(-1) where there is no limit.", type: int}
    total_inodes: {description: "How many there can be; V(-1) where there is no limit.", type: int}
  sample:
    - {mount: /var/lib/docker, type: ext4, paths: [/var/lib/docker], read_only: false, free: 41231686041,
       total: 105089261568, free_inodes: 6233413, total_inodes: 6553600}
clock:
  description: Four moments, in seconds since 1970.
  returned: always
  type: dict
  contains:
    start: {description: "When it began, by the host's clock.", type: float}
    end: {description: "When it had looked, by the host's clock.", type: float}
    sent: {description: "When it was sent there, by the controller's clock.", type: float}
    received: {description: "When its answer came, by the controller's clock.", type: float}
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.system import disks


def main():  # type: () -> None
    start = time.time()
    module = AnsibleModule(
        argument_spec={
            "paths": {
                "type": "list",
                "elements": "path",
                "default": ["/var/lib/selvedge", "/var/lib/docker", "/etc/selvedge"],
            }
        },
        supports_check_mode=True,
    )
    found = disks(module.params["paths"])
    module.exit_json(changed=False, disks=found, clock={"start": start, "end": time.time()})


if __name__ == "__main__":
    main()
