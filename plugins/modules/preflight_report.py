#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE

DOCUMENTATION = r"""
module: preflight_report
short_description: Judge what preflight_info found, on all machines together
description:
  - Pure, runs on the controller, touches nothing. Does not fail, so that everything is told before a play ends.
options:
  results:
    description: Inventory name, or V(controller), to what M(selvedge.fabric.preflight_info) returned for it.
    type: dict
    required: true
  ca_cert: {description: "The bootstrap CA's certificate, PEM; empty before there is one.", type: str, default: ""}
  min_disk: {description: Free GiB that each file system with data or images must have., type: float, default: 5}
  min_inodes: {description: Free inodes that it must have., type: int, default: 100000}
  clock_warning:
    description: Seconds by which a host's clock may differ from the controller's.
    type: float
    default: 2
  clock_failure: {description: Seconds from which on that is a failure., type: float, default: 60}
  distributions:
    description: Those that C(bootstrap.yml) can install an engine on, such as V(Debian-13).
    type: list
    elements: str
    default: []
  everything: {description: Whether RV(table) also has what is well., type: bool, default: false}
attributes:
  check_mode: {support: full, description: Changes nothing}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Judge all of it
  selvedge.fabric.preflight_report:
    results: {host1: "{{ found }}"}
  register: report
"""

RETURN = r"""
findings:
  description: Inventory name, or C(controller), to its findings, each with C(check), C(status) (C(ok), C(warning),
    C(failed), C(skipped)), C(what) and C(remedy), the gravest first.
  returned: always
  type: dict
table:
  description: What is not well, with what to do next, and a count for each machine.
  returned: always
  type: str
fit:
  description: Whether nothing failed.
  returned: always
  type: bool
message:
  description: How many checks failed, and where; empty when none.
  returned: always
  type: str
"""
