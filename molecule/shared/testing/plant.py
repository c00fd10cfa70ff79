"""Plants leaks on a host, for the leak check to find, and removes them. Runs there; standard library only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any


def main(request: dict[str, Any]) -> None:
    """``files`` (path to text) and ``environment`` of a process; or ``remove`` with what an earlier call printed."""
    if "remove" in request:
        for path in request["remove"]["files"]:
            # The text must not stay behind in free blocks of a disk that somebody searches whole.
            size = os.path.getsize(path)
            with open(path, "r+b") as file:
                file.write(bytes(size))
                file.flush()
                os.fsync(file.fileno())
            os.unlink(path)
        os.kill(request["remove"]["pid"], signal.SIGKILL)
        json.dump({}, sys.stdout)
        return
    for path, text in request["files"].items():
        with open(path, "x") as file:
            os.chmod(path, 0o600)
            file.write(text)
    # A session of its own, and no pipe of ours: it outlives the connection.
    process = subprocess.Popen(
        ["/usr/bin/sleep", "3600"],
        env={**os.environ, **request["environment"]},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    json.dump({"files": list(request["files"]), "pid": process.pid}, sys.stdout)
