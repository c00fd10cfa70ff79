"""Make the root file system of the health exporter: Debian 13's Python with TLS, pinned wheels, and our own library.

    rootfs.py OUTPUT_TAR

What makes it, and what stays of Debian, is in ``images/chaincode-python/rootfs.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path

IMAGES = Path(__file__).resolve().parents[1]
ROOT = IMAGES.parent
sys.path.insert(0, str(IMAGES / "chaincode-python"))

from rootfs import RootfsError, build  # noqa: E402 - the other one, which lies before this folder now

APP = "/opt/selvedge"
# What ``exporter/program.py`` imports, and no more: what changes here makes another image.
LIBRARY = (
    "plugins/module_utils/exporter",
    "plugins/module_utils/fabric",
    "plugins/module_utils/secrets/base.py",
    "plugins/module_utils/secrets/registry.py",
    "plugins/module_utils/model/ca_config.py",
    "plugins/module_utils/module.py",
    "plugins/module_utils/packages.py",
)


def library() -> list[tuple[Path, str]]:
    """Each file of ours with its place in the image, where it has the name that it is imported by."""
    files: list[Path] = []
    for path in LIBRARY:
        found = ROOT / path
        files += sorted(found.rglob("*.py")) if found.is_dir() else [found]
    place = f"{APP}/ansible_collections/selvedge/fabric"
    return [(file, f"{place}/{file.relative_to(ROOT).as_posix()}") for file in files]


def main() -> int:
    """Return the process's exit code."""
    (output,) = sys.argv[1:]
    try:
        size = build(Path(output), IMAGES / "health-exporter" / "app", library(), app=APP, tls=True)
    except RootfsError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{output}: {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
