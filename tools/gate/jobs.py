"""What the gate can run: the jobs of jobs.yml, and a job for every scenario below molecule/."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SCENARIOS = "scenarios"


class JobsError(ValueError):
    """A table of jobs, or a choice among them, that cannot be. The text says what would be right."""


@dataclass(frozen=True)
class Job:
    """A command with a bound of time.

    :param kind: what ``JOBS=`` calls it: its own name, or ``scenarios``
    :param minutes: after which it is ended
    :param tests: whether it must leave a JUnit file with at least one test
    :param cleanup: run after it was ended from outside, so that nothing of it is left
    :param paths: changed paths that call for it and are accounted for by it; ``also``: that call for it only
    """

    name: str
    kind: str
    command: tuple[str, ...]
    minutes: float
    about: str = ""
    needs: tuple[str, ...] = ()
    part_of: str = ""
    tests: bool = False
    cleanup: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """Its name as part of a file's name."""
        return self.name.replace(" ", "-")


@dataclass(frozen=True)
class Table:
    """All jobs in the order in which they run, and the paths that call for all of them."""

    jobs: dict[str, Job]
    everything: tuple[str, ...]


_KEYS = {"about", "command", "minutes", "needs", "part_of", "tests", "cleanup", "paths", "also"}


def load(root: Path) -> Table:
    """Read the table of the checkout at ``root``.

    :raises JobsError: for a key that is not known, or a job that needs what is not there
    """
    file = root / "tools/gate/jobs.yml"
    data = yaml.safe_load(file.read_text())
    jobs = {name: _job(name, name, settings, file) for name, settings in data["jobs"].items()}
    for folder in sorted(path.parent for path in (root / "molecule").glob("*/molecule.yml")):
        job = _scenario(folder, data[SCENARIOS])
        jobs[job.name] = job
    for job in jobs.values():
        for name in (*job.needs, *([job.part_of] if job.part_of else [])):
            if name not in jobs:
                raise JobsError(f"{job.name} names the job {name!r}; there are {', '.join(jobs)}")
    return Table(jobs, tuple(data["everything"]))


def _job(name: str, kind: str, settings: dict[str, Any], file: Path) -> Job:
    if unknown := set(settings) - _KEYS:
        said = ", ".join(sorted(unknown))
        raise JobsError(f"{file}: {name} has the unknown key {said}; known are {', '.join(sorted(_KEYS))}")
    lists = ("command", "needs", "cleanup", "paths", "also")
    values: dict[str, Any] = {
        key: tuple(value or ()) if key in lists else value for key, value in settings.items()
    }
    return Job(name=name, kind=kind, **values)


def _scenario(folder: Path, defaults: dict[str, Any]) -> Job:
    """A scenario's job. Without a gate.yml it accounts for its own folder only."""
    file = folder / "gate.yml"
    own = (yaml.safe_load(file.read_text()) or {}) if file.is_file() else {}
    if wrong := {"command", "part_of", "tests", "cleanup"} & set(own):
        raise JobsError(f"{file}: {', '.join(sorted(wrong))} is not a scenario's to say")
    script = ("tools/scenario.sh", folder.name)
    settings = {
        **defaults,
        **own,
        "command": script,
        "tests": any((folder / "tests").rglob("test_*.py")),
        "paths": [f"molecule/{folder.name}/**", *own.get("paths", [])],
    }
    job = _job(f"scenario {folder.name}", SCENARIOS, settings, file)
    return Job(**{**vars(job), "cleanup": (*script, "destroy")})
