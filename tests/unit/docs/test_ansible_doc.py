"""`ansible-doc` shows every module, plugin and role of the collection, each with an example that uses it rightly."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.yaml.loader import AnsibleLoader

ROOT = Path(__file__).resolve().parents[3]
PREFIX = "selvedge.fabric."
FOLDERS = {
    "module": "modules",
    "lookup": "lookup",
    "filter": "filter",
    "test": "test",
    "callback": "callback",
}
NAMES = {
    kind: sorted(path.stem for path in (ROOT / "plugins" / folder).glob("*.py") if path.name != "__init__.py")
    for kind, folder in FOLDERS.items()
} | {"role": sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())}
ALL = [pytest.param(kind, name, id=f"{kind}-{name}") for kind, names in NAMES.items() for name in names]


@cache
def shown(kind: str, *options: str) -> str:
    """What ansible-doc prints of all of a kind, in one call."""
    command = ["ansible-doc", "-t", kind, *options, *(PREFIX + name for name in NAMES[kind])]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "COLUMNS": "200"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def documents(kind: str) -> dict[str, Any]:
    """The same for machines: full name to documentation."""
    parsed: dict[str, Any] = json.loads(shown(kind, "--json"))
    return parsed


def examples(kind: str, name: str) -> Any:
    """The parsed example, a list of tasks or of plays."""
    document = documents(kind)[PREFIX + name]
    text = document["entry_points"]["main"].get("examples") if kind == "role" else document["examples"]
    return yaml.load(text or "", AnsibleLoader)


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_it_is_shown(kind: str, name: str) -> None:
    text = shown(kind)
    assert PREFIX + name in text


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_it_has_an_example_that_names_it(kind: str, name: str) -> None:
    found = examples(kind, name)
    assert isinstance(found, list) and found, "the example is a list of tasks, or of plays for a role"
    assert all(isinstance(item, dict) and item.get("name") for item in found), "tasks and plays have names"
    assert PREFIX + name in json.dumps(found)


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_it_says_what_it_is_for(kind: str, name: str) -> None:
    document = documents(kind)[PREFIX + name]
    document = document["entry_points"]["main"] if kind == "role" else document["doc"]
    assert document["short_description"]
    assert document["description"]


@pytest.mark.parametrize("name", NAMES["role"])
def test_a_roles_example_gives_variables_that_it_has(name: str) -> None:
    """And every one that it requires."""
    options = documents("role")[PREFIX + name]["entry_points"]["main"].get("options", {})
    uses = [
        item for play in examples("role", name) for item in play["roles"] if item["role"] == PREFIX + name
    ]
    assert uses
    for use in uses:
        assert set(use.get("vars", {})) <= set(options)
        assert {key for key, option in options.items() if option.get("required")} <= set(use.get("vars", {}))


@pytest.mark.parametrize(
    "path", sorted((ROOT / "plugins" / "action").glob("*.py")), ids=lambda path: path.stem
)
def test_an_action_plugin_has_a_module_of_its_name_to_document_it(path: Path) -> None:
    assert path.stem in NAMES["module"]
