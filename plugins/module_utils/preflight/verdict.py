"""All hosts judged together, and the table that tells of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.preflight import (
    engine_rules,
    host_rules,
    network_rules,
    port_rules,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.findings import (
    Finding,
    Limits,
    Status,
    failed,
    listed,
    ok,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.reach import judge_connection

_ORDER = (Status.FAILED, Status.WARNING, Status.SKIPPED, Status.OK)


@dataclass(frozen=True)
class Sight:
    """What came back from one machine.

    :param expected: what it should be, see ``model/preflight_view.py``
    :param evidence: what it is, see ``evidence.collect``, with the ``clock``; empty when nothing came back
    :param error: why nothing came back
    :param where: how it was reached
    """

    expected: Mapping[str, Any]
    evidence: Mapping[str, Any]
    error: str = ""
    where: str = ""


def judge(sights: Mapping[str, Sight], ca_cert: str, limits: Limits) -> dict[str, list[Finding]]:
    """Findings of each machine, the gravest first.

    :param sights: inventory name, or ``controller``, to what came back from it
    """
    stacks = {name: sight.evidence["stacks"] for name, sight in sights.items() if "stacks" in sight.evidence}
    return {
        name: sorted(_machine(sight, ca_cert, limits, stacks), key=lambda found: _ORDER.index(found.status))
        for name, sight in sights.items()
    }


def _machine(
    sight: Sight, ca_cert: str, limits: Limits, stacks: Mapping[str, list[str]]
) -> Iterator[Finding]:
    evidence, expected = sight.evidence, dict(sight.expected)
    if not evidence:
        yield judge_connection(sight.error, sight.where)
        return
    yield ok("reachable", sight.where)
    for section, reason in evidence["errors"].items():
        yield failed(
            section,
            f"could not be looked at: {reason}",
            "run with -vvv; this is a mistake of preflight's own or a very unusual host",
        )
    if "limits" in expected:
        yield from _host(evidence, expected, ca_cert, limits)
    if "knocks" in evidence:
        yield from network_rules.judge_neighbours(expected, evidence["knocks"])
    for item in expected.get("endpoints", []):
        if item["name"] in evidence["endpoints"]:
            known = stacks.get(item["host"])
            deployed = None if known is None else item["name"] in known
            yield network_rules.judge_endpoint(item, evidence["endpoints"][item["name"]], deployed, ca_cert)


def _host(
    evidence: Mapping[str, Any], expected: dict[str, Any], ca_cert: str, limits: Limits
) -> Iterator[Finding]:
    """The rules for what a host has and the controller has not."""
    engine, files = evidence.get("engine", {}), evidence.get("files", {})
    if "system" in evidence:
        yield from host_rules.judge_system(evidence["system"], expected)
        yield from host_rules.judge_clock(evidence["clock"], evidence["system"], limits)
    if "memory" in evidence:
        yield from host_rules.judge_memory(evidence["memory"], expected["limits"])
    if "disks" in evidence:
        yield from host_rules.judge_disks(evidence["disks"], limits)
    if engine and "system" in evidence:
        bootstrapped = any(files.values())
        yield from engine_rules.judge_engine(
            engine, evidence["system"], expected["runtimes"], bootstrapped, limits
        )
    if "listeners" in evidence:
        # Without an engine there are no containers; one that does not answer may have some.
        containers = [] if engine.get("present") is False else engine.get("containers")
        yield from port_rules.judge_ports(expected, evidence["listeners"], containers)
    if "files" in evidence:
        yield from network_rules.judge_trust(files, ca_cert)


def table(findings: Mapping[str, Sequence[Finding]], everything: bool = False) -> str:
    """An aligned table in plain text, without a trailing newline: what is not well, then a count for each machine.

    :param everything: show what is well too
    """
    shown = [
        (name, found)
        for name, of_machine in findings.items()
        for found in of_machine
        if everything or found.status in (Status.FAILED, Status.WARNING)
    ]
    head = ("host", "check", "status", "what")
    rows = [(name, found.check, str(found.status), found.what) for name, found in shown]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(3)]
    lines = [_line(head, widths)] if rows else []
    for row, (_unused, found) in zip(rows, shown, strict=True):
        lines.append(_line(row, widths))
        if found.remedy:
            lines.append(" " * (sum(widths) + 6) + f"Next: {found.remedy}")
    return "\n".join([*lines, *([""] if rows else []), *_counts(findings)])


def _line(row: tuple[str, ...], widths: Sequence[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
    return "  ".join([*cells, row[3]])


def _counts(findings: Mapping[str, Sequence[Finding]]) -> Iterator[str]:
    """A line for each machine, and what could not be told yet."""
    width = max(map(len, findings), default=0)
    for name, found in findings.items():
        counted = [(sum(item.status is status for item in found), str(status)) for status in reversed(_ORDER)]
        yield f"{name.ljust(width)}  " + ", ".join(f"{count} {status}" for count, status in counted if count)
    everything = [item for of_machine in findings.values() for item in of_machine]
    waiting = sorted({f"{item.check} ({item.what})" for item in everything if item.status is Status.SKIPPED})
    if waiting:
        yield f"not to be told yet: {listed(waiting, 20)}"
