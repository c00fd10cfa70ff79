# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Bring a chaincode to its definition, on the controller."""

from __future__ import annotations

from ansible_collections.selvedge.fabric.plugins.plugin_utils.local_module import ModuleAction


class ActionModule(ModuleAction):
    """In the task's own process."""
