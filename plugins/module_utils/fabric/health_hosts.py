"""Hosts at which nothing answers: then it is the host, or the network to it, and not each of its nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    AuthorityEvidence,
    OrdererEvidence,
    PeerEvidence,
)


def silent_hosts(evidence: Sequence[AuthorityEvidence | OrdererEvidence | PeerEvidence]) -> frozenset[str]:
    """Addresses with at least two things at them, none of which answers at all."""
    found: dict[str, list[bool]] = defaultdict(list)
    for item in evidence:
        found[_address(item).rpartition(":")[0]].append(item.silent)
    return frozenset(host for host, silent in found.items() if len(silent) > 1 and all(silent))


def _address(evidence: AuthorityEvidence | OrdererEvidence | PeerEvidence) -> str:
    if isinstance(evidence, AuthorityEvidence):
        return evidence.authority.address
    return evidence.node.address
