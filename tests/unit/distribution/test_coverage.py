"""What setup.cfg leaves out of the coverage of pure code is not pure: it speaks to something, and says to what."""

from __future__ import annotations

import ast
import configparser
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
OURS = "ansible_collections.selvedge.fabric."
# Who imports one of these speaks to a network, an engine or another process.
SPEAKING = (
    "docker",
    "grpc",
    "http.client",
    "hvac",
    "requests",
    "socket",
    "ssl",
    "subprocess",
    "urllib.request",
)
# Not for what they import: Ansible runs them where coverage does not measure.
RUN_ELSEWHERE = {"plugins/callback/deployment.py"}


def omitted(text: str) -> list[str]:
    """The files of the list, without its comments."""
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return parser["coverage:run"]["omit"].split()


LEFT_OUT = omitted((ROOT / "setup.cfg").read_text())


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of everything that a file imports, in functions too; the name is empty for a whole module."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


def ours(root: Path, module: str, name: str) -> tuple[Path | None, str]:
    """The file of the collection that is imported, and what of it."""
    if not module.startswith(OURS):
        return None, ""
    place = root / module.removeprefix(OURS).replace(".", "/")
    if (place / f"{name}.py").is_file():
        return place / f"{name}.py", ""
    file = place.with_suffix(".py")
    return (file, name) if file.is_file() else (None, "")


def does_something(path: Path, name: str) -> bool:
    """Whether what is imported is more than a constant or a record of data, such as an address."""
    for node in tree_of(path).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return not any("dataclass" in ast.dump(item) for item in node.decorator_list) or any(
                isinstance(item, ast.FunctionDef) and item.name == "__call__" for item in node.body
            )
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return True
    return not name


def by_what(root: Path, path: Path, through: set[Path] | None, seen: frozenset[Path] = frozenset()) -> str:
    """By what a file speaks, directly or by something of ours; empty when it is pure.

    :param through: files by way of which it may; None for any
    """
    found = list(imports(path))
    for module, name in found:
        if any(f"{module}.{name}.".startswith(f"{speaking}.") for speaking in SPEAKING):
            return module
    for module, name in found:
        file, what = ours(root, module, name)
        if file is None or file in seen or (through is not None and file not in through):
            continue
        if does_something(file, what) and by_what(root, file, through, seen | {path}):
            return f"{file.stem} {what}".strip()
    return ""


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_speaks_to_something(name: str) -> None:
    """A library directly, or by what is left out itself; an entry by whatever it calls."""
    path = ROOT / name
    assert path.is_file(), f"{name} leaves out nothing, or more than one file"
    if name in RUN_ELSEWHERE:
        return
    library = name.startswith("plugins/module_utils/")
    through = {ROOT / other for other in LEFT_OUT} if library else None
    assert by_what(ROOT, path, through), f"{name} is pure: what it decides counts"


def test_no_module_is_left_out_that_unit_tests_run() -> None:
    tests = (ROOT / "tests/unit/plugins/modules").glob("test_*.py")
    run = {f"plugins/modules/{path.stem.removeprefix('test_')}.py" for path in tests}
    assert sorted(run & set(LEFT_OUT)) == []


def test_every_file_left_out_stands_below_its_reason() -> None:
    part = (ROOT / "setup.cfg").read_text().partition("\nomit =\n")[2].partition("\n\n")[0]
    lines = [line.strip() for line in part.splitlines()]
    assert lines[0].startswith("# ")
    for first, second in zip(lines, lines[1:], strict=False):
        assert not first.startswith("#") or second.startswith("plugins/"), f"a reason for nothing: {first}"
    assert lines.count("") == 0 and len(set(LEFT_OUT)) == len(LEFT_OUT)


def test_files_that_no_test_imports_count() -> None:
    """The folders are no packages, and coverage would pass over what it has not seen in them."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    assert parser["coverage:report"].getboolean("include_namespace_packages")
    assert not list((ROOT / "plugins").rglob("__init__.py"))


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        ("import grpc\n", "grpc"),
        ("def f():\n    from http.client import HTTPSConnection\n", "http.client"),
        ("from http import HTTPStatus\n", ""),
        ("from urllib.parse import urlsplit\n", ""),
        (f"from {OURS}plugins.module_utils.talk import ask\n", "talk ask"),
        (f"from {OURS}plugins.module_utils import talk\n", "talk"),
        (f"from {OURS}plugins.module_utils.talk import Address, PORT\n", ""),
        (f"from {OURS}plugins.module_utils.talk import Caller\n", "talk Caller"),
    ],
)
def test_the_judgement_itself(tmp_path: Path, text: str, speaks: str) -> None:
    folder = tmp_path / "plugins" / "module_utils"
    folder.mkdir(parents=True)
    talk = folder / "talk.py"
    talk.write_text(
        "import ssl\nPORT = 1\ndef ask(): ...\n@dataclass\nclass Address: ...\n"
        "@dataclass\nclass Caller:\n    def __call__(self): ...\n"
    )
    (folder / "new.py").write_text(text)
    assert by_what(tmp_path, folder / "new.py", {talk}) == speaks
    if "talk" in speaks:
        assert by_what(tmp_path, folder / "new.py", set()) == "", "by way of nobody"
