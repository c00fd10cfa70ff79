"""What a command in the documentation names exists: playbooks, make targets, files, inventories."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
# First parts of paths that lie in this repository; others are a host's or a reader's.
TREE = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} | {".ci", ".config"}
# Options of ansible-playbook and ansible that are followed by a path.
PATH_OPTIONS = ("-i", "--inventory")


def commands(text: str) -> Iterator[str]:
    """The command lines of a page's console and sh blocks, without prompts and comments."""
    for language, body in FENCE.findall(text):
        lines = body.replace("\\\n", " ").splitlines()
        if language == "sh":
            yield from (line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
        elif language == "console":
            yield from (line[2:].strip() for line in lines if line.startswith("$ "))


def targets(makefile: str) -> set[str]:
    """The targets of a Makefile."""
    return set(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))


def problems(command: str, root: Path, known_targets: set[str], made: set[str]) -> Iterator[str]:
    """What a command names that is not there; ``made`` collects folders that the page's reader makes."""
    words = shlex.split(command, comments=True)
    if words[0] == "make":
        yield from (
            f"make target {word}" for word in words[1:] if "=" not in word and word not in known_targets
        )
    if words[0] == "ansible-playbook":
        known_playbooks = {f"selvedge.fabric.{path.stem}" for path in (root / "playbooks").glob("*.yml")}
        named_playbooks = {word for word in words if re.fullmatch(r"selvedge\.fabric\.\w+", word)}
        yield from (f"playbook {word}" for word in sorted(named_playbooks - known_playbooks))
    if words[:2] == ["mkdir", "-p"]:
        for word in words[2:]:
            made |= {word, *map(str, Path(word).parents)} - {".", "inventory"}
        return
    for before, word in zip(["", *words], words, strict=False):
        path = word.rstrip("/").split("::")[0]
        if path in made or any(mark in path for mark in "*{$"):
            continue
        named = before in PATH_OPTIONS or (
            Path(path).parts[:1] and Path(path).parts[0] in TREE and "/" in path
        )
        if (named or words[0] == "ansible-playbook" and path.endswith(".yml")) and not (root / path).exists():
            yield f"path {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_name_what_exists(page: Path) -> None:
    known, made = targets((ROOT / "Makefile").read_text()), set[str]()
    wrong = [
        f"{command}: there is no {problem}"
        for command in commands(page.read_text())
        for problem in problems(command, ROOT, known, made)
    ]
    assert wrong == []


def test_the_readme_says_how_to_test() -> None:
    assert "make test" in list(commands((ROOT / "README.md").read_text()))


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("make demo", []),
        ("make dmeo", ["make target dmeo"]),
        ("ansible-playbook playbooks/sight.yml", ["path playbooks/sight.yml"]),
        ("ansible-playbook -i inventory/labb playbooks/site.yml", ["path inventory/labb"]),
        ("ansible-playbook site.yml", ["path site.yml"]),
        ("ansible-playbook -i inventory selvedge.fabric.site", []),
        ("ansible-playbook -i inventory selvedge.fabric.sight", ["playbook selvedge.fabric.sight"]),
        ("ansible host1 -a 'docker ps'", []),
        ("python tools/referense.py", ["path tools/referense.py"]),
        ("tools/scenario.sh default verify  # a step", []),
    ],
)
def test_the_lint_itself(command: str, found: list[str]) -> None:
    assert list(problems(command, ROOT, {"demo"}, set())) == found


def test_a_folder_that_the_reader_makes_is_known() -> None:
    made: set[str] = set()
    assert list(problems("mkdir -p inventory/production/group_vars/all", ROOT, set(), made)) == []
    assert list(problems("ansible -i inventory/production all -m ping", ROOT, set(), made)) == []
    assert list(problems("ansible -i inventory/other all -m ping", ROOT, set(), made)) == [
        "path inventory/other"
    ]


def test_prompts_comments_and_output_are_no_commands() -> None:
    text = "```sh\n# why\nmake demo\n```\n```console\n$ make test\nok\n```\n```text\nmake nothing\n```\n"
    assert list(commands(text)) == ["make demo", "make test"]
