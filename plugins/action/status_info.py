# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Have a host tell of itself, between two looks at the controller's own clock."""

from __future__ import annotations

from ansible_collections.selvedge.fabric.plugins.action.host_info import ActionModule

__all__ = ["ActionModule"]
