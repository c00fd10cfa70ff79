# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""What a lock says of the run that holds it, and whether that run is known to have ended. For the controller only."""

from __future__ import annotations

import getpass
import hashlib
import os
import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

MACHINE_ID = Path("/etc/machine-id")
UNKNOWN = "unknown"


def controller_id() -> str:
    """This machine since its last boot: process numbers mean something within it only."""
    return f"{socket.gethostname()} {Path('/proc/sys/kernel/random/boot_id').read_text().strip()}"


def installation() -> str:
    """A number that this user on this machine has made up for Selvedge, at first use; empty where none can be kept."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state") / "selvedge"
    try:
        place = folder.expanduser() / "installation"
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            draft = place.with_name(f"{place.name}.{secrets.token_hex(8)}")
            draft.write_text(secrets.token_hex(16))
            try:
                # Of several workers that come here first, one wins, and nobody reads half a number.
                with suppress(FileExistsError):
                    os.link(draft, place)
            finally:
                draft.unlink()
        return place.read_text().strip()
    except (OSError, RuntimeError):  # RuntimeError: this user has no home
        return ""


def machine() -> str:
    """What stays of this machine over a reboot, without its names in clear; empty where nothing is sure to.

    Whoever shares it with a machine that lives would take that one's run for dead, so it takes three things that are
    shared for different reasons: names repeat (``localhost``), machine ids are the same in all machines and containers
    made from one image, and a made-up number is the same where a home lies on a network. A machine without an id of its
    own, as many containers are, is nobody: its runs are never known to be dead after a boot.
    """
    try:
        identity = MACHINE_ID.read_text().strip()
    except OSError:
        return ""
    # systemd writes "uninitialized" into images that are to get their id at their first boot.
    if identity in ("", "uninitialized") or not (made_up := installation()):
        return ""
    return hashlib.sha256("\0".join((identity, socket.gethostname(), made_up)).encode()).hexdigest()[:32]


def numbering() -> str:
    """The PID namespace: containers share a boot, and may share a name, and yet do not see each other's processes."""
    return os.readlink("/proc/self/ns/pid")


def booted() -> float:
    """When this machine was booted, in seconds since the epoch, by its clock as it goes now."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def start_of(process: int | str) -> str:
    """When a process started, in clock ticks since the boot; empty when there is none.

    Source: proc(5), field 22 of ``stat``; the second field may have spaces and brackets.
    """
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def run_name(process: int) -> str:
    """What a run is called in locks and in the environment of its tasks."""
    return f"{socket.gethostname()}-{process}-{start_of(process)}"


def holder_of(process: int, playbook: str) -> dict[str, str]:
    """What the lock's record says of a run.

    :returns: ``run``, ``controller`` (name and boot), ``machine``, ``numbering`` (see there), ``process``, ``started``
        (clock ticks since the boot), ``taken`` (seconds since the epoch), ``user`` and ``playbook``
    """
    return {
        "run": run_name(process),
        "controller": controller_id(),
        "machine": machine(),
        "numbering": numbering(),
        "process": str(process),
        "started": start_of(process),
        "taken": f"{time.time():.3f}",
        "user": getpass.getuser(),
        "playbook": playbook,
    }


def is_dead(other: dict[str, Any]) -> bool:
    """Whether a run is known to have ended; in doubt it lives, and the operator decides.

    :param other: a lock's record; what an older version wrote has no ``machine``, ``numbering`` and ``taken``
    """
    if other.get("controller") == controller_id():
        process, started = str(other.get("process")), other.get("started")
        # A process of another numbering cannot be looked for from here.
        if not process.isdecimal() or started is None or other.get("numbering", numbering()) != numbering():
            return False
        return bool(start_of(process) != started)
    # The boot is another one. If the machine is the same, nothing outlived that, wherever the lock lies.
    if not (here := machine()) or other.get("machine") != here:
        return False
    # The last word against a twin that has all three: this machine cannot have taken a lock before this boot that was
    # taken after it.
    try:
        return float(str(other.get("taken"))) < booted()
    except ValueError:
        return False


def refusal(other: dict[str, Any], path: str) -> str:
    """Who is at work, by the record in the lock at ``path``, and what to do."""
    on, _unused, _unused = str(other.get("controller") or UNKNOWN).partition(" ")
    return (
        f"another run is at work here ({path}): '{other.get('playbook', UNKNOWN)}' by {other.get('user', UNKNOWN)} on "
        f"{on}, process {other.get('process', UNKNOWN)}. Next: wait until it ends. If you know that it is gone, run "
        f"again with -e selvedge_break_lock={other['run']}"
    )
