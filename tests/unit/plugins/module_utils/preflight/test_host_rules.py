"""The operating system: a healthy host first, then every fault with its exact words."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight import host_rules
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.findings import Limits
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.preflight.samples import (
    LIMITS,
    bad,
    expected,
    healthy,
    judged,
)

SYSTEM_FAULTS: dict[str, tuple[dict[str, Any], tuple[str, str, str, str]]] = {
    "python": (
        {"python": "3.9.2"},
        (
            "python",
            "failed",
            "is 3.9.2",
            "install Python 3.10 or newer, and name it in ansible_python_interpreter of the host",
        ),
    ),
    "user": (
        {"uid": 1000, "user": "lab"},
        (
            "root",
            "failed",
            "tasks run as lab, not as root",
            "set ansible_become: true at this host (not for the group all), or log in as root",
        ),
    ),
    "machine": (
        {"machine": "aarch64"},
        (
            "architecture",
            "failed",
            "is aarch64, images are built for x86_64",
            "take a host with x86_64",
        ),
    ),
    "init": (
        {"pid1": "docker-init"},
        (
            "systemd",
            "failed",
            "the first process is docker-init, not systemd",
            "take a host that systemd runs: its units bring the network back after a reboot",
        ),
    ),
    "old systemd": (
        {"systemd": 249},
        (
            "systemd",
            "failed",
            "is version 249; the host's boot material cannot be sealed",
            "take a host with systemd 250 or newer, such as Debian 12 or Ubuntu 24.04; or give it selvedge_seal: none, "
            "and its boot material lies on its disk in the clear",
        ),
    ),
    "no systemd-creds": (
        {"systemd_creds": False},
        (
            "systemd",
            "failed",
            "is version 257 without systemd-creds; the host's boot material cannot be sealed",
            "take a host with systemd 250 or newer, such as Debian 12 or Ubuntu 24.04; or give it selvedge_seal: none, "
            "and its boot material lies on its disk in the clear",
        ),
    ),
    "address": (
        {"address_is_local": False},
        (
            "address",
            "warning",
            "selvedge_address 172.30.10.11 is none of this host's own addresses "
            "(172.17.0.1, 172.18.0.1, 172.19.0.1, 172.20.0.1, 172.30.10.11)",
            "correct selvedge_address, unless an address translation leads from there to this host and back: the "
            "store lets the host in from this address only",
        ),
    ),
    "time service": (
        {"container": "", "time_service": ""},
        (
            "time service",
            "warning",
            "none is active; the clock will drift",
            "set up chrony or systemd-timesyncd",
        ),
    ),
}


def test_nothing_is_wrong_with_a_healthy_host() -> None:
    assert bad(judged(healthy())) == []


@pytest.mark.parametrize("name", SYSTEM_FAULTS)
def test_a_fault_of_the_system(name: str) -> None:
    spoilt, wanted = SYSTEM_FAULTS[name]
    evidence = healthy()
    evidence["system"].update(spoilt)
    evidence["system"]["addresses"] = ["172.17.0.1", "172.18.0.1", "172.19.0.1", "172.20.0.1", "172.30.10.11"]
    assert bad(judged(evidence)) == [wanted]


@pytest.mark.parametrize(
    ("version", "status", "what"),
    [
        (249, "ok", "version 249; boot material lies in the clear, as selvedge_seal says"),
        (246, "failed", "is version 246"),
    ],
)
def test_a_host_that_does_not_seal_asks_for_less(version: int, status: str, what: str) -> None:
    system = {**healthy()["system"], "systemd": version, "systemd_creds": False}
    found = host_rules.judge_system(system, {**expected("host1"), "seal": "none"})
    assert [(str(item.status), item.what) for item in found if item.check == "systemd"] == [(status, what)]


def test_a_time_service_is_named() -> None:
    evidence = healthy()
    evidence["system"].update(container="", time_service="chrony")
    assert [item.what for item in judged(evidence) if item.check == "time service"] == ["chrony"]


@pytest.mark.parametrize(
    ("start", "end", "offset"),
    [
        (1000.5, 1001.0, 0.0),  # in the middle of the controller's 1000.0 to 1002.0
        (1001.4, 1001.9, 0.0),  # could be right: sent late, received at once
        (1003.5, 1004.0, 2.0),  # ended 2 s after its answer was received
        (990.0, 990.5, -10.0),  # started 10 s before it was sent
    ],
)
def test_only_what_the_transport_cannot_explain_is_an_offset(start: float, end: float, offset: float) -> None:
    clock = {"sent": 1000.0, "start": start, "end": end, "received": 1002.0}
    assert host_rules.clock_offset(clock) == offset


@pytest.mark.parametrize(
    ("shift", "status", "what"),
    [
        (1.9, "ok", "in step with the controller's"),
        (2.5, "warning", "at least 2.5 s ahead of the controller's clock"),
        (-3.0, "warning", "at least 3.0 s behind the controller's clock"),
        (
            61.0,
            "failed",
            "at least 61.0 s ahead of the controller's clock; fresh certificates would not be valid and Fabric "
            "refuses messages",
        ),
        (
            -900.0,
            "failed",
            "at least 900.0 s behind the controller's clock; fresh certificates would not be valid and Fabric "
            "refuses messages",
        ),
    ],
)
def test_a_clock_that_is_wrong(shift: float, status: str, what: str) -> None:
    evidence = healthy()
    evidence["clock"] = {
        "sent": 1000.0,
        "received": 1000.0,
        "start": 1000.0 + shift,
        "end": 1000.0 + shift,
    }
    found = next(item for item in judged(evidence) if item.check == "clock")
    assert (str(found.status), found.what) == (status, what)
    remedy = "set up a time service (chrony or systemd-timesyncd) on this host, and look at the controller's clock too"
    assert found.remedy == ("" if status == "ok" else remedy)


def test_the_clocks_limits_are_the_operators() -> None:
    evidence = healthy()
    evidence["clock"] = {"sent": 0.0, "received": 0.0, "start": 3.0, "end": 3.0}
    assert bad(judged(evidence, limits=Limits(clock_warning=4))) == []
    assert bad(judged(evidence, limits=Limits(clock_failure=3)))[0][1] == "failed"


def memory_of(total_mib: int, **more: Any) -> dict[str, Any]:
    evidence = healthy()
    evidence["memory"] = {"total": total_mib << 20, "swaps": [], **more}
    return evidence


def test_too_little_memory() -> None:
    """host1: registry 256, store 512, CA 256, orderer 512, peer 512, chaincode 256 MiB."""
    remedy = (
        "lower 'memory' of services in the model (orderer1.orderers.lab.example 512 MiB, peer0.org1.lab.example 512 "
        "MiB, store.lab.example 512 MiB and 3 more), move some to another host, or add memory"
    )
    assert bad(judged(memory_of(2303))) == [
        ("memory", "failed", "6 services may take 2.2 GiB of 2.2 GiB", remedy)
    ]
    assert bad(judged(memory_of(2048)))[0][2] == "6 services may take 2.2 GiB of 2.0 GiB"
    assert bad(judged(memory_of(2500))) == [
        ("memory", "warning", "6 services may take 2.2 GiB of 2.4 GiB; the system needs some too", remedy)
    ]
    assert bad(judged(memory_of(2600))) == []


def test_swap_that_is_not_encrypted() -> None:
    swaps = [
        {"name": "/dev/dm-1", "bytes": 1 << 30, "encrypted": True},
        {"name": "/swapfile", "bytes": 1 << 30, "encrypted": False},
    ]
    assert bad(judged(memory_of(9000, swaps=swaps[:1]))) == []
    assert bad(judged(memory_of(9000, swaps=swaps))) == [
        (
            "swap",
            "warning",
            "/swapfile is not encrypted; keys in memory can be written to it",
            "swapoff it and take it out of /etc/fstab, or encrypt it",
        )
    ]


def test_a_full_disk_is_told_once_for_all_that_is_on_it() -> None:
    evidence = healthy()
    for use in ("data", "engine"):
        evidence["disks"][use].update(free=3 << 30, total=20 << 30)
    assert bad(judged(evidence)) == [
        (
            "disk",
            "failed",
            "/var/lib/selvedge (for /var/lib/selvedge, /var/lib/docker) has 3.0 GiB of 20.0 GiB free, wanted "
            "are 5.0 GiB",
            "free or add space; preflight_min_disk (GiB) sets what is wanted",
        )
    ]
    assert bad(judged(evidence, limits=Limits(min_disk=2 << 30))) == []


def test_no_inodes_left() -> None:
    evidence = healthy()
    evidence["disks"]["data"].update(free_inodes=99)
    assert bad(judged(evidence)) == [
        (
            "disk",
            "failed",
            "/var/lib/selvedge (for /var/lib/selvedge, /var/lib/docker) has 99 inodes free, wanted are 100000",
            "remove what has very many files; preflight_min_inodes sets what is wanted",
        )
    ]
    evidence["disks"]["data"].update(free_inodes=-1)
    assert bad(judged(evidence)) == [], "file systems such as btrfs have no such limit"


def test_a_disk_that_turned_read_only() -> None:
    evidence = healthy()
    evidence["disks"]["config"]["read_only"] = True
    assert bad(judged(evidence)) == [
        (
            "disk",
            "failed",
            "/ (for /etc/selvedge, /usr/local/lib/selvedge) is mounted read-only",
            "look at dmesg for errors of the disk, then mount -o remount,rw /",
        )
    ]


def test_a_small_root_is_enough_for_configuration() -> None:
    evidence = healthy()
    for use in ("config", "library"):
        evidence["disks"][use].update(free=1 << 20)
    assert bad(judged(evidence)) == []


def test_secrets_must_be_in_memory() -> None:
    evidence = healthy()
    evidence["disks"]["secrets"].update(type="ext4", mount="/")
    assert bad(judged(evidence)) == [
        (
            "secrets",
            "failed",
            "/run/selvedge/secrets would lie on ext4 (/), a disk",
            "mount tmpfs at /run",
        )
    ]
    assert LIMITS.min_disk == 5 << 30
