# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Facts that one task states for all hosts."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

try:
    from ansible.plugins.action import VariableLayer
except ImportError:  # it came with ansible-core 2.21
    VariableLayer = None


def host_facts(action: ActionBase, facts: dict[str, Any]) -> dict[str, Any]:
    """What an action's result must have so that ``facts`` are its host's, and with ``run_once`` every host's.

    ansible-core 2.21 gives all hosts one and the same dict then, if they have no facts yet, and what one of them says
    later is true of all (ansible/ansible issues 87148 and 87492): a host would start what is new on another one.
    Variables of this layer are put into a dict of each host's own.
    """
    if VariableLayer is None:
        return {"ansible_facts": facts}
    action.register_host_variables(facts, VariableLayer.INCLUDE_VARS)
    return {}
