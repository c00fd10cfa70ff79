"""What a command in the documentation names exists: playbooks with their tags, variables and options; make targets with
their variables and these's values; files, inventories, scenarios."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.selvedge.fabric.tests.unit.docs import playbooks
from ansible_collections.selvedge.fabric.tools.gate.jobs import load

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
# First parts of paths that lie in this repository; others are a host's or a reader's.
TREE = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} | {".ci", ".config"}
# Options of ansible-playbook and ansible that are followed by a path.
PATH_OPTIONS = ("-i", "--inventory")
# Who may read an environment variable of ours.
READERS = ("plugins", "tools", "tests/live", "tests/leaks", "tests/logs", "tests/pictures", "tests/images")
# In running text and in what playbooks say themselves: a variable of some playbook.
EXTRA = re.compile(r"(?:-e|--extra-vars) (\w+)=")
INLINE_MAKE = re.compile(r"`make ([a-z][a-z-]*)[ `]")
JOBS = load(ROOT).jobs
# What a variable of a make target may be: a list of these.
VALUES = {
    "SCENARIOS": {path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml")},
    "JOBS": {job.kind for job in JOBS.values()},
    "PARTS": set(re.findall(r'"(\w+)": \w+\.rows', (ROOT / "tools/bench/__main__.py").read_text())),
}


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


def read_by(target: str, makefile: str) -> set[str]:
    """The variables that a target's commands read, and those that the user of any target may give."""
    recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)*)", makefile, flags=re.MULTILINE)
    return {
        *re.findall(r"\$\((?:if \$\()?([A-Z]+)\)", recipe[1] if recipe else ""),
        *re.findall(r"^([A-Z]+) \?=", makefile, flags=re.MULTILINE),
    }


def make_problems(words: list[str], makefile: str) -> Iterator[str]:
    """What is wrong with the words after ``make``."""
    named = [word for word in words if "=" not in word]
    known = targets(makefile)
    yield from (f"make target {name}" for name in named if name not in known)
    readable = {variable for name in named for variable in read_by(name, makefile)}
    for word in words:
        variable, given, value = word.partition("=")
        if given and variable not in readable:
            yield f"variable {variable} of make {' '.join(named)}"
        elif variable in VALUES:
            yield from (f"{item} for {variable}" for item in value.split(",") if item not in VALUES[variable])


def environment_problems(words: list[str], root: Path) -> Iterator[str]:
    """Variables of ours before a command that nobody reads."""
    sources = [path for top in READERS for path in (root / top).rglob("*.py")]
    for word in words:
        name = word.partition("=")[0]
        if name.startswith("SELVEDGE_") and not any(name in path.read_text() for path in sources):
            yield f"environment variable {name}"


def problems(command: str, root: Path, makefile: str, made: set[str]) -> Iterator[str]:
    """What a command names that is not there; ``made`` collects folders that the page's reader makes."""
    words = shlex.split(command, comments=True)
    before_it = list(itertools.takewhile(lambda word: re.match(r"[A-Z_]+=", word), words))
    yield from environment_problems(before_it, root)
    words = words[len(before_it) :]
    if words[0] == "make":
        yield from make_problems(words[1:], makefile)
    if words[0] == "tools/scenario.sh":
        yield from (f"scenario {name}" for name in words[1:2] if name not in VALUES["SCENARIOS"])
    if words[:2] == ["python", "-m"] and words[2].startswith("tools."):
        module = root / words[2].replace(".", "/")
        if not (module.with_suffix(".py").is_file() or (module / "__main__.py").is_file()):
            yield f"module {words[2]}"
    if words[0] == "ansible-playbook":
        yield from playbooks.problems(words[1:], root)
        known_playbooks = {f"selvedge.fabric.{path.stem}" for path in (root / "playbooks").glob("*.yml")}
        named_playbooks = {word for word in words if re.fullmatch(r"selvedge\.fabric\.\w+", word)}
        yield from (f"playbook {word}" for word in sorted(named_playbooks - known_playbooks))
    if words[:2] == ["mkdir", "-p"]:
        for word in words[2:]:
            made |= {word, *map(str, Path(word).parents)} - {".", "inventory"}
        return
    for before, word in zip(["", *words], words, strict=False):
        path = word.rstrip("/").removeprefix("@").split("::")[0]
        if path in made or any(mark in path for mark in "*{$"):
            continue
        named = before in PATH_OPTIONS or (
            Path(path).parts[:1] and Path(path).parts[0] in TREE and "/" in path
        )
        if (named or words[0] == "ansible-playbook" and path.endswith(".yml")) and not (root / path).exists():
            yield f"path {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_name_what_exists(page: Path) -> None:
    makefile, made = (ROOT / "Makefile").read_text(), set[str]()
    wrong = [
        f"{command}: there is no {problem}"
        for command in commands(page.read_text())
        for problem in problems(command, ROOT, makefile, made)
    ]
    assert wrong == []


def all_variables() -> set[str]:
    files = [*(ROOT / "playbooks").glob("*.yml"), *(ROOT / "examples/playbooks").glob("*.yml")]
    return {name for file in files for name in playbooks.playbook(file, ROOT).variables}


def test_variables_in_running_text_and_in_messages_are_read_by_a_playbook() -> None:
    sources = [
        path for top in ("playbooks", "roles", "plugins", "examples") for path in (ROOT / top).rglob("*.*")
    ]
    texts = [path for path in [*PAGES, *sources] if path.suffix in (".md", ".yml", ".py", ".j2")]
    found = {
        (str(path.relative_to(ROOT)), name) for path in texts for name in EXTRA.findall(path.read_text())
    }
    assert len(found) > 5
    known = all_variables()
    assert sorted(item for item in found if item[1] not in known) == []


def test_make_targets_in_running_text_exist() -> None:
    known = targets((ROOT / "Makefile").read_text())
    found = {(page.name, name) for page in PAGES for name in INLINE_MAKE.findall(page.read_text())}
    assert len(found) > 5
    assert sorted(item for item in found if item[1] not in known) == []


def test_the_readme_says_how_to_test() -> None:
    assert "make test" in list(commands((ROOT / "README.md").read_text()))


MAKEFILE = (
    "demo: x\n\t@up\n\nbench: y  ## or PARTS=a\n\t@b $(PARTS)\n\ngate:\n\t$(GATE) --scenarios=$(SCENARIOS)\n"
)


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("make demo", []),
        ("make dmeo", ["make target dmeo"]),
        ("make bench PARTS=controller", []),
        ("make bench PARTS=controler", ["controler for PARTS"]),
        ("make demo PARTS=controller", ["variable PARTS of make demo"]),
        ("make gate SCENARIOS=default,hosts", []),
        ("make gate SCENARIOS=default,hots", ["hots for SCENARIOS"]),
        ("ansible-playbook playbooks/sight.yml", ["path playbooks/sight.yml"]),
        ("ansible-playbook -i inventory/labb playbooks/site.yml", ["path inventory/labb"]),
        ("ansible-playbook site.yml", ["path site.yml"]),
        ("ansible-playbook -i inventory selvedge.fabric.site", []),
        ("ansible-playbook -i inventory selvedge.fabric.sight", ["playbook selvedge.fabric.sight"]),
        ("ansible-playbook playbooks/site.yml --check --tags channel,health", []),
        ("ansible-playbook playbooks/site.yml --tags chanel,health", ["tag chanel"]),
        ("ansible-playbook playbooks/verify.yml --skip-tags=ledger", ["tag ledger"]),
        ("ansible-playbook selvedge.fabric.site -t ledgers", ["tag ledgers"]),
        ("ansible-playbook playbooks/site.yml --chek", ["option --chek"]),
        ("ansible-playbook playbooks/site.yml -vvv -CD --limit host1", []),
        ("ansible-playbook playbooks/site.yml -Cx", ["option -Cx"]),
        ("ansible-playbook playbooks/start.yml -e health_wait=300", []),
        ("ansible-playbook playbooks/start.yml -e health_wiat=300", ["variable health_wiat"]),
        ("ansible-playbook playbooks/verify.yml -e service_gate_wait=1", ["variable service_gate_wait"]),
        ("ansible-playbook playbooks/site.yml -e found_on_host=1", ["variable found_on_host"]),
        ('ansible-playbook playbooks/site.yml -e \'{"confirm_remove": [], "x": 1}\'', ["variable x"]),
        ("ansible-playbook playbooks/site.yml -e @values.yml", ["path values.yml"]),
        ("SELVEDGE_DEPLOYMENT_JSON_DIR=x ansible-playbook playbooks/site.yml", []),
        ("SELVEDGE_DEPLOYMENT_JSN_DIR=x make demo", ["environment variable SELVEDGE_DEPLOYMENT_JSN_DIR"]),
        ("ansible host1 -a 'docker ps'", []),
        ("python tools/referense.py", ["path tools/referense.py"]),
        ("python -m tools.gate --show", []),
        ("python -m tools.gat --show", ["module tools.gat"]),
        ("tools/scenario.sh default verify  # a step", []),
        ("tools/scenario.sh defualt", ["scenario defualt"]),
    ],
)
def test_the_lint_itself(command: str, found: list[str]) -> None:
    assert list(problems(command, ROOT, MAKEFILE, set())) == found


def test_tags_are_those_that_ansible_lists() -> None:
    """What is read here has them all, and those of roles that are included while a playbook runs."""
    files = sorted((ROOT / "playbooks").glob("*.yml"))
    done = subprocess.run(
        ["ansible-playbook", "--list-tags", "-i", "localhost,", *map(str, files)],
        cwd=ROOT, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    parts = done.stdout.split("\nplaybook: ")[1:]
    assert len(parts) == len(files)
    for file, part in zip(files, parts, strict=True):
        (tags,) = re.findall(r"TASK TAGS: \[(.*)\]", part)
        wanted = set(yaml.safe_load(f"[{tags}]"))
        assert wanted <= playbooks.playbook(file, ROOT).tags, file.name


def test_options_are_read_from_what_help_says() -> None:
    known = playbooks.options()
    assert known["--check"] is False and known["-C"] is False
    assert known["--limit"] is True and known["-e"] is True and known["--tags"] is True


def test_a_folder_that_the_reader_makes_is_known() -> None:
    made: set[str] = set()
    assert list(problems("mkdir -p inventory/production/group_vars/all", ROOT, "", made)) == []
    assert list(problems("ansible -i inventory/production all -m ping", ROOT, "", made)) == []
    assert list(problems("ansible -i inventory/other all -m ping", ROOT, "", made)) == [
        "path inventory/other"
    ]


def test_prompts_comments_and_output_are_no_commands() -> None:
    text = "```sh\n# why\nmake demo\n```\n```console\n$ make test\nok\n```\n```text\nmake nothing\n```\n"
    assert list(commands(text)) == ["make demo", "make test"]
