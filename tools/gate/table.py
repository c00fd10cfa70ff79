"""The gate's last words: a table of verdicts, what was skipped, and one line that says it all."""

from __future__ import annotations

from collections.abc import Sequence

from .outcome import Outcome, Verdict
from .progress import clock


def render(outcomes: Sequence[Outcome], seconds: float, report: str) -> str:
    """The table as text."""
    lines = [f"{'scenario or job':<24}{'verdict':<14}{'duration':>9}  tests"]
    for outcome in outcomes:
        told = outcome.counts or outcome.cause
        lines.append(
            f"{outcome.job.name:<24}{outcome.verdict.value:<14}{clock(outcome.seconds):>9}  {told}".rstrip()
        )
        lines += [f"{'':<26}failed: {case.name}" for case in outcome.failures[:20]]
        lines += [
            f"{'':<26}skipped: {case.name}" + (f" ({case.message})" if case.message else "")
            for case in outcome.skipped
        ]
    lines += ["", summary(outcomes, seconds), f"report: {report}/index.html, junit.xml, logs/"]
    return "\n".join(lines)


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    """One line: ``gate green: 9 of 9 passed in 1:02:03``, or red with what did not pass."""
    off = [outcome for outcome in outcomes if outcome.verdict is not Verdict.PASSED]
    passed = f"{len(outcomes) - len(off)} of {len(outcomes)} passed in {clock(seconds)}"
    if not off:
        return f"gate green: {passed}"
    said = ", ".join(f"{outcome.job.name} {outcome.verdict.value}" for outcome in off)
    return f"gate RED: {passed}; {said}"


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 when everything passed, 130 after an interrupt, else 1."""
    verdicts = {outcome.verdict for outcome in outcomes}
    if Verdict.INTERRUPTED in verdicts:
        return 130
    return 0 if verdicts <= {Verdict.PASSED} else 1
