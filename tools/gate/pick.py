"""Which jobs to run: all, those asked for by name, or those that changed paths call for. Pure functions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from .jobs import SCENARIOS, Job, JobsError, Table


@dataclass(frozen=True)
class Choice:
    """The jobs to run, each with the reason, and what each changed path called for."""

    reasons: dict[str, str]
    left_out: dict[str, str] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(parts.get(p, re.escape(p)) for p in re.split(r"(\*\*/|\*\*|\*|\?)", glob)))


def matches(path: str, globs: Iterable[str]) -> bool:
    """Whether a path fits one of the patterns; ``*`` stays within a folder, ``**`` does not."""
    return any(_pattern(glob).fullmatch(path) for glob in globs)


def pick_all(table: Table) -> Choice:
    """Everything."""
    return _complete(table, dict.fromkeys(table.jobs, "everything is run"))


def pick_named(table: Table, kinds: list[str], scenarios: list[str]) -> Choice:
    """Jobs by kind and scenarios by name; scenarios given alone mean these scenarios and nothing else.

    :raises JobsError: for a name that is not there
    """
    known = list(dict.fromkeys(job.kind for job in table.jobs.values()))
    _check("job", kinds, known)
    names = [job.name.removeprefix("scenario ") for job in table.jobs.values() if job.kind == SCENARIOS]
    _check("scenario", scenarios, names)
    wanted = {
        job.name: "asked for"
        for job in table.jobs.values()
        if (job.kind in kinds and not (scenarios and job.kind == SCENARIOS))
        or (job.kind == SCENARIOS and job.name.removeprefix("scenario ") in scenarios)
    }
    return _complete(table, wanted, named=True)


def pick_changed(table: Table, changed: Iterable[str]) -> Choice:
    """What the changed paths call for."""
    because: dict[str, list[str]] = {}
    paths: dict[str, str] = {}
    for path in sorted(set(changed)):
        called = [job.name for job in table.jobs.values() if matches(path, (*job.paths, *job.also))]
        accounted = any(matches(path, job.paths) for job in table.jobs.values())
        if matches(path, table.everything):
            called, paths[path] = list(table.jobs), "everything: all of it stands on this"
        elif not accounted:
            called, paths[path] = list(table.jobs), "everything: no job accounts for this path"
        else:
            paths[path] = ", ".join(called)
        for name in called:
            because.setdefault(name, []).append(path)
    wanted = {name: _shortly(because[name]) for name in table.jobs if name in because}
    return _complete(table, wanted, paths=paths)


def _shortly(paths: list[str]) -> str:
    return paths[0] + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")


def _check(what: str, names: list[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise JobsError(f"there is no {what} {name!r}; {hint}There are {', '.join(known) or 'none'}")


def _complete(
    table: Table, wanted: dict[str, str], named: bool = False, paths: dict[str, str] | None = None
) -> Choice:
    """Add what is needed, leave out what another job runs anyway, keep the table's order."""
    left_out: dict[str, str] = {}
    reasons = dict(wanted)
    for name in wanted:
        job = table.jobs[name]
        whole = job.part_of
        while whole and table.jobs[whole].part_of in wanted:
            whole = table.jobs[whole].part_of
        if whole in wanted and not named:
            left_out[name] = f"{whole} runs all of it"
            del reasons[name]
        else:
            _need(table, job, reasons)
    ordered = {name: reasons[name] for name in table.jobs if name in reasons}
    for name in table.jobs:
        if name not in ordered:
            left_out.setdefault(name, "nothing calls for it")
    return Choice(_needed_first(table, ordered), left_out, paths or {})


def _need(table: Table, job: Job, reasons: dict[str, str]) -> None:
    for name in job.needs:
        if name not in reasons:
            reasons[name] = f"{job.name} needs it"
            _need(table, table.jobs[name], reasons)


def _needed_first(table: Table, reasons: dict[str, str]) -> dict[str, str]:
    ordered: dict[str, str] = {}

    def add(name: str) -> None:
        for need in table.jobs[name].needs:
            add(need)
        ordered.setdefault(name, reasons[name])

    for name in reasons:
        add(name)
    return ordered
