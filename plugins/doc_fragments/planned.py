"""The options by which check mode knows what a run would start first."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  new_services:
    description:
      - In check mode, names of services that the run would create before this task; V(store) for the
        secrets store. They are taken to be empty, and are not asked.
      - Without effect in a run.
    type: list
    elements: str
    default: []
  stopped_services:
    description:
      - In check mode, names of services that are there, and that the run would start or move to other ports before
        this task. They are not asked; what they hold is taken to be as it should.
      - Without effect in a run.
    type: list
    elements: str
    default: []
"""
