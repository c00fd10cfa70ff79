"""Runs one command with a bound of time, and ends all of it when time is up or the gate is interrupted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

MARK = "SELVEDGE_GATE_JOB"
GRACE_S = 20.0
_LOOK_S = 0.1
# What `make gate` was called with is not for the `make` that a job calls.
_OURS = (
    "MAKEFLAGS",
    "MFLAGS",
    "MAKELEVEL",
    "MAKEOVERRIDES",
    "GNUMAKEFLAGS",
    "JOBS",
    "SCENARIOS",
    "CHANGED",
    MARK,
)


class Interrupt:
    """Ctrl-C, a closed terminal or a polite kill, remembered until somebody looks."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.count = 0

    @property
    def asked(self) -> bool:
        return self.count > 0

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1

    @contextlib.contextmanager
    def watched(self) -> Iterator[Interrupt]:
        """Take the signals for as long as the block lasts."""
        before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, and ``time`` or ``interrupt`` when the gate ended it."""

    code: int
    by: str
    seconds: float


def environment(**more: str) -> dict[str, str]:
    """What a job's processes get: no colours, nothing of the `make` that called the gate."""
    kept = {name: value for name, value in os.environ.items() if name not in _OURS}
    return {**kept, "NO_COLOR": "1", "PY_COLORS": "0", "ANSIBLE_FORCE_COLOR": "0", **more}


def run(
    command: Sequence[str],
    root: Path,
    log: Path,
    bound_s: float,
    interrupt: Interrupt,
    env: dict[str, str],
    tick: Callable[[float], None] = lambda elapsed: None,
    grace_s: float = GRACE_S,
) -> Ended:
    """Run ``command`` in ``root``, its whole output to ``log``; call ``tick`` with the seconds so far.

    The log is a file and no pipe: what outlives the command (a kept SSH connection) must not hold up the gate.
    """
    mark = f"{MARK}={uuid.uuid4().hex}"
    marked = {**env, MARK: mark.partition("=")[2]}
    begun = time.monotonic()
    seen = interrupt.count
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=root,
                env=marked,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            output.write(f"{command[0]} cannot be started: {error.strerror}\n".encode())
            return Ended(127, "", time.monotonic() - begun)
    by = ""
    while process.poll() is None:
        elapsed = time.monotonic() - begun
        by = "interrupt" if interrupt.count > seen else "time" if elapsed > bound_s else ""
        if by:
            end_all(process, mark, grace_s)
            break
        tick(elapsed)
        time.sleep(_LOOK_S)
    return Ended(process.wait(), by, time.monotonic() - begun)


def end_all(process: subprocess.Popen[bytes], mark: str, grace_s: float) -> None:
    """End a command and everything that it started, also what left its session or lost its parent."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        told: set[int] = set()
        until = time.monotonic() + grace_s
        while (left := set(marked_processes(mark))) and time.monotonic() < until:
            # A polite word once; the other one to whatever was started meanwhile, too.
            for pid in left - told:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
            told |= left
            process.poll()
            time.sleep(_LOOK_S)


def marked_processes(mark: str) -> list[int]:
    """Processes whose environment has the mark. One that has ended and waits for its parent has none."""
    wanted = mark.encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
    return found
