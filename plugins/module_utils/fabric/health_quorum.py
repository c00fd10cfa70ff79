"""Whether channels keep their quorum, Raft's or BFT's, while some of their consenters are stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health, Status
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_channel import BFT
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import ACTIVE, CONSENTER

# An election is over by then (ten ticks of 500 ms, up to twice), and an answer that was late has come.
SETTLE_S = 15.0


@dataclass
class QuorumCheck:
    """Asks everybody by ``check``, and says of each channel whether ``without`` can be stopped.

    An orderer that answers and takes no part may be in the middle of an election, or its answer was late: only after it
    was so at each check for ``settle_s`` seconds nobody loses anything by it. One that does not answer is down.

    :param check: gives the verdicts on all orderers, with their facts about channels
    :param without: names of the orderers that are to be stopped
    :param settle_s: seconds
    :param now: a clock, in seconds
    """

    check: Callable[[], list[Health]]
    without: Collection[str]
    settle_s: float = SETTLE_S
    now: Callable[[], float] = time.monotonic
    _idle_since: dict[tuple[str, str], float] = field(default_factory=dict, init=False)

    def __call__(self) -> list[Health]:
        """A verdict for each channel that one of ``without`` takes part in, or may."""
        results = self.check()
        idle = {
            (channel, name)
            for channel in _channels(results)
            for name in _idle(results, channel)
            if name in self.without
        }
        self._idle_since = {pair: self._idle_since.get(pair, self.now()) for pair in sorted(idle)}
        doubts = [
            self._doubt(channel, name)
            for (channel, name), since in self._idle_since.items()
            if self.now() - since < self.settle_s
        ]
        return [*quorum_verdicts(results, self.without), *doubts]

    def _doubt(self, channel: str, name: str) -> Health:
        reason = f"{name} answers, and takes no part in its consensus"
        remedy = f"wait: when it was so for {self.settle_s:.0f} s, nobody loses anything by its restart"
        return Health(f"channel {channel}", "channel", "", Status.UNHEALTHY, (reason,), remedy)


def quorum_verdicts(results: Sequence[Health], without: Collection[str]) -> list[Health]:
    """Judge each channel that one of ``without`` takes part in; unhealthy where the others are too few.

    A consenter counts when it is active and knows a leader; with BFT, where it says who leads only after the next
    block, when its ledger can be read. There are no more of them than the leader hears. Stopping one that does not
    count harms nobody. A channel that needs all of its consenters tolerates no loss at all; there is no better moment
    to wait for, so it is not judged.
    """
    found = []
    for name in _channels(results):
        facts = _facts(results, name)
        counting = {subject for subject, known in facts.items() if _counts(known)}
        size, quorum = _size_and_quorum(facts)
        stopped = counting & set(without)
        if stopped and size > quorum:
            heard = min(int(facts[subject].get("active", size)) for subject in counting)
            remaining = sorted(counting - set(without))
            found.append(_judge(name, size, quorum, remaining, heard - len(stopped), without))
    return found


def _orderers(results: Sequence[Health]) -> list[Health]:
    return [result for result in results if result.kind == "orderer"]


def _channels(results: Sequence[Health]) -> list[str]:
    return list(
        dict.fromkeys(name for result in _orderers(results) for name in result.facts.get("channels", {}))
    )


def _facts(results: Sequence[Health], channel: str) -> dict[str, dict[str, Any]]:
    return {
        result.subject: result.facts.get("channels", {}).get(channel, {}) for result in _orderers(results)
    }


def _size_and_quorum(facts: dict[str, dict[str, Any]]) -> tuple[int, int]:
    size, quorum = (
        max((int(known.get(count, 0)) for known in facts.values()), default=0)
        for count in ("consenters", "quorum")
    )
    return size, quorum


def _idle(results: Sequence[Health], channel: str) -> list[str]:
    """Who answers and does not count in a channel that could spare a consenter, though it may be one."""
    facts = _facts(results, channel)
    size, quorum = _size_and_quorum(facts)
    answering = [result.subject for result in _orderers(results) if "version" in result.facts]
    return [
        name
        for name in answering
        if (known := facts[name])
        and size > quorum
        and known.get("relation", CONSENTER) == CONSENTER
        and not _counts(known)
    ]


def _counts(facts: dict[str, Any]) -> bool:
    takes_part = facts.get("status") == ACTIVE and facts.get("relation") == CONSENTER
    return takes_part and ("hash" if facts.get("consensus") == BFT else "leader") in facts


def _judge(
    channel: str, size: int, quorum: int, remaining: list[str], heard: int, without: Collection[str]
) -> Health:
    """:param heard: how many the leader would hear at most"""
    count = max(0, min(len(remaining), heard))
    if count >= quorum:
        return Health(f"channel {channel}", "channel", "", Status.HEALTHY)
    who = f"({', '.join(remaining) or 'none'})" if count == len(remaining) else "that the leader hears"
    reason = (
        f"without {', '.join(sorted(without))} it would have {count} of {size} consenters {who},"
        f" no quorum ({quorum})"
    )
    remedy = "bring back the orderers that do not run, then run again"
    return Health(f"channel {channel}", "channel", "", Status.UNHEALTHY, (reason,), remedy)
