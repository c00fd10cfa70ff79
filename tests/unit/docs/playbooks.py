"""What a playbook's command line may say: its tags, the variables that it reads, ansible-playbook's own options."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, nodes

# Words of Ansible's own in the place of a tag.
SPECIAL_TAGS = {"always", "never", "all", "tagged", "untagged"}
# Keys whose value is an expression, without braces.
EXPRESSIONS = {"when", "that", "changed_when", "failed_when", "until"}
_ROLE = re.compile(r"(?:ansible\.builtin\.)?(?:import|include)_role")
_TASKS = re.compile(r"(?:ansible\.builtin\.)?(?:import|include)_tasks")
_PLAYBOOK = re.compile(r"(?:ansible\.builtin\.)?import_playbook")


class Playbook:
    """What can be read from a playbook's file, and from the roles and tasks that it brings in.

    :param root: the collection's folder, with ``roles``
    """

    def __init__(self, path: Path, root: Path) -> None:
        self.tags: set[str] = set()
        self.variables: set[str] = set()
        self._root = root
        self._seen: set[Path] = set()
        self._registered = {"item", "omit"}
        self._file(path)
        self.variables -= self._registered

    def _file(self, path: Path) -> None:
        path = path.resolve()
        if path in self._seen or not path.is_file():
            return
        self._seen.add(path)
        content = yaml.safe_load(path.read_text())
        self.variables |= set(names_in(content))
        for item in walk(content):
            self._item(item, path)

    def _item(self, item: dict[str, Any], path: Path) -> None:
        self.tags |= set(listed(item.get("tags")))
        if isinstance(item.get("vars"), dict) and "hosts" in item:
            self.variables |= set(item["vars"])
        for prompt in item.get("vars_prompt") or []:
            self.variables.add(prompt["name"])
        if isinstance(item.get("register"), str):
            self._registered.add(item["register"])
        if isinstance(item.get("role"), str):
            self._role(item["role"], "main")
        for key, value in item.items():
            given = value if isinstance(value, dict) else {"file": value, "name": value}
            if _ROLE.fullmatch(key):
                self._role(given["name"], given.get("tasks_from", "main"))
            elif _TASKS.fullmatch(key) and isinstance(given.get("file"), str):
                self._file(path.parent / given["file"])
            elif _PLAYBOOK.fullmatch(key):
                self._file(path.parent / value)

    def _role(self, name: str, entry: str) -> None:
        folder = self._root / "roles" / name.rpartition(".")[2]
        specs = folder / "meta" / "argument_specs.yml"
        if specs.is_file():
            known = yaml.safe_load(specs.read_text())["argument_specs"]
            self.variables |= set(known.get(entry, {}).get("options", {}))
        for file in (
            folder / "tasks" / f"{entry}.yml",
            folder / "defaults/main.yml",
            folder / "handlers/main.yml",
        ):
            self._file(file)


def walk(content: Any) -> Iterator[dict[str, Any]]:
    """Every map of a document."""
    if isinstance(content, dict):
        yield content
    inside = content.values() if isinstance(content, dict) else content if isinstance(content, list) else []
    for part in inside:
        yield from walk(part)


def listed(value: Any) -> list[str]:
    """One or several of them, as Ansible takes both."""
    return value.split(",") if isinstance(value, str) else list(value or [])


def names_in(content: Any, expression: bool = False) -> Iterator[str]:
    """The variables that templates of a document read; those with two underscores are nobody else's."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from names_in(value, expression=key in EXPRESSIONS)
    elif isinstance(content, list):
        for value in content:
            yield from names_in(value, expression)
    elif isinstance(content, str) and (expression or "{{" in content):
        tree = Environment().parse(content if "{{" in content else "{{ " + content + " }}")  # noqa: S701 - no HTML
        names = (node.name for node in tree.find_all(nodes.Name) if node.ctx == "load")
        yield from (name for name in names if not name.startswith("__"))


@cache
def playbook(path: Path, root: Path) -> Playbook:
    """A playbook, read once."""
    return Playbook(path, root)


def options_in(text: str) -> dict[str, bool]:
    """Option to whether a value follows, from what ``--help`` says."""
    found: dict[str, bool] = {}
    for line in re.findall(r"^  (-.*?)(?:  |$)", text, flags=re.MULTILINE):
        names = re.findall(r"(?<!\S)--?[\w-]+", line)
        found |= dict.fromkeys(names, re.search(r"\s[A-Z_]{2,}", line) is not None)
    return found


@cache
def options() -> dict[str, bool]:
    """Those of the ansible-playbook that is installed."""
    done = subprocess.run(
        ["ansible-playbook", "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    return options_in(done.stdout)


def given_variables(value: str) -> list[str]:
    """The names that one ``--extra-vars`` sets: ``a=1 b=2``, or a map as JSON or YAML; a file is not looked into."""
    if value.startswith("@"):
        return []
    if value.lstrip().startswith("{"):
        return list(yaml.safe_load(value))
    return [part.partition("=")[0] for part in value.split() if "=" in part]


def are_flags(word: str, known: dict[str, bool]) -> bool:
    """Whether a word is several short options in one, none of which takes a value."""
    return re.fullmatch(r"-\w+", word) is not None and all(
        known.get(f"-{letter}") is False for letter in word[1:]
    )


def problems(words: list[str], root: Path) -> Iterator[str]:
    """What is wrong with the words after ``ansible-playbook``, but for paths."""
    known = options()
    paths: list[Path] = []
    tags: list[str] = []
    variables: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("-"):
            short = re.fullmatch(r"selvedge\.fabric\.(\w+)", word)
            paths.append(root / "playbooks" / f"{short[1]}.yml" if short else root / word)
            continue
        name, joined, value = word.partition("=")
        if name not in known and not are_flags(name, known):
            yield f"option {name}"
            continue
        if known.get(name) and not joined:
            value = left.pop(0) if left else ""
        if name in ("-t", "--tags", "--skip-tags"):
            tags += value.split(",")
        if name in ("-e", "--extra-vars"):
            variables += given_variables(value)
    read = [playbook(path, root) for path in paths if path.is_file()]
    if not read:
        return
    there = {name for item in read for name in item.tags}
    yield from (f"tag {tag}" for tag in tags if tag not in there | SPECIAL_TAGS)
    understood = {name for item in read for name in item.variables}
    yield from (f"variable {name}" for name in variables if name not in understood)
