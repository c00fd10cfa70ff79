"""Limits that several parts hold: alerts, the health exporter, and the defaults of roles."""

from __future__ import annotations

# A transaction is slow that takes longer until every peer has it, in seconds.
COMMIT_SLOW_S = 5
