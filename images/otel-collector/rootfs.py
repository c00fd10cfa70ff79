"""Make the root file system of the collector's image: Debian 13's journalctl, and the libraries that it needs.

The collector reads a host's journal by this program; the format of journals has no other reader that keeps up with it.

rootfs.py OUTPUT_TAR
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import debian  # noqa: E402

PROGRAM = "usr/bin/journalctl"
# The last three of them are loaded when a journal is compressed with them.
_LIBRARIES = "c|m|acl|audit|blkid|cap|cap-ng|crypt|crypto|mount|pam|pcre2-8|seccomp|selinux|z|lz4|lzma|zstd"
_RECORDED = (
    "systemd|libsystemd-shared|libc6|libacl1|libaudit1|libblkid1|libcap2|libcap-ng0|libcrypt1|libssl3t64|libmount1|"
    "libpam0g|libpcre2-8-0|libseccomp2|libselinux1|liblz4-1|liblzma5|libzstd1|zlib1g"
)
KEEP = debian.pattern(
    PROGRAM,
    *debian.LOADER,
    rf"{debian.LIB}/lib({_LIBRARIES})\.so\.[\d.]+",
    rf"{debian.LIB}/systemd/libsystemd-shared-\d+\.so",
    *debian.recorded(_RECORDED),
)


def main() -> int:
    """Return the process's exit code."""
    try:
        with tempfile.TemporaryDirectory(prefix="rootfs-") as scratch:
            items = list(debian.packages(Path(scratch) / "debian.tar", ["systemd"], KEEP))
        if not any(item.path == f"/{PROGRAM}" for item in items):
            raise debian.RootfsError("mmdebstrap left no journalctl behind")
        debian.write(Path(sys.argv[1]), [*items, *debian.common(debian.users("collector", "/"))])
    except debian.RootfsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
