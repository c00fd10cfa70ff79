"""The operating system of this machine, its memory, its file systems. Runs on hosts, standard library only."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import pwd
import re
import shutil
import socket
import stat
import subprocess
from typing import Any

_TIME_SERVICES = ("systemd-timesyncd", "chrony", "chronyd", "ntpsec", "ntp", "ntpd", "openntpd")
_COMMAND_TIMEOUT_S = 5


def describe(address: str) -> dict[str, Any]:
    """Python, user, distribution, systemd, time service and addresses.

    :param address: the address that this host should have; ``address_is_local`` says whether it does
    """
    return {
        "python": platform.python_version(),
        "yaml": importlib.util.find_spec("yaml") is not None,
        "uid": os.geteuid(),
        "user": _user(),
        "machine": os.uname().machine,
        "distribution": distribution(read("/etc/os-release")),
        "pid1": read("/proc/1/comm").strip(),
        "systemd": systemd_version(output("systemctl", "--version")),
        "systemd_creds": shutil.which("systemd-creds") is not None,
        "container": read("/run/systemd/container").strip(),
        "time_service": _time_service(),
        "addresses": local_addresses(read("/proc/net/fib_trie")),
        "address_is_local": is_local(address),
    }


def memory() -> dict[str, Any]:
    """``total`` bytes, and the ``swaps`` with ``name``, ``bytes`` and whether they are ``encrypted``."""
    fields = dict(line.split(":", 1) for line in read("/proc/meminfo").splitlines())
    return {"total": int(fields["MemTotal"].split()[0]) * 1024, "swaps": swaps(read("/proc/swaps"))}


def disk(path: str) -> dict[str, Any]:
    """The file system that ``path`` is on, or will be on: ``path``, ``mount``, ``type``, ``device``, ``read_only``,
    ``free`` and ``total`` bytes, ``free_inodes`` and ``total_inodes`` (-1 where there is no such limit)."""
    there = path
    while not os.path.exists(there):
        there = os.path.dirname(there)
    found = os.statvfs(there)
    mount, kind = mount_of(os.path.realpath(there), read("/proc/self/mounts"))
    return {
        "path": path,
        "mount": mount,
        "type": kind,
        "device": os.stat(there).st_dev,
        "read_only": bool(found.f_flag & os.ST_RDONLY),
        "free": found.f_bavail * found.f_frsize,
        "total": found.f_blocks * found.f_frsize,
        "free_inodes": found.f_favail if found.f_files else -1,
        "total_inodes": found.f_files or -1,
    }


def disks(paths: list[str]) -> list[dict[str, Any]]:
    """Each file system that ``paths`` lie on once, as :func:`disk` tells it, with ``paths`` for ``path``."""
    found: dict[int, dict[str, Any]] = {}
    for path in paths:
        told = disk(path)
        known = found.setdefault(told["device"], {**told, "paths": []})
        known["paths"].append(path)
    wanted = ("mount", "type", "paths", "read_only", "free", "total", "free_inodes", "total_inodes")
    return [{key: told[key] for key in wanted} for told in found.values()]


def mount_of(path: str, mounts: str) -> tuple[str, str]:
    """Mount point and type of the file system of ``path``; ``mounts`` is the text of /proc/self/mounts."""
    best, kind = "/", ""
    for line in mounts.splitlines():
        # Blanks in a name are written as octal numbers.
        point = re.sub(r"\\(\d{3})", lambda match: chr(int(match.group(1), 8)), line.split()[1])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # Of two on the same point the later one is seen.
        if inside and len(point) >= len(best):
            best, kind = point, line.split()[2]
    return best, kind


def distribution(os_release: str) -> dict[str, str]:
    """``id`` and ``major`` as they stand in /etc/os-release, and the ``name`` for people."""
    fields = dict(re.findall(r'^(\w+)="?(.*?)"?$', os_release, flags=re.MULTILINE))
    return {
        "id": fields.get("ID", ""),
        "major": fields.get("VERSION_ID", "").split(".")[0],
        "name": fields.get("PRETTY_NAME", "an unknown distribution"),
    }


def systemd_version(text: str) -> int:
    """From what ``systemctl --version`` prints; 0 when there is none."""
    match = re.match(r"systemd (\d+)", text)
    return int(match.group(1)) if match else 0


def local_addresses(fib_trie: str) -> list[str]:
    """IPv4 addresses of this machine but those of loopback, from the text of /proc/net/fib_trie."""
    found = re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", fib_trie)
    return sorted({address for address in found if not address.startswith("127.")})


def is_local(address: str) -> bool:
    """Whether one can listen on the address here."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
        return True


def swaps(text: str) -> list[dict[str, Any]]:
    """The swap areas of /proc/swaps. Those in compressed memory are left out: they never reach a disk."""
    rows = [line.split() for line in text.splitlines()[1:]]
    return [
        {"name": name, "bytes": int(size) * 1024, "encrypted": _encrypted(name)}
        for name, _kind, size, *_more in rows
        if not os.path.basename(name).startswith("zram")
    ]


def _encrypted(name: str) -> bool:
    """Whether a device, or the device under a file, is dm-crypt's or stands on nothing else."""
    try:
        found = os.stat(name)
    except OSError:
        return False
    number = found.st_rdev if stat.S_ISBLK(found.st_mode) else found.st_dev
    return encrypted_device(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")


def encrypted_device(folder: str) -> bool:
    """``folder`` is the device's in sysfs. LVM on top of an encrypted disk counts."""
    if read(f"{folder}/dm/uuid").startswith("CRYPT-"):
        return True
    below = os.listdir(f"{folder}/slaves") if os.path.isdir(f"{folder}/slaves") else []
    return bool(below) and all(encrypted_device(f"{folder}/slaves/{name}") for name in below)


def _time_service() -> str:
    states = output("systemctl", "is-active", *_TIME_SERVICES).split()
    active = [name for name, state in zip(_TIME_SERVICES, states) if state == "active"]  # noqa: B905 - Python 3.8
    return active[0] if active else ""


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def read(path: str) -> str:
    """A file's text; empty when it cannot be read."""
    with contextlib.suppress(OSError), open(path) as file:
        return file.read()
    return ""


def output(*command: str, timeout_s: float = _COMMAND_TIMEOUT_S) -> str:
    """What a command prints; empty when there is no such command or it does not end."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")
