"""Make the root file system of a Python chaincode image: Debian 13's Python, pinned wheels, the chaincode.

    rootfs.py OUTPUT_TAR CHAINCODE_DIR [--add FILE:/PATH ...] [--mirror URL]

What is left of Debian is an interpreter with its standard library and the shared objects it needs: no shell,
no package manager, no TLS library (gRPC brings its own) unless it is asked for. Equal inputs and an equal mirror
give equal bytes; name a mirror at snapshot.debian.org to get the same packages next year.
``/var/lib/dpkg/status.d`` says what is inside, where vulnerability scanners look for it.

Needs mmdebstrap; and root, or the package ``uidmap`` and a range in ``/etc/subuid`` (mmdebstrap's "unshare").
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SUITE = "trixie"
PYTHON = "3.13"
PACKAGES = ("python3.13-minimal", "libpython3.13-stdlib", "libstdc++6", "libgcc-s1", "netbase")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# The same time as in all other images (plugins/module_utils/images/oci.py).
EPOCH = 1750000000

UID = 10001
APP = "/opt/chaincode"
WHEELS = f"/usr/local/lib/python{PYTHON}/dist-packages"

_STDLIB = rf"usr/lib/python{PYTHON}"
_LIB = r"usr/lib/[a-z0-9_]+-linux-gnu"

# What the extensions _ssl and _hashlib need.
TLS_PACKAGES = ("libssl3t64", "libzstd1")

# The packages that leave files in the image; the others are only there because apt wants them.
_RECORDED = (
    rf"(lib)?python{re.escape(PYTHON)}-(minimal|stdlib)|libc6|libstdc\+\+6|libgcc-s1|gcc-\d+-base"
    r"|libexpat1|libffi8|zlib1g|netbase|libssl3t64|libzstd1"
)

# What stays of Debian. A list of what may stay: new files of a later package should not come in unseen.
KEEP = re.compile(
    "|".join(
        (
            rf"usr/bin/python{PYTHON}",
            rf"{_STDLIB}/.+",
            r"usr/lib64/ld-linux-.+",
            rf"{_LIB}/ld-linux-[^/]+",
            rf"{_LIB}/lib(c|m|dl|rt|util|pthread|resolv)\.so\.\d+",
            rf"{_LIB}/lib(z|expat|ffi|gcc_s|stdc\+\+)\.so\.[\d.]+",
            rf"{_LIB}/lib(ssl|crypto|zstd)\.so\.[\d.]+",
            r"etc/(protocols|services)",
            rf"var/lib/dpkg/status\.d/({_RECORDED})",
            rf"usr/share/doc/({_RECORDED})/copyright",
        )
    )
)

# What goes although a rule above would keep it: tools, tests, and extensions whose libraries are not here.
# Each of them is optional: asyncio does without _ssl, hashlib without _hashlib, shutil without _bz2.
DROP = re.compile(
    "|".join(
        (
            r".*/__pycache__/.*",
            rf"{_STDLIB}/(test|idlelib|tkinter|turtledemo|pydoc_data|ensurepip|venv|lib2to3|curses|sqlite3|dbm)/.*",
            rf"{_STDLIB}/(config-[^/]+|_pyrepl)/.*",
            rf"{_STDLIB}/(turtle|pydoc|antigravity|this|_sysconfigdata__.*)\.py",
            rf"{_STDLIB}/lib-dynload/(_test|_xx|xx|_ctypes_test|_codecs_|_curses|_dbm|_gdbm|_sqlite3|_tkinter).*",
            rf"{_STDLIB}/lib-dynload/(_bz2|_lzma|_uuid|readline|_crypt|nis)\..*",
        )
    )
)

# Stays with TLS only.
TLS_FILES = re.compile(rf"{_STDLIB}/lib-dynload/(_ssl|_hashlib)\..*|{_LIB}/lib(ssl|crypto|zstd)\.so\.[\d.]+")

# What goes of the wheels: their tests, and sources for compilers.
DROP_WHEELS = re.compile(
    r".*/(__pycache__|tests?|benchmarks)/.*|bin/.*|.*\.(pyi|pyx|pxd|pxi|c|h|pyc)|multidict/_testcapi\..*"
    r"|.*\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json)"
)

# What goes of the chaincode's directory.
DROP_APP = re.compile(r"(.*/)?__pycache__/.*|.*\.pyc|requirements\..*|.*\.md|\..*|tests?/.*")

ETC = {
    "/etc/passwd": f"root:x:0:0:root:/:/nonexistent\nchaincode:x:{UID}:{UID}:chaincode:{APP}:/nonexistent\n",
    "/etc/group": f"root:x:0:\nchaincode:x:{UID}:\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\n'
    'VERSION_ID="13"\nVERSION_CODENAME=trixie\nID=debian\nHOME_URL="https://www.debian.org/"\n',
}
LINKS = {
    "/bin": "usr/bin",
    "/lib": "usr/lib",
    "/lib64": "usr/lib64",
    "/usr/bin/python3": f"python{PYTHON}",
}
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


def build(
    output: Path,
    chaincode: Path,
    add: Sequence[tuple[Path, str]] = (),
    mirror: str | None = None,
    app: str = APP,
    tls: bool = False,
) -> int:
    """Write the tar and return its size in bytes.

    :param chaincode: directory with ``__main__.py`` and a ``requirements.txt`` that pins by hash
    :param add: files to put at absolute paths, executable where they are executable
    :param mirror: Debian mirror instead of mmdebstrap's default, which has the security updates
    :param app: where the directory comes to lie
    :param tls: with Debian's OpenSSL, for programs that use the module ``ssl``
    :raises RootfsError: when a tool fails or the chaincode is incomplete
    """
    for name in ("__main__.py", "requirements.txt"):
        if not (chaincode / name).is_file():
            raise RootfsError(f"{chaincode} has no {name}")
    with tempfile.TemporaryDirectory(prefix="rootfs-") as scratch:
        items = [
            *_debian(Path(scratch) / "debian.tar", mirror, tls),
            *_wheels(Path(scratch) / "wheels", chaincode / "requirements.txt"),
            *_tree(chaincode, app, DROP_APP),
            *(_file(source, target) for source, target in add),
            *(Item(path, 0o644, data=text.encode()) for path, text in ETC.items()),
            *(Item(path, 0o777, link=target) for path, target in LINKS.items()),
            *(Item(path, mode) for path, mode in MOUNT_POINTS.items()),
        ]
        _write(output, items)
    return output.stat().st_size


def _debian(archive: Path, mirror: str | None, tls: bool) -> Iterator[Item]:
    """Let mmdebstrap unpack the packages, run none of their scripts, and take what KEEP names."""
    mode = "root" if os.geteuid() == 0 else "unshare"
    command = ["mmdebstrap", "--quiet", f"--mode={mode}", "--variant=extract", f"--keyring={KEYRING}"]
    packages = (*PACKAGES, *TLS_PACKAGES) if tls else PACKAGES
    command += [f"--include={','.join(packages)}", f"--extract-hook={_RECORD_PACKAGES}", SUITE, str(archive)]
    _run([*command, mirror] if mirror else command)
    seen = set()
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            seen.add(name)
            if not KEEP.fullmatch(name) or DROP.fullmatch(name):
                continue
            if not tls and TLS_FILES.fullmatch(name):
                continue
            if member.issym():
                yield Item(f"/{name}", 0o777, link=member.linkname)
            elif member.isfile():
                content = tar.extractfile(member)
                assert content is not None  # noqa: S101 (isfile() says so)
                yield Item(f"/{name}", member.mode & 0o755, data=content.read())
    if f"usr/bin/python{PYTHON}" not in seen or not any("dpkg/status.d/" in name for name in seen):
        raise RootfsError("mmdebstrap left no interpreter or no package list behind")


def _wheels(target: Path, requirements: Path) -> Iterator[Item]:
    """Install the pinned wheels for Debian's interpreter, whichever Python runs this."""
    machine = platform.machine()
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += [
        "--target",
        str(target),
        "--require-hashes",
        "--no-deps",
        "--no-compile",
        "--only-binary=:all:",
    ]
    command += ["--implementation=cp", f"--python-version={PYTHON}"]
    # Debian 13 has glibc 2.41; wheels name the oldest they work with.
    for tag in (f"manylinux_2_28_{machine}", f"manylinux_2_17_{machine}", f"manylinux2014_{machine}"):
        command += ["--platform", tag]
    _run([*command, "--requirement", str(requirements)])
    yield from _tree(target, WHEELS, DROP_WHEELS)


def _tree(source: Path, target: str, drop: re.Pattern[str]) -> Iterator[Item]:
    for path in source.rglob("*"):
        name = path.relative_to(source).as_posix()
        if path.is_file() and not drop.fullmatch(name):
            yield _file(path, f"{target}/{name}")


def _file(source: Path, target: str) -> Item:
    # Modes come from a checkout or pip and depend on the umask; only "may be run" is meant.
    mode = 0o755 if os.access(source, os.X_OK) else 0o644
    return Item(target, mode, data=source.read_bytes())


def _write(output: Path, items: Sequence[Item]) -> None:
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


def _run(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        raise RootfsError(f"{command[0]} is not installed")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        raise RootfsError(f"{command[0]} failed with {done.returncode}:\n{done.stdout[-4000:]}")


def _addition(text: str) -> tuple[Path, str]:
    source, separator, target = text.partition(":")
    if not separator or not target.startswith("/") or not Path(source).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not FILE:/PATH with an existing file")
    return Path(source), target


def main() -> int:
    """Return the process's exit code."""
    parser = argparse.ArgumentParser(description="Make the root file system of a Python chaincode image.")
    parser.add_argument("output", type=Path, metavar="OUTPUT_TAR")
    parser.add_argument("chaincode", type=Path, metavar="CHAINCODE_DIR")
    parser.add_argument("--add", type=_addition, action="append", default=[], metavar="FILE:/PATH")
    parser.add_argument("--mirror", help="Debian mirror, such as one at snapshot.debian.org")
    arguments = parser.parse_args()
    try:
        size = build(arguments.output, arguments.chaincode, arguments.add, arguments.mirror)
    except RootfsError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{arguments.output}: {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
