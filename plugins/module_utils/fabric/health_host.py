"""What hosts tell of themselves: room on their disks, their clocks, or nothing; and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.clock import Clock, clock_between
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import (
    Finding,
    Health,
    Status,
    verdict,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_rules import judge_clock

# A node that cannot write its ledger stops, so below this it is about to.
_FULL_PERCENT = 3.0
_ROOM = "make room: docker image prune, old logs and backups; or enlarge it. A node that cannot write stops"
_INODES = "remove small files (find -xdev), or make the file system anew with more inodes"
_WRITABLE = "look at dmesg for errors of the disk, then mount -o remount,rw"
_PREFLIGHT = "preflight.yml tells what is wrong with it"


@dataclass(frozen=True)
class HostEvidence:
    """What is known of a host.

    :param disks: its file systems, each once: ``mount``, ``paths`` and what ``preflight/system.py`` says of one
    :param clock: its clock against ours; None when it did not tell
    :param error: why it told nothing, ``cannot be reached: ...``; empty when it has told
    """

    name: str
    disks: tuple[dict[str, Any], ...] = ()
    clock: Clock | None = None
    error: str = ""

    @classmethod
    def from_option(cls, item: Mapping[str, Any]) -> HostEvidence:
        """From ``{name, disks, clock}``, the clock may be left out, or ``{name, error}``.

        Raises FabricError when something is missing.
        """
        try:
            if item.get("error"):
                return cls(item["name"], error=str(item["error"]))
            disks = tuple({**disk, "paths": list(disk["paths"])} for disk in item["disks"])
            for disk in disks:
                _shares(disk)
            return cls(item["name"], disks, clock_between(item["clock"]) if item.get("clock") else None)
        except (KeyError, TypeError) as error:
            shape = "a host is {name, disks, clock}, with disks and clock of the module host_info, or {name, error}"
            raise FabricError(f"a host lacks {error}", str(item.get("name", "")), shape) from error


def judge_host(host: HostEvidence, min_free_percent: float, max_skew: float) -> Health:
    """Degraded below ``min_free_percent`` of free bytes or inodes, unhealthy where a disk is as good as full.

    :param max_skew: seconds that its clock may be off

    Nothing of it heals by waiting: a host is asked once.
    """
    if host.error:
        finding = Finding(Status.UNHEALTHY, host.error, _PREFLIGHT, lasting=True)
        return verdict(host.name, "host", "", [finding], {})
    findings: list[Finding] = []
    facts: dict[str, Any] = {"disks": {}}
    for disk in host.disks:
        findings += _findings(disk, min_free_percent)
        room, inodes = _shares(disk)
        known = {} if inodes is None else {"free_inodes_percent": round(inodes, 1)}
        facts["disks"][disk["mount"]] = {"paths": disk["paths"], "free_percent": round(room, 1), **known}
    if host.clock:
        findings += judge_clock(host.clock, max_skew, lasting=True)
        facts["clock"] = host.clock.as_dict()
    return verdict(host.name, "host", "", findings, facts)


def _shares(disk: Mapping[str, Any]) -> tuple[float, float | None]:
    """Free bytes and free inodes in percent; None where there is no limit of inodes."""
    room = 100 * disk["free"] / disk["total"] if disk["total"] else 100.0
    inodes = 100 * disk["free_inodes"] / disk["total_inodes"] if disk["total_inodes"] > 0 else None
    return room, inodes


def _findings(disk: Mapping[str, Any], min_free_percent: float) -> Iterator[Finding]:
    where = f"{disk['mount']} ({', '.join(disk['paths'])})"
    if disk["read_only"]:
        yield Finding(Status.UNHEALTHY, f"{where} is mounted read-only", f"{_WRITABLE} {disk['mount']}", True)
    room, inodes = _shares(disk)
    for free, what, remedy in ((room, "free", _ROOM), (inodes, "of the inodes free", _INODES)):
        if free is not None and free < min_free_percent:
            status = Status.UNHEALTHY if free < _FULL_PERCENT else Status.DEGRADED
            yield Finding(
                status, f"{where} has {free:.1f} % {what}", remedy, True, f"{where} has little {what}"
            )
