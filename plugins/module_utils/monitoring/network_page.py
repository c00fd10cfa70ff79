"""The network page: one HTML file that Prometheus itself serves, as a console template.

It has the topology of the model and the queries in it, and asks Prometheus, where it comes from, for everything else:
same origin, same TLS, same login. A console template is a template of Go: ``{{`` must not stand in it.
Source: Prometheus' manual, "Console templates".
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring import colours
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.queries import (
    LINES,
    ON_PAGE,
    QUERIES,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.topology import topology

PARTS = Path(__file__).parent / "page"
SCRIPTS = ("text.js", "ask.js", "judge.js", "map.js", "panels.js", "main.js")
# From here on the page says that something is wrong, as alerts do: HeightDiverging, CertificateExpires..., DiskFull and
# ClockSkew.
LIMITS = {"lag": 20, "days": 7, "disk": 0.08, "inodes": 0.05, "clock": 2}
# How often the page asks.
POLL_S = 5


class PageError(Exception):
    """The page would not be what was written."""


def network_page(network: Network, interval: str) -> str:
    """The whole page.

    :param interval: how often Prometheus asks its targets, as the model says it; samples that are much older are stale
    """
    scrape_s = int(interval[:-1]) * {"s": 1, "m": 60}[interval[-1]]
    facts = {
        **topology(network),
        "scrape_s": scrape_s,
        "poll_s": POLL_S,
        "limits": LIMITS,
        "lines": list(LINES),
        "queries": {
            name: {
                "title": query.title,
                "ask": query.ask(),
                "unit": query.unit,
                "labels": list(query.labels),
                "about": query.about,
            }
            for name, query in ((name, QUERIES[name]) for name in ON_PAGE)
        },
    }
    page = _read("page.html")
    for place, text in (
        ("TITLE", escape(f"{network.name} · network")),
        ("STYLE", f"{_palette()}\n{_read('page.css')}"),
        ("FACTS", safe_json(facts)),
        ("SCRIPT", "\n".join(_read(name) for name in SCRIPTS)),
    ):
        page = page.replace(f"<!--{place}-->", text, 1)
    if "{{" in page:
        around = page[max(0, page.index("{{") - 40) :][:80]
        raise PageError(f"two braces would be read by Prometheus as its own template: {around!r}")
    return page


def front_page() -> str:
    """``index.html`` beside it: Prometheus' own pages, where it has some, link to it."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Network</title>'
        '<link rel="icon" href="data:,"><meta http-equiv="refresh" content="0; url=network.html">'
        '<a href="network.html">The network page</a></html>\n'
    )


def safe_json(value: Any) -> str:
    """JSON that may stand in a script element, and in a template of Go: nothing in a string ends either."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    # Between strings two opening braces cannot meet.
    return text.replace("{{", "{\\u007b")


def _read(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")


def _palette() -> str:
    """The colours as variables: light, dark by the system's wish, and either by the reader's own."""
    pairs = {**colours.COLOURS, **colours.STATES, **colours.THREADS}
    light, dark = ("; ".join(f"--{name}: {pair[theme]}" for name, pair in pairs.items()) for theme in (0, 1))
    return (
        f":root {{ color-scheme: light; {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ color-scheme: dark; {dark} }} }}\n"
        f":root[data-theme=light] {{ color-scheme: light; {light} }}\n"
        f":root[data-theme=dark] {{ color-scheme: dark; {dark} }}"
    )
