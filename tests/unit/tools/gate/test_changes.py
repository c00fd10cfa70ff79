"""Changed paths, from a real git repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.tools.gate.changes import changed_paths, revision
from ansible_collections.selvedge.fabric.tools.gate.jobs import JobsError


def git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--initial-branch", "main")
    for name in ("kept", "edited", "moved", "removed"):
        (tmp_path / name).write_text(f"this is {name}\n" * 20)
    (tmp_path / ".gitignore").write_text("ignored\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    git(tmp_path, "switch", "-c", "work")
    return tmp_path


def test_committed_staged_edited_removed_and_new_paths(repository: Path) -> None:
    git(repository, "mv", "moved", "moved here")
    git(repository, "commit", "-m", "move")
    (repository / "edited").write_text("other\n")
    (repository / "removed").unlink()
    (repository / "staged").touch()
    git(repository, "add", "staged")
    (repository / "näw").touch()
    (repository / "ignored").touch()
    assert changed_paths(repository, "main") == [
        "edited", "moved", "moved here", "näw", "removed", "staged",
    ]  # fmt: skip
    assert revision(repository).endswith(" on work, with changes that are not committed")


def test_what_only_the_other_branch_changed_does_not_count(repository: Path) -> None:
    git(repository, "switch", "main")
    (repository / "kept").write_text("later\n")
    git(repository, "commit", "-a", "-m", "later")
    git(repository, "switch", "work")
    assert changed_paths(repository, "main") == []


def test_an_unknown_revision_is_refused(repository: Path) -> None:
    with pytest.raises(JobsError, match="CHANGED=mian: .*mian"):
        changed_paths(repository, "mian")


def test_without_git_there_is_no_revision(tmp_path: Path) -> None:
    assert revision(tmp_path) == ""
