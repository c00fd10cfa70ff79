"""What images of Debian packages have in common: what is taken of a package, and a tar that depends on nothing else.

A recipe's ``rootfs.py`` says which packages it wants and which of their files may stay. Equal inputs and an equal
mirror give equal bytes. ``/var/lib/dpkg/status.d`` says what is inside, where vulnerability scanners look for it.

Needs mmdebstrap; and root, or the package ``uidmap`` and a range in ``/etc/subuid`` (mmdebstrap's "unshare").
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SUITE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# The same time as in all other images (plugins/module_utils/images/oci.py).
EPOCH = 1750000000
UID = 10001
# Where Debian has its shared objects, as a pattern.
LIB = r"usr/lib/[a-z0-9_]+-linux-gnu"
# The loader, of which every dynamic program needs one.
LOADER = (r"usr/lib64/ld-linux-.+", rf"{LIB}/ld-linux-[^/]+")

OS_RELEASE = (
    'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\n'
    'VERSION_ID="13"\nVERSION_CODENAME=trixie\nID=debian\nHOME_URL="https://www.debian.org/"\n'
)
NSSWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"
LINKS = {"/bin": "usr/bin", "/lib": "usr/lib", "/lib64": "usr/lib64"}
MOUNT_POINTS = {"/dev": 0o755, "/proc": 0o755, "/sys": 0o755, "/run/secrets": 0o755, "/tmp": 0o1777}  # noqa: S108

# Run by mmdebstrap while the downloaded packages are still there.
_RECORD_PACKAGES = (
    'mkdir -p "$1/var/lib/dpkg/status.d" && for deb in "$1"/var/cache/apt/archives/*.deb; do'
    ' dpkg-deb --field "$deb" > "$1/var/lib/dpkg/status.d/$(dpkg-deb --field "$deb" Package)" || exit 1; done'
)


class RootfsError(Exception):
    """The root file system could not be made."""


@dataclass(frozen=True)
class Item:
    """A path of the image: a file's content, a link's target, or (neither) a directory."""

    path: str
    mode: int
    data: bytes | None = None
    link: str | None = None


def pattern(*parts: str) -> re.Pattern[str]:
    """One expression for any of ``parts``."""
    return re.compile("|".join(parts))


def recorded(packages: str) -> tuple[str, str]:
    """What says of packages (a pattern of their names) that they are in the image, and under which licence."""
    return rf"var/lib/dpkg/status\.d/({packages})", rf"usr/share/doc/({packages})/copyright"


def users(name: str, home: str) -> dict[str, str]:
    """``/etc/passwd`` and ``/etc/group`` of an image whose processes are ``name``."""
    return {
        "/etc/passwd": f"root:x:0:0:root:/:/nonexistent\n{name}:x:{UID}:{UID}:{name}:{home}:/nonexistent\n",
        "/etc/group": f"root:x:0:\n{name}:x:{UID}:\n",
    }


def packages(
    archive: Path,
    wanted: Sequence[str],
    keep: re.Pattern[str],
    drop: re.Pattern[str] | None = None,
    mirror: str | None = None,
) -> Iterator[Item]:
    """Let mmdebstrap unpack packages, run none of their scripts, and take what ``keep`` names and ``drop`` does not.

    :param archive: where its tar may lie meanwhile
    :param mirror: Debian mirror instead of mmdebstrap's default, which has the security updates
    :raises RootfsError: when it leaves no list of packages behind
    """
    mode = "root" if os.geteuid() == 0 else "unshare"
    command = ["mmdebstrap", "--quiet", f"--mode={mode}", "--variant=extract", f"--keyring={KEYRING}"]
    command += [f"--include={','.join(wanted)}", f"--extract-hook={_RECORD_PACKAGES}", SUITE, str(archive)]
    run([*command, mirror] if mirror else command)
    listed = False
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            listed = listed or "dpkg/status.d/" in name
            if not keep.fullmatch(name) or (drop and drop.fullmatch(name)):
                continue
            if member.issym():
                yield Item(f"/{name}", 0o777, link=member.linkname)
            elif member.isfile():
                content = tar.extractfile(member)
                assert content is not None  # noqa: S101 (isfile() says so)
                yield Item(f"/{name}", member.mode & 0o755, data=content.read())
    if not listed:
        raise RootfsError("mmdebstrap left no package list behind")


def common(etc: dict[str, str], links: dict[str, str] | None = None) -> Iterator[Item]:
    """What every image of this kind has: settings, the links of a merged /usr, mount points."""
    texts = {"/etc/nsswitch.conf": NSSWITCH, "/etc/os-release": OS_RELEASE, **etc}
    yield from (Item(path, 0o644, data=text.encode()) for path, text in texts.items())
    yield from (Item(path, 0o777, link=target) for path, target in {**LINKS, **(links or {})}.items())
    yield from (Item(path, mode) for path, mode in MOUNT_POINTS.items())


def write(output: Path, items: Sequence[Item]) -> None:
    """Write a tar that depends on nothing but the items: sorted, one owner, one time."""
    by_path = {item.path: item for item in items}
    if len(by_path) != len(items):
        raise RootfsError("a path comes twice")
    for path in list(by_path):
        for parent in Path(path).parents:
            by_path.setdefault(str(parent), Item(str(parent), 0o755))
    del by_path["/"]
    with tarfile.open(output, "w", format=tarfile.GNU_FORMAT) as tar:
        for path, item in sorted(by_path.items()):
            info = tarfile.TarInfo(path.removeprefix("/"))
            info.mode, info.mtime = item.mode, EPOCH
            if item.link is not None:
                info.type, info.linkname = tarfile.SYMTYPE, item.link
            elif item.data is not None:
                info.size = len(item.data)
            else:
                info.type = tarfile.DIRTYPE
            tar.addfile(info, io.BytesIO(item.data or b""))


def run(command: list[str]) -> None:
    """Run a tool. Raises RootfsError with the end of what it said."""
    if shutil.which(command[0]) is None:
        raise RootfsError(f"{command[0]} is not installed")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        raise RootfsError(f"{command[0]} failed with {done.returncode}:\n{done.stdout[-4000:]}")
