"""One meaning of healthy: what it is made of, and how to wait for it.

``network_health.py`` here (:class:`NetworkCheck`) makes these results; ``health_rules.py`` decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError


class Status(StrEnum):
    """``degraded`` serves, but something needs a hand before it hurts; ``unhealthy`` does not do its work."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    :param reason: what was seen, a short sentence
    :param remedy: what the operator can do
    :param lasting: waiting does not heal it
    :param brief: the reason without what may be another thing at each check (numbers, words of others), so that it
        can be a label of a metric; empty where the reason has no such thing
    """

    status: Status
    reason: str
    remedy: str
    lasting: bool = False
    brief: str = ""

    @property
    def steady(self) -> str:
        """The reason in words that stay the same while it does."""
        return self.brief or self.reason


@dataclass(frozen=True)
class Health:
    """The verdict on one thing.

    :param subject: its name, ``peer0.org1.lab``; ``store`` for the secrets store
    :param kind: ``orderer``, ``peer``, ``ca``, ``store``, ``host`` or ``channel``
    :param organization: name of its organisation in the model, empty for what belongs to none
    :param reasons: why it is not healthy, the gravest first
    :param remedy: what to do about the gravest one
    :param facts: ``version``, ``cert_days`` (whole days until the first certificate expires),
        ``certificates`` (days by name), ``clock`` (``skew`` in seconds, ahead of the asker's is positive,
        ``uncertainty`` in seconds, ``source``) and ``channels``: name to ``height``, ``lag`` (blocks), ``hash``
        (hex of the newest block's header), ``fork`` (number of the lowest block that is seen to differ),
        ``fork_hash`` (hex of that block's header as it has it); for orderers also ``status``, ``relation``,
        ``leader`` (a name), ``consensus`` (``Raft`` or ``BFT``), ``active``, ``consenters`` and ``quorum`` (counts),
        ``missing`` (names); for peers ``chaincodes`` (whether each answers). What is unknown is left out.
    :param lasting: nothing of it heals by waiting
    :param findings: what it was made of, the gravest first
    """

    subject: str
    kind: str
    organization: str
    status: Status
    reasons: tuple[str, ...] = ()
    remedy: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    lasting: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def healthy(self) -> bool:
        return self.status is Status.HEALTHY

    def as_dict(self) -> dict[str, Any]:
        """For a module's result: plain types only."""
        shown = asdict(self)
        del shown["lasting"], shown["findings"]
        return {**shown, "status": str(self.status), "reasons": list(self.reasons)}


_GRAVITY = (Status.UNHEALTHY, Status.DEGRADED)


def verdict(
    subject: str, kind: str, organization: str, findings: Sequence[Finding], facts: dict[str, Any]
) -> Health:
    """Make one verdict of what was found; nothing found is healthy."""
    if not findings:
        return Health(subject, kind, organization, Status.HEALTHY, facts=facts)
    ordered = sorted(findings, key=lambda finding: _GRAVITY.index(finding.status))
    return Health(
        subject,
        kind,
        organization,
        ordered[0].status,
        tuple(dict.fromkeys(finding.reason for finding in ordered)),
        ordered[0].remedy,
        facts,
        lasting=all(finding.lasting for finding in findings),
        findings=tuple(ordered),
    )


class UnhealthyError(FabricError):
    """Not everything is healthy. ``results`` has all verdicts, also the good ones."""

    def __init__(self, what: str, results: Sequence[Health]) -> None:
        self.results = list(results)
        bad = [result for result in self.results if not result.healthy]
        reasons = "; ".join(f"{item.subject} is {item.status}: {', '.join(item.reasons)}" for item in bad)
        super().__init__(f"{what}: {reasons}", next_step=next((item.remedy for item in bad), ""))


# How often to look whether what is healthy stays so, at most: it costs the nodes something.
_STABLE_POLL_S = 1.0

Check = Callable[[], list[Health]]
Progress = Callable[[float, list[Health]], None]


def wait_until_healthy(
    check: Check,
    timeout_s: float,
    poll_s: float = 0.1,
    progress: Progress | None = None,
    stable_for_s: float = 0,
) -> list[Health]:
    """Repeat ``check`` until all is healthy, and has been for ``stable_for_s``; return its last results.

    With ``timeout_s`` 0 it waits for nothing: what is not healthy fails. It gives up early when all that is left
    is nothing that waiting heals (a certificate near its end, a fork). Between two checks it sleeps at least as
    long as a check takes, so that watching does not slow down the nodes that are starting.

    :param timeout_s: how long it may be unhealthy; the time in which it has to be stable comes on top
    :param progress: called after each check with the seconds since the beginning and its results

    Raises UnhealthyError with the last evidence when the time is up.
    """
    started = time.monotonic()
    healthy_since: float | None = None
    while True:
        before = time.monotonic()
        results = check()
        now = time.monotonic()
        if progress:
            progress(now - started, results)
        bad = [result for result in results if not result.healthy]
        pause = max(poll_s, now - before)
        if not bad:
            # From when the answers began to come: what they say was true then.
            healthy_since = before if healthy_since is None else healthy_since
            left = stable_for_s - (now - healthy_since)
            if left <= 0:
                return results
            time.sleep(max(pause, min(left, _STABLE_POLL_S)))
            continue
        lost = "" if healthy_since is None else f" any more, it was for {before - healthy_since:.1f} s"
        healthy_since = None
        if all(result.lasting for result in bad):
            raise UnhealthyError(f"the network is not healthy{lost}", results)
        if now - started + pause > timeout_s:
            waited = f" after {now - started:.1f} s" if timeout_s else ""
            raise UnhealthyError(f"the network is not healthy{lost or waited}", results)
        time.sleep(pause)


_HEADERS = ("subject", "kind", "org", "status", "height", "leader", "cert days", "reasons")


def table(results: Sequence[Health]) -> str:
    """An aligned table in plain text, a line each, without a trailing newline."""
    rows = [_HEADERS, *(_row(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADERS))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _row(result: Health) -> tuple[str, ...]:
    days = result.facts.get("cert_days")
    return (
        result.subject,
        result.kind,
        result.organization or "-",
        str(result.status),
        _by_channel(result, "height"),
        _by_channel(result, "leader"),
        "-" if days is None else str(days),
        "; ".join(result.reasons) or "-",
    )


def _by_channel(result: Health, fact: str) -> str:
    """A channel's fact; with its name in front where there are several channels."""
    channels = result.facts.get("channels", {})
    found = {name: str(facts[fact]) for name, facts in channels.items() if facts.get(fact) is not None}
    if len(channels) == 1:
        return next(iter(found.values()), "-")
    return " ".join(f"{name}:{value}" for name, value in found.items()) or "-"
