# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Have made-up secrets in the store, on the controller."""

from __future__ import annotations

from ansible_collections.selvedge.fabric.plugins.plugin_utils.local_module import ModuleAction


class ActionModule(ModuleAction):
    """In the task's own process."""
