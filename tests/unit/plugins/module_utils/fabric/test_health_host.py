"""Room on disks: what a host tells, and what it means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health, Status
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_host import HostDisks, judge_host
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.system import disks

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
    return judge_host(HostDisks.from_option(option), 10)


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


@pytest.mark.parametrize("option", [{"name": "h"}, {"name": "h", "disks": [{"mount": "/"}]}, {"disks": []}])
def test_a_wrong_option_is_named(option: dict[str, Any]) -> None:
    with pytest.raises(FabricError, match="a host lacks .*host_info"):
        HostDisks.from_option(option)


def test_this_machine(tmp_path: Path) -> None:
    """Paths on one file system are one disk; what is not there counts as its parent."""
    found = disks([str(tmp_path), str(tmp_path / "not/there")])
    assert [disk["paths"] for disk in found] == [[str(tmp_path), str(tmp_path / "not/there")]]
    assert 0 < found[0]["free"] < found[0]["total"]
    judge_host(HostDisks.from_option({"name": "here", "disks": found}), 10)
    assert not judge_host(HostDisks.from_option({"name": "here", "disks": found}), 100).healthy
