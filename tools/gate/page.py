"""The gate as one page for people: no script, nothing from elsewhere, light and dark. The form is in page.j2."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .outcome import PENDING, Case, Outcome, Verdict
from .progress import clock

if TYPE_CHECKING:
    from .report import About

_HERE = Path(__file__).resolve().parent
# A verdict is told by a word, a sign and a colour.
SIGNS = {
    Verdict.PASSED: "✓",
    Verdict.FAILED: "✗",
    Verdict.KILLED: "†",
    Verdict.OVERTIME: "◔",
    Verdict.INTERRUPTED: "‖",
    Verdict.NOT_RUN: "–",
}
_SLOWEST = 15
_STEPS_S = (1, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
_MOST_TICKS = 8


@dataclass(frozen=True)
class Row:
    """A job as the page shows it. ``left`` and ``width`` are percent of the whole time."""

    outcome: Outcome
    sign: str
    css: str
    left: float
    width: float
    duration: str
    logs: list[tuple[str, str]]


def render(outcomes: Sequence[Outcome], about: About, folder: Path) -> str:
    """The page's HTML.

    :param folder: where the page will lie; links to logs are relative to it
    """
    loader = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return loader.get_template("page.j2").render(context(outcomes, about, folder))


def context(outcomes: Sequence[Outcome], about: About, folder: Path) -> dict[str, Any]:
    """What the template shows."""
    ended = [outcome for outcome in outcomes if outcome.verdict is not Verdict.NOT_RUN]
    span = max((outcome.at + outcome.seconds for outcome in ended), default=0.0) or 1.0
    rows = [_row(outcome, span, folder) for outcome in outcomes]
    cases = [case for outcome in outcomes for case in outcome.cases]
    state, headline = verdict_of(outcomes)
    return {
        "state": state,
        "headline": headline,
        "begun": about.begun.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "about": about,
        "tiles": tiles(outcomes, cases, span if ended else 0.0),
        "rows": rows,
        "ticks": ticks(span),
        "wrong": [row for row in rows if row.outcome.verdict is not Verdict.PASSED],
        "skipped": [row for row in rows if row.outcome.skipped],
        "slowest": slowest(outcomes),
        "pending": PENDING,
    }


def verdict_of(outcomes: Sequence[Outcome]) -> tuple[str, str]:
    """The colour of the whole page and its headline."""
    off = [outcome for outcome in outcomes if outcome.verdict is not Verdict.PASSED]
    if any(outcome.cause == PENDING for outcome in off):
        return "pending", "The gate has not ended"
    if off:
        return "failed", f"Red: {len(off)} of {len(outcomes)} did not pass"
    return "passed", f"Green: {len(outcomes)} of {len(outcomes)} passed"


def tiles(outcomes: Sequence[Outcome], cases: Sequence[Case], span: float) -> list[tuple[str, str, str]]:
    """Number, caption and colour of what stands on top."""
    count = {
        state: sum(case.state == state for case in cases)
        for state in ("passed", "failed", "error", "skipped")
    }
    wrong = count["failed"] + count["error"]
    passed = sum(outcome.verdict is Verdict.PASSED for outcome in outcomes)
    return [
        (f"{passed}/{len(outcomes)}", "jobs passed", "passed" if passed == len(outcomes) else "failed"),
        (str(count["passed"]), "tests passed", "passed" if count["passed"] else "quiet"),
        (str(wrong), "tests failed", "failed" if wrong else "quiet"),
        (str(count["skipped"]), "tests skipped", "over-time" if count["skipped"] else "quiet"),
        (clock(span), "in all", "quiet"),
    ]


def ticks(span: float) -> list[tuple[float, str]]:
    """Where the time axis has a line, in percent, and what stands there."""
    step = next((step for step in _STEPS_S if span / step <= _MOST_TICKS), math.ceil(span / _MOST_TICKS))
    return [(100 * at / span, clock(at)) for at in range(0, math.floor(span) + 1, step)]


def slowest(outcomes: Sequence[Outcome]) -> list[tuple[str, str, str, float]]:
    """Test, job, duration and share of the longest one in percent, for the tests that took longest."""
    found = [
        (case, outcome.job.name) for outcome in outcomes for case in outcome.cases if case.seconds >= 0.5
    ]
    found.sort(key=lambda item: -item[0].seconds)
    longest = found[0][0].seconds if found else 1.0
    return [
        (case.name, job, f"{case.seconds:.1f} s", 100 * case.seconds / longest)
        for case, job in found[:_SLOWEST]
    ]


def _row(outcome: Outcome, span: float, folder: Path) -> Row:
    logs = [path for path in (outcome.log, *outcome.extra_logs) if path]
    return Row(
        outcome=outcome,
        sign=SIGNS[outcome.verdict],
        css=outcome.verdict.value.replace(" ", "-"),
        left=100 * min(outcome.at / span, 1),
        width=100 * outcome.seconds / span,
        duration=clock(outcome.seconds) if outcome.verdict is not Verdict.NOT_RUN else "",
        logs=[(path.relative_to(folder).as_posix(), _label(outcome, path)) for path in logs],
    )


def _label(outcome: Outcome, path: Path) -> str:
    return path.stem.removeprefix(outcome.job.slug).lstrip(".") or "log"
