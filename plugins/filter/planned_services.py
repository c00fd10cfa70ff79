"""What a run starts first, by what every host plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.stack_plan import plans_of

DOCUMENTATION = r"""
name: planned_services
short_description: Names of the services that a run is the first to start
description:
  - Takes the plans that M(selvedge.fabric.stack) made on every host so far, and returns what they create. In check mode
    these are not there when the tasks after them ask for them.
options:
  _input:
    description: The variable C(hostvars).
    type: dict
    required: true
  hosts:
    description: Names of the hosts that take part.
    type: list
    elements: str
    required: true
  what:
    description:
      - V(create) for what is not there, V(silent) for what is there and does not answer where the model has it, as it
        does not run or has other ports.
    type: str
    choices: [create, silent]
    default: create
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Show what is new
  ansible.builtin.debug:
    msg: "{{ hostvars | selvedge.fabric.planned_services(ansible_play_hosts) }}"
"""

RETURN = r"""
_value:
  description: Names of services; V(store) for the secrets store.
  type: list
  elements: str
"""


def from_hostvars(hostvars: Mapping[str, Any], hosts: Sequence[str], what: str = "create") -> list[str]:
    plans = [plan for found in plans_of(hostvars, hosts).values() for plan in found.values()]
    return sorted({name for plan in plans for name in plan.get(what, [])})


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"planned_services": from_hostvars}
