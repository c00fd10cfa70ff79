"""The order of restarts, from what every host plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.restarts import restart_steps
from ansible_collections.selvedge.fabric.plugins.module_utils.model.stack_plan import plans_of

DOCUMENTATION = r"""
name: restart_steps
short_description: In which order the services that changed are restarted
description:
  - Takes the plans that M(selvedge.fabric.stack) made on every host, and returns one step for each node that has to be
    restarted. What does not serve anyway comes first, then certificate authorities, orderers with the Raft leader last,
    peers each with its chaincodes, and chaincodes alone.
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
  stack:
    description: Which stack, such as V(ledger).
    type: str
    required: true
  controller:
    description: The fact C(selvedge_controller).
    type: dict
    required: true
  results:
    description: The verdicts before the first restart, RV(selvedge.fabric.network_health#module:results).
    type: list
    elements: dict
    default: []
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Show what would be restarted, in order
  ansible.builtin.debug:
    msg: "{{ hostvars | selvedge.fabric.restart_steps(ansible_play_hosts, 'ledger', selvedge_controller) }}"
"""

RETURN = r"""
_value:
  description: Steps with C(host), C(services), C(node), C(kind), C(channels) and C(label).
  type: list
  elements: dict
"""


def from_hostvars(
    hostvars: Mapping[str, Any],
    hosts: Sequence[str],
    stack: str,
    controller: Mapping[str, Any],
    results: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    plans = plans_of(hostvars, hosts)
    recreated = {host: plan.get(stack, {}).get("recreate", []) for host, plan in plans.items()}
    return restart_steps(recreated, controller, results)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"restart_steps": from_hostvars}
