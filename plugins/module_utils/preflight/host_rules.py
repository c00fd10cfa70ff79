"""Whether the operating system of a host is fit: pure rules from evidence to findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.host.engine import MINIMUM_SYSTEMD
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.findings import (
    Finding,
    Limits,
    failed,
    listed,
    ok,
    shown_bytes,
    warning,
)

# What our modules need on a host.
MIN_PYTHON = (3, 10)
# systemd-creds came with 250; credentials in the clear are older.
MIN_SYSTEMD = {"systemd-creds": 250, "none": MINIMUM_SYSTEMD}
# From here on the rest of the memory is too little for the system itself and its file cache.
_TIGHT = 0.9


def judge_system(system: dict[str, Any], expected: dict[str, Any]) -> Iterator[Finding]:
    """Python, rights, architecture, systemd, address."""
    python = tuple(int(part) for part in system["python"].split(".")[:2])
    if python < MIN_PYTHON:
        yield failed(
            "python",
            f"is {system['python']}",
            f"install Python {_dotted(MIN_PYTHON)} or newer, and name it "
            "in ansible_python_interpreter of the host",
        )
    else:
        yield ok("python", system["python"])
    if system["uid"] != 0:
        yield failed(
            "root",
            f"tasks run as {system['user']}, not as root",
            "set ansible_become: true at this host (not for the group all), or log in as root",
        )
    else:
        yield ok("root", "tasks run as root")
    if system["machine"] != expected["architecture"]:
        yield failed(
            "architecture",
            f"is {system['machine']}, images are built for {expected['architecture']}",
            f"take a host with {expected['architecture']}",
        )
    else:
        yield ok("architecture", system["machine"])
    yield _systemd(system, expected["seal"])
    yield _address(system, expected["address"])


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _systemd(system: dict[str, Any], seal: str) -> Finding:
    """:param seal: ``systemd-creds``, or ``none`` where boot material may lie in the clear"""
    if system["pid1"] != "systemd":
        return failed(
            "systemd",
            f"the first process is {system['pid1'] or 'unknown'}, not systemd",
            "take a host that systemd runs: its units bring the network back after a reboot",
        )
    version, least = system["systemd"], MIN_SYSTEMD[seal]
    if seal == "none" and version >= least:
        return ok("systemd", f"version {version}; boot material lies in the clear, as selvedge_seal says")
    if seal == "none":
        return failed("systemd", f"is version {version}", f"take a host with systemd {least} or newer")
    if version < least or not system["systemd_creds"]:
        lacks = "" if system["systemd_creds"] else " without systemd-creds"
        return failed(
            "systemd",
            f"is version {version}{lacks}; the host's boot material cannot be sealed",
            f"take a host with systemd {least} or newer, such as Debian 12 or Ubuntu 24.04; or give it selvedge_seal: "
            "none, and its boot material lies on its disk in the clear",
        )
    return ok("systemd", f"version {version}, with systemd-creds")


def _address(system: dict[str, Any], address: str) -> Finding:
    if system["address_is_local"]:
        return ok("address", address)
    own = listed(system["addresses"]) or "none"
    return warning(
        "address",
        f"selvedge_address {address} is none of this host's own addresses ({own})",
        "correct selvedge_address, unless an address translation leads from there to this host and back: the store "
        "lets the host in from this address only",
    )


def judge_clock(clock: dict[str, float], system: dict[str, Any], limits: Limits) -> Iterator[Finding]:
    """The host's clock against the controller's.

    :param clock: ``sent`` and ``received`` by the controller's clock, ``start`` and ``end`` of the module by the
        host's, all in seconds since 1970
    """
    offset = clock_offset(clock)
    # Part of a difference can hide in the time that the answer took.
    shown = f"at least {abs(offset):.1f} s {'ahead of' if offset > 0 else 'behind'} the controller's clock"
    remedy = "set up a time service (chrony or systemd-timesyncd) on this host, and look at the controller's clock too"
    if abs(offset) >= limits.clock_failure:
        yield failed(
            "clock", f"{shown}; fresh certificates would not be valid and Fabric refuses messages", remedy
        )
    elif abs(offset) >= limits.clock_warning:
        yield warning("clock", shown, remedy)
    else:
        yield ok("clock", "in step with the controller's")
    if system["container"]:
        yield ok(
            "time service", f"is the affair of the machine that this {system['container']} container runs on"
        )
    elif system["time_service"]:
        yield ok("time service", system["time_service"])
    else:
        yield warning(
            "time service", "none is active; the clock will drift", "set up chrony or systemd-timesyncd"
        )


def clock_offset(clock: dict[str, float]) -> float:
    """By how much the host's clock is ahead for certain; 0 when the difference can be the transport's.

    The module started after it was sent and ended before its answer was received, so that the offset lies between
    ``end - received`` and ``start - sent``.
    """
    lowest, highest = clock["end"] - clock["received"], clock["start"] - clock["sent"]
    return max(lowest, 0.0) or min(highest, 0.0)


def judge_memory(memory: dict[str, Any], limits: dict[str, int]) -> Iterator[Finding]:
    """The model's limits against what there is, and what swap does to keys.

    :param limits: service to bytes
    """
    wanted, total = sum(limits.values()), memory["total"]
    numbers = f"{len(limits)} services may take {shown_bytes(wanted)} of {shown_bytes(total)}"
    biggest = listed([f"{name} {shown_bytes(size)}" for name, size in sorted(limits.items(), key=_size)], 3)
    remedy = f"lower 'memory' of services in the model ({biggest}), move some to another host, or add memory"
    if wanted > total:
        yield failed("memory", numbers, remedy)
    elif wanted > _TIGHT * total:
        yield warning("memory", f"{numbers}; the system needs some too", remedy)
    else:
        yield ok("memory", numbers)
    bare = [item["name"] for item in memory["swaps"] if not item["encrypted"]]
    if bare:
        yield warning(
            "swap",
            f"{listed(bare)} is not encrypted; keys in memory can be written to it",
            "swapoff it and take it out of /etc/fstab, or encrypt it",
        )
    else:
        yield ok("swap", "encrypted" if memory["swaps"] else "off")


def _size(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def judge_disks(disks: dict[str, dict[str, Any]], limits: Limits) -> Iterator[Finding]:
    """Each file system once; and secrets must lie in memory.

    :param disks: use (``data``, ``engine``, ``config``, ``library``, ``secrets``) to what was found there
    """
    secrets = disks["secrets"]
    if secrets["type"] in ("tmpfs", "ramfs"):
        yield ok("secrets", f"{secrets['path']} is in memory")
    else:
        yield failed(
            "secrets",
            f"{secrets['path']} would lie on {secrets['type']} ({secrets['mount']}), a disk",
            f"mount tmpfs at {secrets['mount'] if secrets['mount'] != '/' else '/run'}",
        )
    shared: dict[int, list[dict[str, Any]]] = {}
    for use, found in disks.items():
        if use != "secrets":
            shared.setdefault(found["device"], []).append(found)
    for group in shared.values():
        # What is written once (configuration, scripts) needs no room to speak of.
        grows = any(found is disks["data"] or found is disks["engine"] for found in group)
        yield _disk(group, limits, grows)


def _disk(group: list[dict[str, Any]], limits: Limits, grows: bool) -> Finding:
    disk = group[0]
    where = f"{disk['mount']} (for {', '.join(found['path'] for found in group)})"
    if any(found["read_only"] for found in group):
        return failed(
            "disk",
            f"{where} is mounted read-only",
            f"look at dmesg for errors of the disk, then mount -o remount,rw {disk['mount']}",
        )
    if not grows:
        return ok("disk", f"{where} is writable")
    if disk["free"] < limits.min_disk:
        return failed(
            "disk",
            f"{where} has {shown_bytes(disk['free'])} of {shown_bytes(disk['total'])} free, "
            f"wanted are {shown_bytes(limits.min_disk)}",
            "free or add space; preflight_min_disk (GiB) sets what is wanted",
        )
    if 0 <= disk["free_inodes"] < limits.min_inodes:
        return failed(
            "disk",
            f"{where} has {disk['free_inodes']} inodes free, wanted are {limits.min_inodes}",
            "remove what has very many files; preflight_min_inodes sets what is wanted",
        )
    return ok("disk", f"{where} has {shown_bytes(disk['free'])} free")
