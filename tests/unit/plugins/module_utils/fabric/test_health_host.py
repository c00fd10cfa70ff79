"""What a host tells of itself, and what it means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health, Status
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_host import (
    HostEvidence,
    judge_host,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.alerts import ALERTS
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.system import disks
from ansible_collections.selvedge.fabric.plugins.module_utils.status.answers import told_by
from ansible_collections.selvedge.fabric.plugins.modules import network_health

# What the module host_info said on a lab host.
DISK = {
    "mount": "/var/lib/docker",
    "type": "ext4",
    "paths": ["/var/lib/selvedge", "/var/lib/docker"],
    "read_only": False,
    "free": 244396003328,
    "total": 270553174016,
    "free_inodes": 15910854,
    "total_inodes": 16777216,
}
WHERE = "/var/lib/docker (/var/lib/selvedge, /var/lib/docker)"


def judged(**changes: Any) -> Health:
    option = {"name": "host1", "disks": [{**DISK, **changes}]}
    return judge_host(HostEvidence.from_option(option), 10, 2)


def timed(behind: float, way: float = 1.0) -> Health:
    """A host whose clock shows less than ours by ``behind`` seconds; ``way`` is how long each way to it took."""
    ran = 1000.0 + way - behind
    clock = {"sent": 1000.0, "start": ran, "end": ran + 0.2, "received": 1000.2 + 2 * way}
    return judge_host(HostEvidence.from_option({"name": "host1", "disks": [DISK], "clock": clock}), 10, 2)


def test_room_enough() -> None:
    found = judged()
    assert (found.subject, found.kind, found.status) == ("host1", "host", Status.HEALTHY)
    shown = {"paths": DISK["paths"], "free_percent": 90.3, "free_inodes_percent": 94.8}
    assert found.facts == {"disks": {"/var/lib/docker": shown}}
    assert (
        "free_inodes_percent" not in judged(free_inodes=-1, total_inodes=-1).facts["disks"]["/var/lib/docker"]
    )
    assert judged(free=0, total=0).healthy, "a file system without a size is none that fills up"


@pytest.mark.parametrize(
    ("changes", "status", "reason", "remedy"),
    [
        ({"free": 27055317402}, Status.HEALTHY, "", ""),
        ({"free": 26000000000}, Status.DEGRADED, f"{WHERE} has 9.6 % free", "make room"),
        ({"free": 8000000000}, Status.UNHEALTHY, f"{WHERE} has 3.0 % free", "make room"),
        ({"free": 0}, Status.UNHEALTHY, f"{WHERE} has 0.0 % free", "A node that cannot write stops"),
        ({"free_inodes": 1000000}, Status.DEGRADED, f"{WHERE} has 6.0 % of the inodes free", "small files"),
        ({"free_inodes": 0}, Status.UNHEALTHY, f"{WHERE} has 0.0 % of the inodes free", "small files"),
        ({"read_only": True}, Status.UNHEALTHY, f"{WHERE} is mounted read-only", "dmesg"),
    ],
)
def test_too_little(changes: dict[str, Any], status: Status, reason: str, remedy: str) -> None:
    found = judged(**changes)
    assert (found.status, found.reasons) == (status, (reason,) if reason else ())
    assert remedy in found.remedy
    assert found.healthy or found.lasting, "a host is asked once, so that waiting is for nothing"


@pytest.mark.parametrize(
    ("behind", "status", "reason"),
    [
        (0.0, Status.HEALTHY, ""),
        (2.9, Status.HEALTHY, ""),
        (3.1, Status.DEGRADED, "its clock is 3.1 s behind ours (its own answer)"),
        (-120.0, Status.DEGRADED, "its clock is 120.0 s ahead of ours (its own answer)"),
        (
            1000.0,
            Status.UNHEALTHY,
            "its clock is 1000.0 s behind ours (its own answer); nodes refuse requests",
        ),
    ],
)
def test_a_clock(behind: float, status: Status, reason: str) -> None:
    """The second that the way to it may have taken is not held against it."""
    found = timed(behind)
    assert found.status is status
    assert found.facts["clock"] == {"skew": -behind, "uncertainty": 1.0, "source": "its own answer"}
    assert [said.startswith(reason) for said in found.reasons] == ([True] if reason else [])
    assert ("time service" in found.remedy) is bool(reason)


def test_a_slow_way_proves_nothing() -> None:
    assert timed(30, way=30).healthy
    assert not timed(33, way=30).healthy


def test_a_host_that_tells_nothing_is_unhealthy_and_says_why() -> None:
    found = judge_host(
        HostEvidence.from_option({"name": "host1", "error": "cannot be reached: refused"}), 10, 2
    )
    assert (found.status, found.reasons) == (Status.UNHEALTHY, ("cannot be reached: refused",))
    assert "preflight.yml" in found.remedy and found.lasting


def test_limits_are_those_of_the_alerts() -> None:
    """What wakes somebody is not healthy by the verdict either."""
    rules = {alert.name: alert.expression for alert in ALERTS}
    assert rules["ClockSkew"].count("> 2 ") + rules["ClockSkew"].endswith("> 2") == 2
    assert "< 0.08 " in rules["DiskFull"] and not judged(free=int(DISK["total"] * 0.079)).healthy
    assert rules["DiskFull"].endswith("< 0.05")
    assert not judged(free_inodes=int(DISK["total_inodes"] * 0.049)).healthy
    options = yaml.safe_load(network_health.DOCUMENTATION)["options"]
    assert (options["host_skew_max"]["default"], options["disk_free_min"]["default"]) == (2, 10)


def test_what_a_play_registered() -> None:
    clock = {"sent": 1.0, "start": 1.0, "end": 1.0, "received": 1.0}
    results: dict[str, dict[str, Any]] = {
        "asked": {"changed": False, "disks": [DISK], "clock": clock},
        "told its status": {"host": {"uptime": 1, "disks": [DISK]}, "clock": clock},
        "away": {"unreachable": True, "msg": "Task failed: ssh: connect to host: Connection refused."},
        "hung": {"failed": True, "msg": "Timed out after 30 second(s)."},
        "speechless": {"failed": True},
        "left out": {},
    }
    assert told_by(results) == [
        {"name": "asked", "disks": [DISK], "clock": clock},
        {"name": "told its status", "disks": [DISK], "clock": clock},
        {"name": "away", "error": "cannot be reached: ssh: connect to host: Connection refused"},
        {"name": "hung", "error": "could not be looked at: Timed out after 30 second(s)"},
        {"name": "speechless", "error": "could not be looked at: it gave no answer"},
    ]


@pytest.mark.parametrize(
    "option",
    [
        {"name": "h"},
        {"name": "h", "disks": [{"mount": "/"}]},
        {"disks": []},
        {"error": "gone"},
        {"name": "h", "disks": [], "clock": {"start": 1.0}},
    ],
)
def test_a_wrong_option_is_named(option: dict[str, Any]) -> None:
    with pytest.raises(FabricError, match="a host lacks .*host_info"):
        HostEvidence.from_option(option)


def test_this_machine(tmp_path: Path) -> None:
    """Paths on one file system are one disk; what is not there counts as its parent."""
    found = disks([str(tmp_path), str(tmp_path / "not/there")])
    assert [disk["paths"] for disk in found] == [[str(tmp_path), str(tmp_path / "not/there")]]
    assert 0 < found[0]["free"] < found[0]["total"]
    judge_host(HostEvidence.from_option({"name": "here", "disks": found}), 10, 2)
    assert not judge_host(HostEvidence.from_option({"name": "here", "disks": found}), 100, 2).healthy
