"""The report as a page: whole, by itself, and safe to open."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.status.page import render
from ansible_collections.selvedge.fabric.plugins.module_utils.status.report import Status
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.status.samples import (
    capture,
    host,
    report,
)

# Elements without an end.
VOID = {"meta", "br"}
EVIL = "<script>alert(1)</script>\"'&"


class Page(HTMLParser):
    """Reads a page strictly: every element ends, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


BROKEN: dict[str, Any] = {"hosts": {"host1": host(), "host2": {"unreachable": True, "msg": "no route"}}}
PAGES = [
    pytest.param(("well", {}), id="well"),
    pytest.param(("faults", BROKEN), id="faults"),
    pytest.param(
        ("well", {"health": {"failed": True, "msg": "no"}, "channels": [], "chaincodes": []}), id="nothing"
    ),
]


@pytest.fixture(params=PAGES)
def text(request: pytest.FixtureRequest) -> str:
    name, changes = request.param
    return render(report(name, **changes))


def test_nothing_comes_from_elsewhere(text: str) -> None:
    page = Page(text)
    assert {tag for tag, _unused in page.tags}.isdisjoint(
        {"script", "link", "img", "iframe", "object", "embed", "base", "form", "svg", "a", "video", "source"}
    )
    attributes = {name for _unused, attrs in page.tags for name in attrs}
    assert attributes <= {
        "lang",
        "charset",
        "name",
        "content",
        "http-equiv",
        "class",
        "colspan",
        "title",
        "open",
    }
    assert not re.search(r"https?://|//\w|url\(|@import|javascript:|data:", text)
    policy = next(attrs["content"] for _unused, attrs in page.tags if attrs.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_light_dark_and_print_have_the_same_names(text: str) -> None:
    light, dark = re.findall(r":root \{(.*?)\}", text, flags=re.DOTALL)
    names = [set(re.findall(r"--[\w-]+(?=:)", scheme)) for scheme in (light, dark)]
    assert names[0] == names[1] and len(names[0]) == 13
    assert set(re.findall(r"var\((--[\w-]+)\)", text)) <= names[0]
    assert "@media (prefers-color-scheme: dark)" in text and "@media print" in text


def test_everything_is_on_it() -> None:
    well = report()
    text = Page(render(well)).text
    assert "Network lab: All is well" in text and "What is not well" not in text
    names = [item.name for item in [*well.nodes, *well.channels, *well.chaincodes, *well.hosts]]
    names += [container.name for item in well.hosts for container in item.containers]
    assert [name for name in names if name not in text] == []
    for word in (
        "11/11",
        "29",
        "V2_5",
        "100ms or 500 transactions",
        "4 of 4 peers",
        "26.1.5+dfsg1",
        "1.0 GiB of 4.0 GiB",
    ):
        assert word in text


def test_what_is_not_well_has_its_remedy_and_colour() -> None:
    found = report("faults", **BROKEN)
    page = Page(render(found))
    assert [attrs["class"] for tag, attrs in page.tags if tag == "header"] == ["unhealthy"]
    cards = [attrs["class"] for tag, attrs in page.tags if tag == "section"]
    assert cards == [f"card {item.status}" for item in found.concerns]
    for item in found.concerns:
        assert item.remedy in page.text and all(reason in page.text for reason in item.reasons)


@pytest.mark.parametrize("status", list(Status))
def test_a_status_is_a_word_and_a_sign_and_not_only_a_colour(status: Status) -> None:
    health = capture("well")["health"]
    first = {**health["results"][0], "status": str(status), "reasons": ["x"] if status != "healthy" else []}
    text = Page(render(report(health={**health, "results": [first, *health["results"][1:]]}))).text
    assert re.search(rf"\S {status} store", text)


def test_whatever_a_host_or_a_node_says_is_escaped() -> None:
    health = capture("faults")["health"]
    results = [
        {
            **item,
            "reasons": [EVIL],
            "remedy": EVIL,
            "facts": {**item["facts"], "version": EVIL, "certificates": {EVIL: 1}},
        }
        for item in health["results"]
    ]
    told = host(distribution=EVIL, version=EVIL)
    told["host"]["containers"][0].update(name=EVIL, image=EVIL)
    text = render(
        report("faults", network=EVIL, health={**health, "results": results},
               hosts={"host1": told, "host2": {"unreachable": True, "msg": EVIL}})
    )  # fmt: skip
    assert "<script" not in text.lower()
    assert Page(text).text.count("<script>alert(1)</script>\"'&") > 20, "it is shown as it was said"


def test_a_page_is_small_enough_for_a_mail() -> None:
    assert len(render(report("faults"))) < 60_000
