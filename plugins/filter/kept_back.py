"""Which containers are not removed without a confirmation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.restarts import kept_back

DOCUMENTATION = r"""
name: kept_back
short_description: Which containers that leave the model are not just removed
description:
  - Of the containers that a plan removes, returns those that belong to something agreed on with others; orderers,
    certificate authorities, and nodes of an organisation that the model does not have any more.
options:
  _input:
    description: Names of containers, from RV(selvedge.fabric.stack#module:plan).
    type: list
    elements: str
    required: true
  controller:
    description: The fact C(selvedge_controller).
    type: dict
    required: true
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Refuse to remove orderers
  ansible.builtin.assert:
    that: selvedge_plans.ledger.remove | selvedge.fabric.kept_back(selvedge_controller) | length == 0
"""

RETURN = r"""
_value:
  description: The names that are kept back.
  type: list
  elements: str
"""


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"kept_back": kept_back}
