"""The search of one machine; the program that runs there. Python's standard library and ``engine`` only.

It is sent over standard input together with what it looks for, runs as root, and writes nothing to a disk.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.selvedge.fabric.tests.leaks.engine import Patterns, Searcher

# File systems that are no disk: what the kernel makes up. Whatever is not named here is searched.
_VIRTUAL = frozenset(
    (
        *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "efivarfs"),
        *("fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "ramfs", "rpc_pipefs", "securityfs"),
        *("selinuxfs", "sysfs", "tracefs"),
    )
)
_MEMORY = frozenset(("tmpfs", "devtmpfs"))
_CLONE_NEWNS, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
SEALED, CLEAR = "/etc/credstore.encrypted", "/etc/credstore"


@dataclass(frozen=True)
class Mount:
    point: str
    device: str
    root: str
    fstype: str
    options: str


class HostSearch:
    """Everything that a machine keeps: file systems, processes, the engine's objects, the journal."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._findings: dict[tuple[str, str, int], dict[str, Any]] = {}
        self._searcher = Searcher(Patterns(request["forms"], request.get("formats", True)), self._found)
        self._excluded = set(request.get("exclude", ()))
        self._linked: set[tuple[int, int]] = set()
        self.counts = dict.fromkeys(
            ("disks", "files", "tmpfs files", "processes", "containers", "images", "journal bytes"), 0
        )
        self.notes: list[str] = []

    def result(self) -> dict[str, Any]:
        counts = {**self.counts, "bytes": self._searcher.bytes, "unpacked": self._searcher.unpacked}
        return {"findings": list(self._findings.values()), "counts": counts, "notes": self.notes}

    def _found(self, place: str, path: str, secret: int, form: str, offset: int) -> None:
        entry = {"place": place, "path": path, "secret": secret, "forms": [form], "offset": offset}
        known = self._findings.setdefault((place, path, secret), entry)
        if form not in known["forms"]:
            known["forms"].append(form)

    def everything(self) -> None:
        mounts = read_mounts()
        self.mounts(mounts)
        self.processes({mount.device for mount in mounts if is_disk(mount)})
        self.engine()
        self.journal()
        self.swap()

    def mounts(self, mounts: list[Mount]) -> None:
        """Search every file system by a bind mount of it alone, in a mount namespace of our own: so files below other
        file systems' mount points are seen too, and nothing is seen twice."""
        _own_namespace()
        view = tempfile.mkdtemp(prefix="selvedge-leaks-", dir="/run")
        try:
            for mount in worth_searching(mounts):
                place = "disk" if is_disk(mount) else "tmpfs"
                self.counts["disks"] += place == "disk"
                if not os.path.isdir(mount.point):
                    self._file(place, mount.point, mount.point)
                    continue
                _mount(mount.point, view, _MS_BIND)
                try:
                    self.tree(place, view, mount.point)
                finally:
                    _unmount(view)
        finally:
            os.rmdir(view)

    def tree(self, place: str, real: str, shown: str) -> None:
        """Search all regular files below ``real``, which findings call ``shown``."""
        pending = [(real, shown.rstrip("/"))]
        while pending:
            folder, name = pending.pop()
            try:
                entries = list(os.scandir(folder))
            except OSError as error:
                self._unread(name, error)
                continue
            for entry in entries:
                path = f"{name}/{entry.name}"
                if path in self._excluded:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, path))
                elif entry.is_file(follow_symlinks=False):
                    self._file(place, path, entry.path)

    def _file(self, place: str, path: str, real: str) -> None:
        try:
            status = os.stat(real)
            if status.st_nlink > 1:
                if (status.st_dev, status.st_ino) in self._linked:
                    return
                self._linked.add((status.st_dev, status.st_ino))
            self._searcher.file(place, path, real)
        except OSError as error:
            self._unread(path, error)
            return
        self.counts["files" if place == "disk" else "tmpfs files"] += 1

    def _unread(self, path: str, error: OSError) -> None:
        # Files come and go on a running host; anything else must not look like "searched, nothing found".
        if not isinstance(error, FileNotFoundError):
            self.notes.append(f"{path} was not searched: {error.strerror}")

    def processes(self, disks: set[str]) -> None:
        """Environments, command lines, and files that are deleted but still open."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/comm") as file:
                    name = f"{pid} ({file.read().strip()})"
                for part in ("environ", "cmdline"):
                    with open(f"/proc/{pid}/{part}", "rb", buffering=0) as content:
                        self._searcher.stream("process", f"{part} of {name}", content)
                self.counts["processes"] += 1
                for number in os.listdir(f"/proc/{pid}/fd"):
                    self._deleted(f"/proc/{pid}/fd/{number}", name, disks)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue

    def _deleted(self, link: str, name: str, disks: set[str]) -> None:
        try:
            status = os.stat(link)
            device = f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"
            if stat.S_ISREG(status.st_mode) and not status.st_nlink and device in disks:
                self._searcher.file("disk", f"{os.readlink(link)} open in {name}", link)
        except OSError:
            return

    def engine(self) -> None:
        """Everything that the engine tells about containers, images and volumes."""
        containers = _lines("docker", "ps", "--all", "--quiet", "--no-trunc")
        images = _lines("docker", "image", "ls", "--all", "--quiet", "--no-trunc")
        volumes = _lines("docker", "volume", "ls", "--quiet")
        self.counts["containers"], self.counts["images"] = len(containers), len(images)
        for item in containers:
            self._command("docker", f"container {item[:12]}", "docker", "inspect", item)
        for item in images:
            self._command("docker", f"image {item[:19]}", "docker", "image", "inspect", item)
            self._command("docker", f"history of image {item[:19]}", "docker", "history", "--no-trunc", item)
        for item in volumes:
            self._command("docker", f"volume {item}", "docker", "volume", "inspect", item)

    def journal(self) -> None:
        """The journal as text: its files are compressed."""
        self.counts["journal bytes"] = self._command(
            "journal", "journalctl", "journalctl", "--all", "--output=export", "--no-pager"
        )

    def _command(self, place: str, path: str, *command: str) -> int:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            count = self._searcher.stream(place, path, process.stdout)  # type: ignore[arg-type]
        if process.returncode:
            self.notes.append(f"'{' '.join(command[:3])}' failed with {process.returncode}")
        return count

    def git(self, repository: str) -> None:
        """All objects of a repository: they are compressed."""
        self._command(
            "git", repository, "git", "-C", repository, "cat-file", "--batch-all-objects", "--batch"
        )

    def output(self, path: str) -> None:
        """What a run printed; it has to be there."""
        self.counts["output bytes"] = self.counts.get("output bytes", 0) + self._searcher.file(
            "output", path, path
        )

    def swap(self) -> None:
        with open("/proc/swaps") as file:
            areas = [line.split()[0] for line in file.read().splitlines()[1:]]
        for area in areas:
            try:
                self._searcher.file("swap", area, area)
            except OSError as error:
                self._unread(area, error)


def read_mounts() -> list[Mount]:
    """The mounts of this machine, in the order in which they were made."""
    mounts = []
    with open("/proc/self/mountinfo") as file:
        for line in file:
            left, right = line.split(" - ", 1)
            _unused, _unused, device, root, point, *_unused = left.split()
            fstype, _unused, options = right.split(maxsplit=2)
            mounts.append(Mount(_unescape(point), device, _unescape(root), fstype, options.strip()))
    return mounts


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def is_disk(mount: Mount) -> bool:
    return mount.fstype not in _VIRTUAL | _MEMORY


def worth_searching(mounts: list[Mount]) -> Iterator[Mount]:
    """Each file system, or part of one that is mounted, once."""
    taken: list[Mount] = []
    for mount in sorted(mounts, key=lambda item: item.root.count("/")):
        if mount.fstype in _VIRTUAL:
            continue
        # A container's root: its layers are folders of a file system that is searched.
        upper = re.search(r"(?:^|,)upperdir=([^,]+)", mount.options)
        if mount.fstype == "overlay" and upper and os.path.isdir(upper.group(1)):
            continue
        inside = mount.root.rstrip("/") + "/"
        if any(
            other.device == mount.device and inside.startswith(other.root.rstrip("/") + "/")
            for other in taken
        ):
            continue
        taken.append(mount)
        yield mount


def _own_namespace() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "a mount namespace cannot be made; is this root?")
    _mount("none", "/", _MS_REC | _MS_PRIVATE)


def _mount(source: str, target: str, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(os.fsencode(source), os.fsencode(target), None, ctypes.c_ulong(flags), None):
        raise OSError(ctypes.get_errno(), f"mounting {source} failed")


def _unmount(target: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.umount(os.fsencode(target)):
        raise OSError(ctypes.get_errno(), f"unmounting {target} failed")


def _lines(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return sorted(set(done.stdout.split()))


def rendered(folder: str, mounts: list[Mount]) -> list[dict[str, Any]]:
    """Files in ``folder`` with owner, mode and the type of the file system that they are on."""
    found = []
    for parent, _unused, names in os.walk(folder):
        inside = [mount for mount in mounts if f"{parent}/".startswith(mount.point.rstrip("/") + "/")]
        fstype = max(inside, key=lambda mount: len(mount.point)).fstype
        for name in names:
            status = os.stat(f"{parent}/{name}")
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            found.append({"path": f"{parent}/{name}", "mode": mode, "uid": status.st_uid, "fstype": fstype})
    return found


def sealed() -> list[dict[str, Any]]:
    """The credentials on disk with owner, mode and the id of the key type that they are sealed with, or ``clear``."""
    found = []
    folders = [folder for folder in (SEALED, CLEAR) if os.path.isdir(folder)]
    for entry in (entry for folder in folders for entry in os.scandir(folder)):
        status = entry.stat()
        with open(entry.path, "rb") as file:
            content = file.read()
        sealed_file = os.path.dirname(entry.path) == SEALED
        kind = base64.b64decode(b"".join(content.split()))[:16].hex() if sealed_file else "clear"
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        found.append({"path": entry.path, "mode": mode, "uid": status.st_uid, "kind": kind})
    return found


def read_files(paths: list[str]) -> dict[str, str]:
    """Base64 of the files that are there."""
    found = {}
    for path in paths:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                found[path] = base64.b64encode(file.read()).decode()
    return found


def main(request: dict[str, Any]) -> None:
    """Do what ``request["do"]`` names and print the result in JSON."""
    if request["do"] == "read":
        result: dict[str, Any] = {"files": read_files(request["paths"])}
    elif request["do"] == "host":
        search = HostSearch(request)
        search.everything()
        result = {
            **search.result(),
            "rendered": rendered(request["secrets_folder"], read_mounts()),
            "sealed": sealed(),
        }
    else:
        search = HostSearch(request)
        for path in request["trees"]:
            search.tree("disk", path, path)
        for path in request["outputs"]:
            search.output(path)
        for path in request["repositories"]:
            search.git(path)
        result = search.result()
    json.dump(result, sys.stdout)
