#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE

DOCUMENTATION = r"""
module: status_report
short_description: Tell of the whole network, as a table and as one HTML file
description:
  - Puts together what read-only modules said. Pure but for the file, runs on the controller, touches no host. What
    could not be asked is told of as unknown, so there is a report of a network that is down, too.
  - Does not fail when something is not well; that is for M(selvedge.fabric.network_health) and the playbook
    C(verify.yml).
  - The file needs nothing from elsewhere, and has no script. It is replaced at each call, which counts as no change, as
    a log's line would not.
options:
  network: {description: Name of the network., type: str, required: true}
  controller:
    description: The fact C(selvedge_controller) of M(selvedge.fabric.network_model).
    type: dict
    required: true
  health: {description: What M(selvedge.fabric.network_health) returned., type: dict, required: true}
  channels:
    description: What M(selvedge.fabric.channel_info) returned in a loop over the model's channels.
    type: list
    elements: dict
    default: []
  chaincodes:
    description: What M(selvedge.fabric.chaincode_info) returned in a loop over the model's chaincodes.
    type: list
    elements: dict
    default: []
  hosts:
    description: Inventory name to what M(selvedge.fabric.status_info) returned for it. Without, a host was not asked.
    type: dict
    default: {}
  all_hosts: {description: All hosts of the inventory., type: list, elements: str, default: []}
  page:
    description: Where to write the HTML file; not written when empty, nor in check mode. Its folder has to be there.
    type: str
    default: ""
attributes:
  check_mode: {support: full, description: Writes no file}
seealso:
  - module: selvedge.fabric.status_info
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Tell of the network
  selvedge.fabric.status_report:
    network: "{{ selvedge_network_name }}"
    controller: "{{ selvedge_controller }}"
    health: "{{ health }}"
    channels: "{{ channels.results }}"
    hosts: {host1: "{{ found }}"}
    all_hosts: [host1]
    page: /tmp/status.html
  register: report
"""

RETURN = r"""
status:
  description: That of the gravest concern; V(healthy), V(degraded), V(unknown) or V(unhealthy).
  returned: always
  type: str
headline:
  description: How many things are not well.
  returned: always
  type: str
  sample: 2 things are not well
concerns:
  description: What is not well, the gravest first, each with C(subject), C(kind), C(status), C(reasons) and C(remedy).
  returned: always
  type: list
  elements: dict
table:
  description: All of it as text.
  returned: always
  type: str
page:
  description: The file that was written; empty when none was.
  returned: always
  type: str
"""
