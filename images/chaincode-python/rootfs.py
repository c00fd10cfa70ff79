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
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import debian  # noqa: E402
from debian import LIB, Item, RootfsError  # noqa: E402

PYTHON = "3.13"
PACKAGES = ("python3.13-minimal", "libpython3.13-stdlib", "libstdc++6", "libgcc-s1", "netbase")
APP = "/opt/chaincode"
WHEELS = f"/usr/local/lib/python{PYTHON}/dist-packages"

_STDLIB = rf"usr/lib/python{PYTHON}"

# What the extensions _ssl and _hashlib need.
TLS_PACKAGES = ("libssl3t64", "libzstd1")

# The packages that leave files in the image; the others are only there because apt wants them.
_RECORDED = (
    rf"(lib)?python{re.escape(PYTHON)}-(minimal|stdlib)|libc6|libstdc\+\+6|libgcc-s1|gcc-\d+-base"
    r"|libexpat1|libffi8|zlib1g|netbase|libssl3t64|libzstd1"
)

# What stays of Debian. A list of what may stay: new files of a later package should not come in unseen.
KEEP = debian.pattern(
    rf"usr/bin/python{PYTHON}",
    rf"{_STDLIB}/.+",
    *debian.LOADER,
    rf"{LIB}/lib(c|m|dl|rt|util|pthread|resolv)\.so\.\d+",
    rf"{LIB}/lib(z|expat|ffi|gcc_s|stdc\+\+)\.so\.[\d.]+",
    rf"{LIB}/lib(ssl|crypto|zstd)\.so\.[\d.]+",
    r"etc/(protocols|services)",
    *debian.recorded(_RECORDED),
)

# What goes although a rule above would keep it: tools, tests, and extensions whose libraries are not here.
# Each of them is optional: asyncio does without _ssl, hashlib without _hashlib, shutil without _bz2.
DROP = debian.pattern(
    r".*/__pycache__/.*",
    rf"{_STDLIB}/(test|idlelib|tkinter|turtledemo|pydoc_data|ensurepip|venv|lib2to3|curses|sqlite3|dbm)/.*",
    rf"{_STDLIB}/(config-[^/]+|_pyrepl)/.*",
    rf"{_STDLIB}/(turtle|pydoc|antigravity|this|_sysconfigdata__.*)\.py",
    rf"{_STDLIB}/lib-dynload/(_test|_xx|xx|_ctypes_test|_codecs_|_curses|_dbm|_gdbm|_sqlite3|_tkinter).*",
    rf"{_STDLIB}/lib-dynload/(_bz2|_lzma|_uuid|readline|_crypt|nis)\..*",
)

# Stays with TLS only.
TLS_FILES = debian.pattern(
    rf"{_STDLIB}/lib-dynload/(_ssl|_hashlib)\..*", rf"{LIB}/lib(ssl|crypto|zstd)\.so\.[\d.]+"
)

# What goes of the wheels: their tests, and sources for compilers.
DROP_WHEELS = re.compile(
    r".*/(__pycache__|tests?|benchmarks)/.*|bin/.*|.*\.(pyi|pyx|pxd|pxi|c|h|pyc)|multidict/_testcapi\..*"
    r"|.*\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json)"
)

# What goes of the chaincode's directory.
DROP_APP = re.compile(r"(.*/)?__pycache__/.*|.*\.pyc|requirements\..*|.*\.md|\..*|tests?/.*")


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
            *debian.common(debian.users("chaincode", APP), {"/usr/bin/python3": f"python{PYTHON}"}),
        ]
        if not any(item.path == f"/usr/bin/python{PYTHON}" for item in items):
            raise RootfsError("mmdebstrap left no interpreter behind")
        debian.write(output, items)
    return output.stat().st_size


def _debian(archive: Path, mirror: str | None, tls: bool) -> Iterator[Item]:
    """Python, and with TLS what its extensions for it need."""
    wanted = (*PACKAGES, *TLS_PACKAGES) if tls else PACKAGES
    for item in debian.packages(archive, wanted, KEEP, DROP, mirror):
        if tls or not TLS_FILES.fullmatch(item.path.removeprefix("/")):
            yield item


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
    debian.run([*command, "--requirement", str(requirements)])
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
