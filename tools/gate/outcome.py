"""What became of a job: its verdict, why, its tests, and the end of its log."""

from __future__ import annotations

import re
import signal
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from .jobs import Job

TAIL_LINES, TAIL_WIDTH = 60, 400
# The cause of what the gate has not come to yet.
PENDING = "has not ended"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Verdict(Enum):
    """How a job ended. Only ``PASSED`` leaves the gate green."""

    PASSED = "passed"
    FAILED = "failed"
    KILLED = "killed"
    OVERTIME = "over time"
    INTERRUPTED = "interrupted"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Case:
    """One test. ``state`` is ``passed``, ``failed``, ``error`` or ``skipped``; ``message`` says why."""

    classname: str
    name: str
    seconds: float
    state: str
    message: str = ""
    details: str = ""


@dataclass(frozen=True)
class Outcome:
    """A job that was run, or was not.

    :param at: seconds from the gate's start to the job's
    :param cause: why the verdict is what it is; empty when it passed
    :param cases: the tests of its JUnit file
    """

    job: Job
    verdict: Verdict
    seconds: float = 0.0
    at: float = 0.0
    cause: str = ""
    because: str = ""
    log: Path | None = None
    extra_logs: tuple[Path, ...] = ()
    cases: list[Case] = field(default_factory=list)
    tail: str = ""

    @property
    def failures(self) -> list[Case]:
        return [case for case in self.cases if case.state in ("failed", "error")]

    @property
    def skipped(self) -> list[Case]:
        return [case for case in self.cases if case.state == "skipped"]

    @property
    def counts(self) -> str:
        """Its tests in words: ``40 passed, 2 skipped``."""
        return in_words(case.state for case in self.cases)


def in_words(states: Iterable[str]) -> str:
    """How many of each state, the good ones first."""
    found = Counter(states)
    order = ("passed", "failed", "error", "skipped")
    return ", ".join(f"{found[state]} {state}" for state in order if found[state])


def read_cases(file: Path) -> list[Case]:
    """The tests of a JUnit file as pytest writes it; none when it is missing or was not written to its end."""
    try:
        tree = ET.parse(file)  # noqa: S314 - pytest wrote it
    except (OSError, ET.ParseError):
        return []
    return [_case(element) for element in tree.iter("testcase")]


def _case(element: ET.Element) -> Case:
    state, message, details = "passed", "", ""
    for child in element:
        found = {"failure": "failed", "error": "error", "skipped": "skipped"}.get(child.tag)
        if found:
            state, message, details = found, child.get("message", ""), child.text or ""
            if found != "skipped":
                break
    seconds = float(element.get("time") or 0)
    return Case(element.get("classname", ""), element.get("name", ""), seconds, state, message, details)


def judge(job: Job, code: int, ended_by: str, cases: list[Case]) -> tuple[Verdict, str]:
    """The verdict on a job and its cause.

    :param code: exit code, negative for a signal, as subprocess gives it
    :param ended_by: why the gate ended it: ``""``, ``time`` or ``interrupt``
    """
    failed = [case for case in cases if case.state in ("failed", "error")]
    if ended_by == "interrupt":
        return Verdict.INTERRUPTED, "the gate was interrupted"
    if ended_by == "time":
        return Verdict.OVERTIME, f"was ended after its bound of {job.minutes:g} minutes"
    if code < 0:
        return Verdict.KILLED, f"was killed by {_signal_name(-code)}"
    if failed:
        return Verdict.FAILED, f"{len(failed)} of {len(cases)} tests failed"
    if code:
        return Verdict.FAILED, f"exit code {code}"
    if job.tests and not cases:
        return Verdict.FAILED, "ended well, but reported no test"
    return Verdict.PASSED, ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def tail_of(log: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, without colours, long ones cut."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - lines * TAIL_WIDTH * 4))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    clean = _ESCAPES.sub("", text).replace("\r", "\n")
    return "\n".join(line[:TAIL_WIDTH] for line in clean.splitlines()[-lines:])
