"""What the gate says while it runs: a line when a job begins and ends, and a sign of life in between."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TextIO

from .jobs import Job
from .outcome import Outcome, Verdict, tail_of

# Seconds between signs of life: on a terminal the line is renewed, elsewhere each is a line of its own.
_TERMINAL_S, _ELSEWHERE_S = 1.0, 60.0
_SHOWN_LINES = 40


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


class Progress:
    """Prints to one stream."""

    def __init__(self, total: int, stream: TextIO = sys.stdout) -> None:
        self._total, self._stream = total, stream
        self._terminal = stream.isatty()
        self._begun, self._last, self._number = time.monotonic(), 0.0, 0

    def say(self, text: str = "") -> None:
        """One line, as it is."""
        self._stream.write(("\r\x1b[K" if self._terminal else "") + text + "\n")
        self._stream.flush()

    def begin(self, job: Job, log: str) -> None:
        """A job begins; its whole output goes to ``log``."""
        self._number += 1
        self._last = 0.0
        self.say(f"{self._stamp()}  [{self._number}/{self._total}] {job.name:<22} {log}")

    def tick(self, job: Job, log: Path, elapsed: float) -> None:
        """A job still runs; now and then show the last line of its log."""
        if elapsed - self._last < (_TERMINAL_S if self._terminal else _ELSEWHERE_S):
            return
        self._last = elapsed
        said = [line.strip() for line in tail_of(log, 5).splitlines() if line.strip(" *-")]
        line = f"{self._stamp()}        {job.name:<22} {clock(elapsed):>7}  {said[-1] if said else ''}"[:110]
        if self._terminal:
            self._stream.write(f"\r\x1b[K{line}")
            self._stream.flush()
        else:
            self.say(line)

    def end(self, outcome: Outcome, log: str) -> None:
        """A job has ended; of one that did not pass show the end of its log."""
        what = ", ".join(filter(None, [outcome.cause, outcome.counts]))
        if outcome.verdict is Verdict.NOT_RUN:
            self._number += 1
        self.say(
            f"{self._stamp()}        {outcome.job.name:<22} {clock(outcome.seconds):>7}  "
            f"{outcome.verdict.value.upper() if what and outcome.cause else outcome.verdict.value}"
            + (f": {what}" if what else "")
        )
        if outcome.tail and outcome.verdict is not Verdict.PASSED:
            self.say(f"--- the end of {log}")
            self.say("\n".join(outcome.tail.splitlines()[-_SHOWN_LINES:]))
            self.say("---")

    def _stamp(self) -> str:
        return f"{clock(time.monotonic() - self._begun):>8}"
