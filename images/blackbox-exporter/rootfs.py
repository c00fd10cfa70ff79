"""Make the root file system of the blackbox exporter's image: Debian 13's program and its C library.

rootfs.py OUTPUT_TAR
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import debian  # noqa: E402

PACKAGE = "prometheus-blackbox-exporter"
PROGRAM = f"usr/bin/{PACKAGE}"
KEEP = debian.pattern(
    PROGRAM, *debian.LOADER, rf"{debian.LIB}/lib(c|resolv)\.so\.\d+", *debian.recorded(f"{PACKAGE}|libc6")
)


def build(output: Path, version: str) -> None:
    """Write the tar. Raises RootfsError, also where Debian has another release than the recipe says."""
    with tempfile.TemporaryDirectory(prefix="rootfs-") as scratch:
        items = list(debian.packages(Path(scratch) / "debian.tar", [PACKAGE], KEEP))
    status = {item.path: item.data or b"" for item in items}.get(f"/var/lib/dpkg/status.d/{PACKAGE}", b"")
    found = re.search(r"^Version: ([\d.]+)", status.decode(), re.MULTILINE)
    if not found or found[1] != version:
        has = found[1] if found else "none"
        raise debian.RootfsError(f"the recipe says {PACKAGE} {version}, Debian has {has}: change image.yml")
    debian.write(output, [*items, *debian.common(debian.users("blackbox", "/"))])


def main() -> int:
    """Return the process's exit code."""
    recipe = yaml.safe_load((Path(__file__).parent / "image.yml").read_text())
    try:
        build(Path(sys.argv[1]), recipe["version"])
    except debian.RootfsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
