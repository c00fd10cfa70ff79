"""The paths that differ from a git revision: committed since, changed in the working tree, not yet known to git."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .jobs import JobsError


def changed_paths(root: Path, ref: str) -> list[str]:
    """Paths below ``root`` that were added, changed, removed or renamed since the branch left ``ref``.

    :raises JobsError: when git does not know ``ref``
    """
    try:
        base = _git(root, "merge-base", ref, "HEAD").strip()
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip() or "they have no commit in common"
        raise JobsError(f"CHANGED={ref}: {said}. Give a branch, a tag or a commit") from error
    # A renamed file calls for what its old place called for, too.
    tracked = _git(root, "diff", "--name-only", "--no-renames", "--relative", "-z", base)
    unknown = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    return sorted(set(filter(None, [*tracked.split("\0"), *unknown.split("\0")])))


def revision(root: Path) -> str:
    """The commit and branch at work, with a word when the working tree differs; empty without git."""
    try:
        commit = _git(root, "rev-parse", "--short", "HEAD").strip()
        branch = _git(root, "rev-parse", "--abbrev-ref", "HEAD").strip()
        changed = _git(root, "status", "--porcelain").strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{commit} on {branch}" + (", with changes that are not committed" if changed else "")


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout
