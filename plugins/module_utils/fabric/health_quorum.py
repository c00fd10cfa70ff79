"""Whether channels keep their quorum, Raft's or BFT's, while some of their consenters are stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
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
            (channel.name, name)
            for channel in _channels(results)
            for name in channel.idle
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
    for channel in _channels(results):
        stopped = channel.counting & set(without)
        if stopped and channel.spares:
            found.append(_judge(channel, stopped, without))
    return found


@dataclass(frozen=True)
class _Channel:
    """What orderers say of a channel.

    :param facts: by orderer; empty of one that is none of the channel's
    :param answering: the orderers that answer
    """

    name: str
    facts: Mapping[str, Mapping[str, Any]]
    answering: Collection[str]

    def most(self, count: str) -> int:
        """The greatest that anybody says of a number."""
        return max((int(known.get(count, 0)) for known in self.facts.values()), default=0)

    @property
    def spares(self) -> bool:
        """Whether it could do without one of its consenters."""
        return self.most("consenters") > self.most("quorum")

    @property
    def counting(self) -> set[str]:
        return {name for name, known in self.facts.items() if _counts(known)}

    @property
    def idle(self) -> list[str]:
        """Who answers and does not count though it may be a consenter, where one could be spared."""
        return [
            name
            for name, known in self.facts.items()
            if known
            and self.spares
            and name in self.answering
            and known.get("relation", CONSENTER) == CONSENTER
            and not _counts(known)
        ]


def _channels(results: Sequence[Health]) -> list[_Channel]:
    said = {item.subject: item.facts.get("channels", {}) for item in results if item.kind == "orderer"}
    answering = {item.subject for item in results if "version" in item.facts}
    names = dict.fromkeys(name for channels in said.values() for name in channels)
    return [
        _Channel(name, {subject: channels.get(name, {}) for subject, channels in said.items()}, answering)
        for name in names
    ]


def _counts(facts: Mapping[str, Any]) -> bool:
    takes_part = facts.get("status") == ACTIVE and facts.get("relation") == CONSENTER
    return takes_part and ("hash" if facts.get("consensus") == BFT else "leader") in facts


def _judge(channel: _Channel, stopped: set[str], without: Collection[str]) -> Health:
    """:param stopped: those of ``without`` that count"""
    size, quorum = channel.most("consenters"), channel.most("quorum")
    remaining = sorted(channel.counting - stopped)
    heard = min(int(channel.facts[name].get("active", size)) for name in channel.counting) - len(stopped)
    count = max(0, min(len(remaining), heard))
    if count >= quorum:
        return Health(f"channel {channel.name}", "channel", "", Status.HEALTHY)
    who = f"({', '.join(remaining) or 'none'})" if count == len(remaining) else "that the leader hears"
    reason = (
        f"without {', '.join(sorted(without))} it would have {count} of {size} consenters {who},"
        f" no quorum ({quorum})"
    )
    remedy = "bring back the orderers that do not run, then run again"
    return Health(f"channel {channel.name}", "channel", "", Status.UNHEALTHY, (reason,), remedy)
