#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE

DOCUMENTATION = r"""
module: network_model
short_description: Validate the network model and hand each host its view
description:
  - Validates the variable C(selvedge_network) against its schema and the inventory, all mistakes at once, and sets
    facts with what the host needs. Pure, runs on the controller, touches nothing.
  - What is no mistake and may still not be meant is a warning.
  - With C(run_once), which a play of many hosts should have, it is asked once and sets the facts of all its hosts.
options:
  stage:
    description:
      - How much of the view is needed. V(controller) is before the bootstrap CA exists, V(base) needs that, V(registry)
        the registry's image, V(site) the images' lock file as well. V(preflight) is what the hosts must be fit for,
        with or without the bootstrap CA.
    type: str
    choices: [controller, preflight, base, registry, site]
    default: site
  registry_image:
    description: The id that the registry's image was loaded under, for stage V(registry).
    type: str
  ca_planned:
    description:
      - An earlier task of this run makes the bootstrap CA. In check mode, where that task only predicted it, a line
        that says so stands for its certificate. Otherwise a CA that is missing is an error.
    type: bool
    default: false
  images:
    description: Image name and version to repository and digest, where the lock file is not read yet.
    type: dict
attributes:
  check_mode: {support: full, description: Changes nothing}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Validate the network model
  selvedge.fabric.network_model:
  run_once: true
"""

RETURN = r"""
ansible_facts:
  description: The host's view (C(selvedge_host)), the controller's (C(selvedge_controller)) and the registry's.
  returned: success
  type: dict
"""
