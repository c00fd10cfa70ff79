"""Files that readers find whole, or as they were."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_text(path: Path, text: str, mode: int = 0o644) -> None:
    """:func:`write_bytes` of a text, in UTF-8."""
    write_bytes(path, text.encode(), mode)


def write_bytes(path: Path, content: bytes, mode: int) -> None:
    """Write a file by rename. Its folder has to be there, and until it is whole only its owner can read it.

    While it is written its name begins with a dot and ends otherwise, so that no pattern such as ``*.prom`` finds it.
    Two writers of the same file do not meet: the later one wins. Raises OSError, and then leaves nothing behind.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with open(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
