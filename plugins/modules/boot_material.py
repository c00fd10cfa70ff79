#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE

DOCUMENTATION = r"""
module: boot_material
short_description: Make the boot material that a host lacks and seal it there
description:
  - Boot material is what a host needs to come back from a reboot without the controller. What is missing is made in
    the controller's memory (a server certificate from the bootstrap CA, the store's seal key, an AppRole secret id) and
    sealed on the host with systemd-creds. Material that is there is left alone.
  - With O(seal=none) it lies on the host's disk in the clear, in files that only root can read.
options:
  stack: {description: What the material is for., type: str, required: true}
  names:
    description: Which credentials; V(ca_cert), V(server_cert), V(server_key), V(seal_key), or V(secret_id) alone.
    type: list
    elements: str
    required: true
  unit: {description: The systemd unit that uses them., type: str, required: true}
  seal:
    description: How it lies on the disk, the host's variable C(selvedge_seal).
    type: str
    choices: [systemd-creds, none]
    default: systemd-creds
  common_name: {description: Common name of the server certificate., type: str}
  hosts: {description: Subject alternative names of the server certificate., type: list, elements: str}
  store: {description: "How to reach the store, for a secret id.", type: dict}
  approle: {description: "The host's AppRole, for a secret id.", type: str}
  data: {description: "Folder with data that only the present C(seal_key) opens.", type: path}
  revision: {description: "Names the unit's configuration; the unit is restarted when it runs with another.", type: str}
  loaded: {description: The file with the revision that the unit runs with., type: path}
attributes:
  check_mode: {support: full, description: Predicts}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Seal the store's boot material
  selvedge.fabric.boot_material:
    stack: store
    names: [ca_cert, seal_key, server_cert, server_key]
    unit: selvedge-material-store.service
    common_name: store.lab.example
    hosts: [store.lab.example, 192.0.2.10]
"""

RETURN = r"""
missing:
  description: Names that were missing.
  returned: always
  type: list
  elements: str
"""
