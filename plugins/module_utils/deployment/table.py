"""A run as a short table at its end."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.selvedge.fabric.plugins.module_utils.deployment.run import (
    Counts,
    Kind,
    Outcome,
    Run,
    Task,
    clock,
)

_HEAD = ("stage", "duration", "ok", "changed", "failed", "unreachable")
_WIDEST = 72
_VERBS = {
    Outcome.SUCCESS: "done in",
    Outcome.FAILED: "FAILED after",
    Outcome.ABORTED: "ABORTED after",
}


def render(run: Run, slowest: int) -> str:
    """The table as text, without a trailing newline. No line of it reads like a line of Ansible's recap.

    :param slowest: how many of the slowest tasks to show
    """
    parts = [headline(run)]
    if run.last_task:
        parts[0] += f"\nIt was at {run.last_task.stage}: {run.last_task.name}"
    if run.stages:
        rows = [_row(stage.name, stage.seconds, stage.counts) for stage in run.stages]
        rows.append(_row("in all", run.seconds, run.totals))
        parts.append(aligned([_HEAD, *rows]))
    longest = [task for task in run.slowest(slowest) if task.seconds >= 0.05]
    if longest:
        tasks = [
            (_short(f"{task.stage}: {_bare(task)}"), clock(task.seconds), _retries(task)) for task in longest
        ]
        parts.append(aligned([("slowest tasks", "duration", ""), *tasks]))
    wrong = [
        f"  {failure.host}: {task.stage}: {_bare(task)}"
        for task in run.tasks
        for failure in task.failures
        if failure.kind in (Kind.FAILED, Kind.UNREACHABLE)
    ]
    if wrong:
        parts.append("\n".join(["what failed", *wrong]))
    return "\n\n".join(parts)


def headline(run: Run) -> str:
    """One line: what ran, how it ended, what it changed."""
    about = run.about
    what = f"{about.playbook} on network {about.network}" if about.network else about.playbook
    if about.check_mode:
        what += ", in check mode"
    hosts = "1 host" if len(run.hosts) == 1 else f"{len(run.hosts)} hosts"
    verb = "would change" if about.check_mode else "changed"
    limit = f" (limit {about.limit})" if about.limit else ""
    return (
        f"{what}: {_VERBS[run.outcome]} {clock(run.seconds)}, {hosts}{limit}, {run.totals.changed} {verb}; "
        f"selvedge.fabric {about.collection}"
    )


def _row(name: str, seconds: float, counts: Counts) -> tuple[str, ...]:
    numbers = (counts.ok, counts.changed, counts.failed, counts.unreachable)
    return (name, clock(seconds), *map(str, numbers))


def _bare(task: Task) -> str:
    """A task's name without its own role's, which Ansible puts in front."""
    role, found, name = task.name.partition(" : ")
    return name if found and role.rpartition(".")[2] == task.stage.rpartition(".")[2] else task.name


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."


def _retries(task: Task) -> str:
    return f"{task.retries} retries" if task.retries > 1 else "1 retry" if task.retries else ""


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns under their heads: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *others = (
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *others]).rstrip())
    return "\n".join(lines)
