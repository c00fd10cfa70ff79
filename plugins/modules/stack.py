#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE

DOCUMENTATION = r"""
module: stack
short_description: Plan, converge or remove a host's Compose project
description:
  - The one way a container runs on a host. Gives a project of the host's view to
    M(community.docker.docker_compose_v2) in one call, with the definition inline.
  - Says of each container what happens to it. A project can be planned first, and then be converged service by service,
    so that what has to be restarted is not restarted all at once.
options:
  stack:
    description: The stack's name, such as V(ledger); the plan stands under it in the fact C(selvedge_plans).
    type: str
    default: ""
  project:
    description: The Compose project, with C(name) and C(services).
    type: dict
    required: true
  services:
    description: Converge only these, and leave everything else alone. Empty means all, and to remove what the project
      does not have.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(planned) asks Compose what V(present) would do, and changes nothing.
      - V(present) converges. V(absent) removes all containers of the project, and its network.
    type: str
    choices: [planned, present, absent]
    default: present
  timeout:
    description: Seconds that a container has to stop.
    type: int
    default: 30
  fresh:
    description: The host has no container of the project, as RV(selvedge.fabric.host_state#module:projects) tells. Then
      V(planned) does not ask Compose, and needs no engine. All services of the project are new.
    type: bool
    default: false
attributes:
  check_mode: {support: full, description: Predicts what happens to each container}
  diff_mode: {support: full, description: A line for each container}
requirements:
  - the collection community.docker on the controller
  - Docker Compose v2 and python3-yaml on the host
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Plan the nodes of this host
  selvedge.fabric.stack:
    stack: ledger
    project: "{{ selvedge_host.stacks.ledger }}"
    state: planned

- name: Restart one peer
  selvedge.fabric.stack:
    stack: ledger
    project: "{{ selvedge_host.stacks.ledger }}"
    services: [peer0.org1.lab.example]
"""

RETURN = r"""
plan:
  description:
    - What happens to which containers; C(create), C(recreate), C(start) and C(remove) with names, C(moved) (those of
      C(recreate) that publish other ports now), C(fresh) (to be created or started), C(silent) (started or moved), and
      C(lines) for people.
    - In a run with O(state=planned) the task is not changed by it, in check mode it is.
  returned: success
  type: dict
  sample: {"create": [], "recreate": ["peer0.org1.lab.example"], "start": [], "remove": [], "moved": [], "fresh": [],
           "silent": [], "lines": ["~ peer0.org1.lab.example: recreate"]}
"""
