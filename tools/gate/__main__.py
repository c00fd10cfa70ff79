"""`make gate`: run jobs and scenarios, and end with a table, JUnit and a page.

    python -m tools.gate                             everything
    python -m tools.gate --jobs lint,unit            jobs by kind; `scenarios` is a kind too
    python -m tools.gate --scenarios default         scenarios by name
    python -m tools.gate --changed main              what the changes since `main` call for
    ... --show                                       only say what would be run, and why

Exit code 0 when all of it passed, 1 when not, 2 for a choice that cannot be, 130 after an interrupt.
"""

from __future__ import annotations

import argparse
import datetime
import fcntl
import os
import platform
import sys
import time
from pathlib import Path

from . import table as text
from .changes import changed_paths, revision
from .gate import Gate
from .jobs import JobsError, Table, load
from .pick import Choice, pick_all, pick_changed, pick_named
from .progress import Progress
from .report import About, Report
from .run import Interrupt

ROOT = Path(__file__).resolve().parents[2]


def names(value: str) -> list[str]:
    """The names of a list with commas or blanks."""
    return value.replace(",", " ").split()


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", default="")
    parser.add_argument("--scenarios", default="")
    parser.add_argument("--changed", default="", metavar="REF")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def choose(table: Table, asked: argparse.Namespace) -> tuple[Choice, str]:
    """The jobs to run, and in words what was asked for."""
    kinds, scenarios = names(asked.jobs), names(asked.scenarios)
    if asked.changed:
        if kinds or scenarios:
            raise JobsError("give CHANGED alone, or JOBS and SCENARIOS")
        return pick_changed(table, changed_paths(asked.root, asked.changed)), f"changes since {asked.changed}"
    if kinds or scenarios:
        said = {"jobs": kinds, "scenarios": scenarios}
        words = " and ".join(f"{what} {', '.join(some)}" for what, some in said.items() if some)
        return pick_named(table, kinds, scenarios), words
    return pick_all(table), "everything"


def explanation(choice: Choice, asked: str) -> str:
    """What is run and why, what is not, and what each changed path called for."""
    lines = [f"asked for: {asked}"]
    lines += [f"  {path:<50} {called}" for path, called in choice.paths.items()]
    lines += ["run:", *(f"  {name:<24} {why}" for name, why in choice.reasons.items())]
    if choice.left_out:
        lines += ["left out:", *(f"  {name:<24} {why}" for name, why in choice.left_out.items())]
    return "\n".join(lines)


def machine() -> str:
    """What the times were measured on."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def run(asked: argparse.Namespace, table: Table, choice: Choice, what: str) -> int:
    """Run the choice; return the exit code."""
    root: Path = asked.root
    base = root / ".cache" / "gate"
    base.mkdir(parents=True, exist_ok=True)
    # Two gates would use the same lab hosts.
    with (base / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            other = lock.read().strip()
            print(f"another gate runs here, process {other}: wait for it, or end it", file=sys.stderr)
            return 2
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        begun = time.monotonic()
        about = About(datetime.datetime.now().astimezone(), revision(root), machine(), what, choice)
        report = Report(base, about)
        with Interrupt().watched() as interrupt:
            gate = Gate(root, table, report, Progress(len(choice.reasons)))
            outcomes = gate.run(choice, interrupt)
        print("\n" + text.render(outcomes, time.monotonic() - begun, str(report.folder)))
        return text.exit_code(outcomes)


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    asked = arguments(argv)
    try:
        table = load(asked.root)
        choice, what = choose(table, asked)
    except JobsError as error:
        print(error, file=sys.stderr)
        return 2
    print(explanation(choice, what), flush=True)
    if asked.show:
        return 0
    if not choice.reasons:
        print("nothing to run")
        return 0
    return run(asked, table, choice, what)


if __name__ == "__main__":
    sys.exit(main())
