"""Whom to ask about a chaincode while some peers are silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.status.answers import answering

DOCUMENTATION = r"""
name: answering
short_description: The peers of a chaincode that answer, and their organisations
description:
  - One silent peer makes M(selvedge.fabric.chaincode_info) fail, so a report asks those that answer.
options:
  _input:
    description: A chaincode of the fact C(selvedge_controller).
    type: dict
    required: true
  health:
    description: What M(selvedge.fabric.network_health) returned.
    type: dict
    required: true
  topology:
    description: The topology of the fact C(selvedge_controller).
    type: dict
    required: true
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Show who answers
  ansible.builtin.debug:
    msg: "{{ chaincode | selvedge.fabric.answering(health, selvedge_controller.topology) }}"
"""

RETURN = r"""
_value:
  description: Lists C(organizations) and C(peers).
  type: dict
"""


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"answering": answering}
