"""Every query of the network page and of Grafana's dashboards has an answer of the live network, and the right one."""

from __future__ import annotations

import json
import math
import re
import urllib.request

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.monitoring import Server
from ansible_collections.selvedge.fabric.molecule.shared.testing.waiting import eventually
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.dashboards import (
    DASHBOARDS,
    Dashboard,
    dashboard,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.queries import ON_PAGE, QUERIES
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.topology import topology

# Rates look back five minutes, and clients have to have been there.
PATIENCE_S = 120


@pytest.fixture(scope="module")
def used(ledger: Ledger) -> None:
    """Some transactions, so that there is something to count."""
    for _unused in range(5):
        _unused_key, result = ledger.create(timeout_s=20)
        ledger.wait_for(result.tx_id)


def answers(prometheus: Server, expression: str) -> list[float]:
    """The values of an expression that are numbers."""
    found = [float(item["value"][1]) for item in prometheus.query(expression)]
    return [value for value in found if not math.isnan(value)]


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_has_an_answer(used: None, ledger: Ledger, prometheus: Server, name: str) -> None:
    def answered() -> None:
        if not answers(prometheus, QUERIES[name].ask()):
            # Quantiles are of what clients wait for now.
            ledger.create(timeout_s=20)
            raise AssertionError(f"no data: {QUERIES[name].ask()}")

    eventually(answered, PATIENCE_S, AssertionError)


@pytest.mark.parametrize("item", DASHBOARDS, ids=lambda item: item.name)
def test_every_panel_has_an_answer(used: None, prometheus: Server, item: Dashboard) -> None:
    """For one of the values at least that its reader can choose: a peer leads no channel."""
    values = [""]
    if item.variable:
        inner = item.values.removeprefix("label_values(").removesuffix(f", {item.variable})")
        found = prometheus.query(f"count by ({item.variable}) ({inner})")
        values = [series["metric"][item.variable] for series in found]
    targets = [target["expr"] for panel in dashboard(item)["panels"] for target in panel.get("targets", [])]

    def answered() -> None:
        empty = [
            expression
            for expression in targets
            if not any(
                prometheus.query(
                    expression.replace(f"${item.variable}", value) if item.variable else expression
                )
                for value in values
            )
        ]
        assert empty == []

    eventually(answered, PATIENCE_S, AssertionError)


def test_the_page_is_served_with_this_network_in_it(deployment: Deployment, prometheus: Server) -> None:
    url = f"https://{prometheus.service.reach()}/consoles/network.html"
    with urllib.request.urlopen(url, context=prometheus.monitor, timeout=20) as answer:
        assert answer.headers.get_content_type() == "text/html"
        page = answer.read().decode()
    found = re.search(r'<script id="facts" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    facts = json.loads(found.group(1))
    expected = topology(deployment.network)
    assert {name: facts[name] for name in expected} == expected
    assert {name: item["ask"] for name, item in facts["queries"].items()} == {
        name: QUERIES[name].ask() for name in ON_PAGE
    }


def test_every_node_of_the_page_is_known_to_prometheus(deployment: Deployment, prometheus: Server) -> None:
    """By the names that the page looks for: a number that nobody finds is no number."""
    nodes = topology(deployment.network)["nodes"]

    def known() -> None:
        up = {
            (item["metric"]["node"], item["metric"]["job"], item["metric"].get("host"))
            for item in prometheus.query(QUERIES["up"].ask())
        }
        assert {(node["name"], node["kind"], node["host"]) for node in nodes} <= up
        verdicts = {item["metric"]["subject"] for item in prometheus.query(QUERIES["verdict"].ask())}
        assert {node["subject"] for node in nodes} <= verdicts
        heights = {
            (item["metric"]["node"], item["metric"]["channel"])
            for item in prometheus.query(QUERIES["height"].ask())
        }
        assert {(node["name"], channel) for node in nodes for channel in node["channels"]} == heights
        codes = {item["metric"]["node"] for item in prometheus.query(QUERIES["chaincode"].ask())}
        assert {code["node"] for node in nodes for code in node["chaincodes"]} == codes
        hosts = {host.name for host in deployment.network.hosts.values()}
        for name in ("cpu", "memory", "disk", "clock"):
            assert {item["metric"]["host"] for item in prometheus.query(QUERIES[name].ask())} == hosts, name

    eventually(known, PATIENCE_S, AssertionError)


def test_heights_and_leaders_are_the_ledgers(ledger: Ledger, prometheus: Server) -> None:
    _unused, result = ledger.create(timeout_s=20)
    ledger.wait_for(result.tx_id)

    def agree() -> None:
        found = prometheus.query(QUERIES["height"].ask())
        heights = {item["metric"]["node"]: int(item["value"][1]) for item in found}
        chains = {name: chain.height for name, chain in ledger.chains().items()}
        # Orderers have no more and no less than the peers.
        assert {name: heights[name] for name in chains} == chains
        assert set(heights.values()) == set(chains.values())
        assert set(answers(prometheus, QUERIES["lag"].ask())) == {0.0}
        assert sorted(answers(prometheus, QUERIES["leader"].ask()))[-2:] == [0.0, 1.0]

    eventually(agree, PATIENCE_S, AssertionError)
