"""What hosts told of themselves, for the judge of the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.status.answers import told_by

DOCUMENTATION = r"""
name: hosts_told
short_description: What hosts told of themselves, for network_health
description:
  - Makes the option O(selvedge.fabric.network_health#module:hosts) of what a play registered. A host that could not be
    reached or looked at comes with the reason, one that was not asked is left out.
options:
  _input:
    description: Inventory name to the result of M(selvedge.fabric.host_info) or M(selvedge.fabric.status_info).
    type: dict
    required: true
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Show what the hosts told
  ansible.builtin.debug:
    msg: "{{ {inventory_hostname: told} | selvedge.fabric.hosts_told }}"
"""

RETURN = r"""
_value:
  description: Each with C(name), and C(disks) and C(clock), or C(error).
  type: list
  elements: dict
"""


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"hosts_told": told_by}
