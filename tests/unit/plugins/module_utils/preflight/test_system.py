"""Looking at this machine, and reading what others' kernels write."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight import system

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
tmpfs /run tmpfs rw,nosuid 0 0
/dev/sdb1 /var/lib ext4 rw 0 0
/dev/sdc1 /var/lib/docker xfs rw 0 0
/dev/sdd1 /srv/my\\040data btrfs rw 0 0
overlay / overlay rw 0 0
"""
FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 172.30.10.0
        /24 link UNICAST
     |-- 172.30.10.11
        /32 host LOCAL
     |-- 172.30.10.255
        /32 link BROADCAST
Local:
     |-- 172.30.10.11
        /32 host LOCAL
     |-- 10.0.0.5
        /32 host LOCAL
"""


def test_this_machine() -> None:
    found = system.describe("127.0.0.1")
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert (found["uid"], found["machine"]) == (os.geteuid(), os.uname().machine)
    assert found["yaml"] is True
    assert found["address_is_local"] is True
    assert found["pid1"] == Path("/proc/1/comm").read_text().strip()
    assert system.describe("192.0.2.1")["address_is_local"] is False


def test_memory_is_what_the_kernel_says() -> None:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert system.memory()["total"] == pages


def test_a_disk_is_found_before_its_folder_is(tmp_path: Path) -> None:
    found = system.disk(f"{tmp_path}/not/there/yet")
    there = os.statvfs(tmp_path)
    assert found["path"] == f"{tmp_path}/not/there/yet"
    assert found["device"] == tmp_path.stat().st_dev
    assert found["total"] == there.f_blocks * there.f_frsize
    assert 0 < found["free"] <= found["total"]
    assert found["read_only"] is False
    assert os.path.ismount(found["mount"])


def test_memory_file_systems_are_known_by_their_type() -> None:
    assert system.disk("/dev/shm")["type"] == "tmpfs"
    # sysfs has no blocks and no inodes, so no limit of inodes either.
    assert (system.disk("/sys")["type"], system.disk("/sys")["free_inodes"]) == ("sysfs", -1)


@pytest.mark.parametrize(
    ("path", "mount", "kind"),
    [
        ("/run/selvedge/secrets", "/run", "tmpfs"),
        ("/var/lib/selvedge", "/var/lib", "ext4"),
        ("/var/lib/docker", "/var/lib/docker", "xfs"),
        ("/var/lib/dockerx", "/var/lib", "ext4"),
        ("/srv/my data/x", "/srv/my data", "btrfs"),
        ("/etc", "/", "overlay"),
    ],
)
def test_the_innermost_and_latest_mount_counts(path: str, mount: str, kind: str) -> None:
    assert system.mount_of(path, MOUNTS) == (mount, kind)


def test_addresses_are_those_of_the_machine_itself() -> None:
    assert system.local_addresses(FIB_TRIE) == ["10.0.0.5", "172.30.10.11"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nVERSION_ID="24.04"\nID=ubuntu\n',
            {"id": "ubuntu", "major": "24", "name": "Ubuntu 24.04.1 LTS"},
        ),
        (
            'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\n',
            {"id": "debian", "major": "13", "name": "Debian GNU/Linux 13 (trixie)"},
        ),
        ("", {"id": "", "major": "", "name": "an unknown distribution"}),
    ],
)
def test_a_distribution(text: str, found: dict[str, str]) -> None:
    assert system.distribution(text) == found


def test_systemds_version() -> None:
    assert system.systemd_version("systemd 257 (257.7-1)\n+PAM +AUDIT") == 257
    assert system.systemd_version("") == 0


def test_swap_that_never_reaches_a_disk_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "swapfile"
    file.touch()
    head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
    text = f"{head}/dev/zram0 partition 1024 0 100\n{file} file 2048 0 -2\n/dev/gone partition 4 0 -3\n"
    found = {item["name"]: (item["bytes"], item["encrypted"]) for item in system.swaps(text)}
    assert set(found) == {str(file), "/dev/gone"}
    assert found["/dev/gone"] == (4096, False)
    assert found[str(file)][0] == 2 << 20
    assert system.swaps(head) == []


def test_encryption_below_a_volume_counts(tmp_path: Path) -> None:
    """As sysfs has it: a volume of LVM on an encrypted disk, and one that also lies on a plain disk."""
    for name, uuid in {"volume": "LVM-abc", "crypt": "CRYPT-LUKS2-abc-root"}.items():
        (tmp_path / name / "dm").mkdir(parents=True)
        (tmp_path / name / "dm" / "uuid").write_text(uuid)
    (tmp_path / "plain").mkdir()
    slaves = tmp_path / "volume" / "slaves"
    slaves.mkdir()
    (slaves / "dm-0").symlink_to(tmp_path / "crypt")
    assert system.encrypted_device(str(tmp_path / "crypt")) is True
    assert system.encrypted_device(str(tmp_path / "volume")) is True
    (slaves / "sdb").symlink_to(tmp_path / "plain")
    assert system.encrypted_device(str(tmp_path / "volume")) is False
    assert system.encrypted_device(str(tmp_path / "plain")) is False
