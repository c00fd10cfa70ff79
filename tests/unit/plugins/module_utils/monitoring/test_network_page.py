"""The page as a text: what is in it, what must not be, and that it can be read by everybody."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, load
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring import colours, network_page
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.alerts import ALERTS
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.queries import (
    LINES,
    ON_PAGE,
    QUERIES,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.topology import topology
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    WIDE_HOSTS,
    lab_model,
    sample,
    wide_model,
)


def lab() -> Network:
    return load(lab_model(), LAB_HOSTS)


def wide() -> Network:
    return load(wide_model(), WIDE_HOSTS)


def facts_of(page: str) -> dict[str, Any]:
    """What the script of a page reads."""
    found = re.search(r'<script id="facts" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    facts: dict[str, Any] = json.loads(found.group(1))
    return facts


@pytest.mark.parametrize("network", [lab(), wide()], ids=["lab", "wide"])
def test_a_page_is_whole_and_stands_alone(network: Network) -> None:
    page = network_page.network_page(network, "15s")
    assert "{{" not in page
    assert not re.search(r"<!--|https?://(?!www\.w3\.org/2000/svg)", page)
    assert not re.search(r"<(script|img|iframe|link)[^>]+(src|href)=[\"'](?!data:)", page)
    assert page == network_page.network_page(network, "15s")
    assert f"<title>{network.name} · network</title>" in page


def test_it_has_the_model_and_the_queries(lab_page: dict[str, Any]) -> None:
    assert {name: lab_page[name] for name in topology(lab())} == topology(lab())
    assert list(lab_page["queries"]) == list(ON_PAGE)
    assert set(LINES) <= set(ON_PAGE)
    assert all(item["ask"] == QUERIES[name].ask() for name, item in lab_page["queries"].items())
    assert lab_page["scrape_s"] == 15


@pytest.fixture
def lab_page() -> dict[str, Any]:
    return facts_of(network_page.network_page(lab(), "15s"))


def test_nothing_in_a_text_ends_the_script_or_begins_a_template() -> None:
    evil = {"name": "</script><!--{{ .Secret }}{{{&amp;\u2028'\"", "deep": [{"a": {"b": {}}}]}
    text = network_page.safe_json(evil)
    assert json.loads(text) == evil
    assert not re.search(r"[<>&]|\{\{|[^\x20-\x7e]", text)


def test_two_braces_anywhere_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_page, "_palette", lambda: ":root {{ }")
    with pytest.raises(network_page.PageError, match="its own template"):
        network_page.network_page(lab(), "15s")


def test_the_limits_are_those_of_the_alerts() -> None:
    expressions = {alert.name: alert.expression for alert in ALERTS}
    limits = network_page.LIMITS
    assert f"selvedge:height_lag > {limits['lag']} " in expressions["HeightDiverging"]
    assert f"< {limits['days']} " in expressions["CertificateExpiresInAWeek"]
    assert f"< {limits['disk']} " in expressions["DiskFull"]
    assert f"> {limits['clock']} " in expressions["ClockSkew"]


def test_alerts_that_the_page_knows_exist() -> None:
    """Reasons that the page finds itself name the alerts that say the same."""
    script = (network_page.PARTS / "judge.js").read_text()
    told = re.findall(r'finding\.(?:add\("\w+"|check\(\d, reasons), .*?, "([A-Z]\w+)"\)', script)
    assert len(told) > 10 and {"NodeUnhealthy", "NodeDegraded", "CommitProbeFailing"} <= set(told)
    for name in told:
        assert any(alert.name.startswith(name) for alert in ALERTS), name


def test_a_topology_says_who_is_where_and_in_what() -> None:
    found = topology(wide())
    nodes = {item["name"]: item for item in found["nodes"]}
    assert [item["name"] for item in found["hosts"]] == ["core", "east", "west", "spare"]
    assert nodes["o1.ord.fabric.example.org"]["channels"] == ["all", "north.only"]
    assert nodes["p1.south.fabric.example.org"]["channels"] == ["all"]
    assert nodes["p1.south.fabric.example.org"]["label"] == "p1.south"
    assert nodes["p2.north-sea.fabric.example.org"]["chaincodes"] == [
        {"name": "assets", "node": "assets.p2.north-sea.fabric.example.org", "channel": "all"},
        {"name": "bonds", "node": "bonds.p2.north-sea.fabric.example.org", "channel": "north.only"},
    ]
    assert nodes["p2.north-sea.fabric.example.org"]["beside"] == [
        "assets.p2.north-sea.fabric.example.org",
        "bonds.p2.north-sea.fabric.example.org",
    ]
    couched = {item["name"]: item["beside"] for item in topology(sample("couched"))["nodes"]}
    peer = "peer0.org1.lab.example"
    assert couched[peer] == [f"couchdb.{peer}", f"assets.{peer}"]
    assert couched["orderer1.orderers.lab.example"] == []
    assert nodes["ca.ord.fabric.example.org"]["channels"] == []
    store = nodes["store.fabric.example.org"]
    assert (store["subject"], store["host"], store["kind"]) == ("store", "west", "store")
    assert found["channels"][1] == {
        "name": "north.only",
        "organizations": ["north-sea"],
        "chaincodes": ["bonds"],
    }


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Source: WCAG 2.2, "contrast ratio"."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_everybody_can_read_it(theme: int) -> None:
    every = {**colours.COLOURS, **colours.STATES, **colours.THREADS}
    of = {name: pair[theme] for name, pair in every.items()}
    grounds = ["ground", "host", "shared", *colours.ORGANIZATIONS]
    wanted = [("text", ground, 4.5) for ground in grounds]
    wanted += [("quiet", ground, 4.5) for ground in grounds]
    wanted += [(state, ground, 4.5) for state in ("warn", "bad", "accent") for ground in ("ground", "host")]
    # Signs: a letter in a disc.
    wanted += [("ground", state, 4.5) for state in ("good", "warn", "bad", "gone")]
    wanted += [(thread, "host", 3.0) for thread in colours.THREADS]
    for one, other, least in wanted:
        found = contrast(of[one], of[other])
        assert found >= least, f"{one} on {other}: {found:.2f}, less than {least}"
