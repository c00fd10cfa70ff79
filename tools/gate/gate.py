"""Runs the chosen jobs one after the other and keeps the report up to date, so that even a killed gate leaves one."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from .jobs import SCENARIOS, Job, Table
from .outcome import PENDING, Outcome, Verdict, judge, read_cases, tail_of
from .pick import Choice
from .progress import Progress
from .report import Report
from .run import GRACE_S, Interrupt, environment, run

CLEANUP_S = 600.0


class Gate:
    """One run of the gate.

    :param root: the checkout, in which commands run
    :param report: where logs and results go
    """

    def __init__(
        self, root: Path, table: Table, report: Report, progress: Progress, grace_s: float = GRACE_S
    ) -> None:
        self._root, self._table, self._report, self._progress = root, table, report, progress
        self._grace_s = grace_s
        self._begun = time.monotonic()
        self.outcomes: list[Outcome] = []

    def run(self, choice: Choice, interrupt: Interrupt) -> list[Outcome]:
        """Run the chosen jobs in order; after an interrupt the rest is not run."""
        waiting = [self._table.jobs[name] for name in choice.reasons]
        while waiting:
            job = waiting.pop(0)
            self._write([job, *waiting], PENDING)
            missing = self._missing(job)
            if interrupt.asked or missing:
                cause = "the gate was interrupted" if interrupt.asked else f"{missing} did not pass"
                outcome = self._not_run(job, cause)
            else:
                outcome = self._one(job, choice.reasons[job.name], interrupt)
            self.outcomes.append(outcome)
            self._progress.end(outcome, self._report.shown(job))
        self._write([], "")
        return self.outcomes

    def _missing(self, job: Job) -> str:
        passed = {outcome.job.name for outcome in self.outcomes if outcome.verdict is Verdict.PASSED}
        run = {outcome.job.name for outcome in self.outcomes}
        return ", ".join(name for name in job.needs if name in run - passed)

    def _write(self, waiting: list[Job], cause: str) -> None:
        self._report.write([*self.outcomes, *(self._not_run(job, cause) for job in waiting)])

    def _not_run(self, job: Job, cause: str) -> Outcome:
        return Outcome(job, Verdict.NOT_RUN, at=time.monotonic() - self._begun, cause=cause)

    def _one(self, job: Job, because: str, interrupt: Interrupt) -> Outcome:
        log, tests = self._report.log(job), self._report.tests(job)
        details = self._report.log(job, ".ansible")
        at = time.monotonic() - self._begun
        self._progress.begin(job, self._report.shown(job))
        # Every pytest that a command starts writes JUnit, the one that Molecule starts too.
        options = f"{os.environ.get('PYTEST_ADDOPTS', '')} --junitxml={tests}".strip()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        env = environment(PYTEST_ADDOPTS=options, PATH=path)
        if job.kind == SCENARIOS:
            # Where scenario.sh keeps all that Ansible says.
            env["SELVEDGE_OUTPUT_LOGS"] = str(details)
        ended = run(
            job.command,
            self._root,
            log,
            job.minutes * 60,
            interrupt,
            env,
            lambda elapsed: self._progress.tick(job, log, elapsed),
            self._grace_s,
        )
        tail = tail_of(log)
        if ended.by and job.cleanup:
            self._clean(job, interrupt)
        cases = read_cases(tests)
        verdict, cause = judge(job, ended.code, ended.by, cases)
        extra = tuple(path for path in (details, self._report.log(job, ".cleanup")) if path.is_file())
        return Outcome(job, verdict, ended.seconds, at, cause, because, log, extra, cases, tail)

    def _clean(self, job: Job, interrupt: Interrupt) -> None:
        """Remove what an ended job has left, so that the next one does not meet it."""
        self._progress.say(f"{'':>10}cleaning up: {' '.join(job.cleanup)}")
        log = self._report.log(job, ".cleanup")
        env = environment(SELVEDGE_OUTPUT_LOGS=f"{log}.ansible")
        ended = run(job.cleanup, self._root, log, CLEANUP_S, interrupt, env, grace_s=self._grace_s)
        if ended.code or ended.by:
            self._progress.say(f"{'':>10}cleaning up failed: see {log}")
