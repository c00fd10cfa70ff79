"""Links lead somewhere, and the example of a first deployment is a model that would be deployed."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import load

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(r"<!-- file: (\S+) -->\n```yaml\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    found: set[str] = set()
    for heading in headings:
        name = re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")
        others = (f"{name}-{number}" for number in itertools.count(1))
        found.add(next(item for item in itertools.chain([name], others) if item not in found))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for link in LINK.findall(page.read_text()):
        if link.startswith("http"):
            continue
        name, _unused, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    todo = [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = [link.partition("#")[0] for link in LINK.findall(page.read_text())]
        todo += [(page.parent / link).resolve() for link in links if link and not link.startswith("http")]
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in seen] == []


def test_the_first_deployment_is_a_valid_model() -> None:
    page = ROOT / "docs" / "operator" / "first-deployment.md"
    files = {Path(name).name: yaml.safe_load(text) for name, text in FILE.findall(page.read_text())}
    hosts = {
        name: {"reach": item["ansible_host"], "address": item["selvedge_address"]}
        for name, item in files["hosts.yml"]["all"]["hosts"].items()
    }
    network = load(files["network.yml"]["selvedge_network"], hosts)
    assert len(network.orderers) == 3
    assert {node.host.name for node in [*network.orderers, *network.peers]} == set(hosts)
