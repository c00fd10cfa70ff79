"""Whether channels keep their quorum, Raft's or BFT's, while some of their consenters are stopped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health, Status
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_channel import BFT
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import ACTIVE, CONSENTER


@dataclass(frozen=True)
class QuorumCheck:
    """Asks everybody by ``check``, and says of each channel whether ``without`` can be stopped.

    :param check: gives the verdicts on all orderers, with their facts about channels
    :param without: names of the orderers that are to be stopped
    """

    check: Callable[[], list[Health]]
    without: Collection[str]

    def __call__(self) -> list[Health]:
        """A verdict for each channel that one of ``without`` takes part in."""
        return quorum_verdicts(self.check(), self.without)


def quorum_verdicts(results: Sequence[Health], without: Collection[str]) -> list[Health]:
    """Judge each channel that one of ``without`` takes part in; unhealthy where the others are too few.

    A consenter counts when it is active and knows a leader; with BFT, where it says who leads only after the next
    block, when its ledger can be read. Stopping one that does not count harms nobody. A channel that needs all of its
    consenters tolerates no loss at all; there is no better moment to wait for, so it is not judged.
    """
    orderers = [result for result in results if result.kind == "orderer"]
    names = dict.fromkeys(name for result in orderers for name in result.facts.get("channels", {}))
    found = []
    for name in names:
        facts = {result.subject: result.facts.get("channels", {}).get(name, {}) for result in orderers}
        counting = {subject for subject, known in facts.items() if _counts(known)}
        size, quorum = (
            max((int(known.get(count, 0)) for known in facts.values()), default=0)
            for count in ("consenters", "quorum")
        )
        if counting & set(without) and size > quorum:
            found.append(_judge(name, size, quorum, sorted(counting - set(without)), without))
    return found


def _counts(facts: dict[str, Any]) -> bool:
    takes_part = facts.get("status") == ACTIVE and facts.get("relation") == CONSENTER
    return takes_part and ("hash" if facts.get("consensus") == BFT else "leader") in facts


def _judge(channel: str, size: int, quorum: int, remaining: list[str], without: Collection[str]) -> Health:
    if len(remaining) >= quorum:
        return Health(f"channel {channel}", "channel", "", Status.HEALTHY)
    reason = (
        f"without {', '.join(sorted(without))} it would have {len(remaining)} of {size} consenters"
        f" ({', '.join(remaining) or 'none'}), no quorum ({quorum})"
    )
    remedy = "bring back the orderers that do not run, then run again"
    return Health(f"channel {channel}", "channel", "", Status.UNHEALTHY, (reason,), remedy)
