"""Pages and pictures that are made from the code say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


def tool(name: str) -> ModuleType:
    """A script of tools/ as a module."""
    spec = importlib.util.spec_from_file_location(f"selvedge_tools_{name}", ROOT / "tools" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WRITERS = {"reference": tool("reference"), "picture": tool("picture")}
FILES = [
    pytest.param(name, path, content, id=str(path.relative_to(ROOT)))
    for name, writer in WRITERS.items()
    for path, content in writer.generate().items()
]


@pytest.mark.parametrize(("name", "path", "content"), FILES)
def test_the_committed_file_is_up_to_date(name: str, path: Path, content: str) -> None:
    assert path.is_file(), f"run tools/{name}.py"
    assert path.read_text() == content, f"run tools/{name}.py and commit {path.relative_to(ROOT)}"


def test_a_stale_page_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    stale = WRITERS["reference"].stale
    assert stale({page: "new"}) == [page]
    page.write_text("old")
    assert stale({page: "new"}) == [page]
    page.write_text("new")
    assert stale({page: "new"}) == []


def test_every_key_of_the_model_is_on_its_page() -> None:
    reference = WRITERS["reference"]

    def keys(fields: dict) -> set[str]:
        return set(fields) | {key for spec in fields.values() for key in keys(spec.fields)}

    page = reference.network_model()
    assert [key for key in keys(reference.MODEL) if f"`{key}`" not in page and f".{key}`" not in page] == []


def test_every_module_is_documented() -> None:
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    assert set(WRITERS["reference"].plugins("modules")) == modules


def test_ansible_markup_becomes_markdown() -> None:
    plain = WRITERS["reference"].plain
    assert (
        plain("Seals C(a|b) if O(state=present), see\nM(x.y.z).")
        == r"Seals `a\|b` if `state=present`, see `x.y.z`."
    )
    assert (
        plain(["With O(x.y.z#module:purge=true) B(now),", "at <name>"])
        == "With `purge=true` now, at &lt;name>"
    )


def test_the_picture_shows_every_node_and_host() -> None:
    picture = WRITERS["picture"]
    network = picture.lab()
    svg = picture.draw(network, "")
    shown = [*network.hosts, *(host.address for host in network.hosts.values())]
    shown += [
        f"{node.name.split('.')[0]}.{node.organization}<" for node in [*network.orderers, *network.peers]
    ]
    assert [text for text in shown if text not in svg] == []
