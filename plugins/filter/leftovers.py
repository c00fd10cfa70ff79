"""What a host has of services that left the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.leftovers import leftovers

DOCUMENTATION = r"""
name: leftovers
short_description: What a host has of services that left the model
description:
  - Compares the fact C(selvedge_host) with the folders that are on the host.
options:
  _input:
    description: The fact C(selvedge_host).
    type: dict
    required: true
  found:
    description: Names by folder, RV(selvedge.fabric.host_state#module:found).
    type: dict
    required: true
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Show what left
  ansible.builtin.debug:
    msg: "{{ selvedge_host | selvedge.fabric.leftovers(configured.found) }}"
"""

RETURN = r"""
_value:
  description: Lists C(services), C(stacks), C(units) and C(paths).
  type: dict
"""


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"leftovers": leftovers}
