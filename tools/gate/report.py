"""The folder of one gate: logs, JUnit, the page; `latest` points at the newest."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import junit, page
from .jobs import Job
from .outcome import Outcome
from .pick import Choice

KEPT = 10


@dataclass(frozen=True)
class About:
    """What the page says of the run as a whole. ``begun`` has a time zone."""

    begun: datetime.datetime
    revision: str
    machine: str
    asked: str
    choice: Choice


class Report:
    """Files below ``base/<time>``. What they are named by is in UTC, so that names sort by time everywhere."""

    def __init__(self, base: Path, about: About) -> None:
        self._base, self._about = base, about
        stamp = about.begun.astimezone(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        self.folder = base / stamp
        number = 1
        while self.folder.exists():
            number += 1
            self.folder = base / f"{stamp}-{number:02d}"
        (self.folder / "logs").mkdir(parents=True)
        (self.folder / "tests").mkdir()
        self._point()
        self._prune()

    def log(self, job: Job, suffix: str = "") -> Path:
        """Where a job's output goes."""
        return self.folder / "logs" / f"{job.slug}{suffix}.log"

    def tests(self, job: Job) -> Path:
        """Where its pytest leaves JUnit."""
        return self.folder / "tests" / f"{job.slug}.xml"

    def shown(self, job: Job) -> str:
        """The log's name for people: short, and good until the next gate."""
        log = self.log(job)
        root = self._base.parent.parent
        return str(log.relative_to(root) if log.is_relative_to(root) else log)

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Write both results; a reader sees the old ones or the new ones."""
        when = self._about.begun.isoformat(timespec="seconds")
        self._replace("junit.xml", junit.render(outcomes, when))
        self._replace("index.html", page.render(outcomes, self._about, self.folder))

    def _replace(self, name: str, content: str) -> None:
        new = self.folder / f".{name}.new"
        new.write_text(content, encoding="utf-8", errors="replace")
        new.rename(self.folder / name)

    def _point(self) -> None:
        new = self._base / ".latest.new"
        new.unlink(missing_ok=True)
        new.symlink_to(self.folder.name)
        new.rename(self._base / "latest")

    def _prune(self) -> None:
        old = sorted(path for path in self._base.glob("2*Z*") if path != self.folder)
        for path in old[: 1 - KEPT]:
            shutil.rmtree(path, ignore_errors=True)
