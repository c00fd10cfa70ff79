"""The page that the monitoring host serves, in a browser: its numbers are Prometheus', and the ledger's."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.monitoring import Server
from ansible_collections.selvedge.fabric.molecule.shared.testing.waiting import eventually
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import ChannelMembers
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import NetworkCheck
from ansible_collections.selvedge.fabric.tests.pictures.numbers import NUMBERS, compare
from ansible_collections.selvedge.fabric.tests.pictures.webdriver import Browser

PATIENCE_S = 120
LEADING = """
    return [...document.querySelectorAll("#map [data-node]")]
      .filter((item) => item.textContent.includes("leads")).map((item) => item.dataset.node)
"""


class Asked:
    """The deployed Prometheus, as the page's numbers are held against it."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def query(self, expression: str, time: str = "") -> list[tuple[dict[str, str], float]]:
        found = self._server.ask("/api/v1/query", query=expression, **({"time": time} if time else {}))
        return [(item["metric"], float(item["value"][1])) for item in found["result"]]


@pytest.fixture(autouse=True)
def used(ledger: Ledger) -> None:
    """Some transactions, so that there is something to count."""
    for _unused in range(5):
        _unused_key, result = ledger.create(timeout_s=20)
        ledger.wait_for(result.tx_id)


def test_every_number_is_what_prometheus_answers(page: Browser, prometheus: Server) -> None:
    def agree() -> None:
        assert compare(Asked(prometheus), page) == [], "the page has none for these"

    eventually(agree, PATIENCE_S, AssertionError)
    assert len(page.run(NUMBERS)["numbers"]) > 100
    assert page.errors() == []


def test_heights_are_the_ledgers(page: Browser, ledger: Ledger) -> None:
    def agree() -> None:
        shown = page.run(NUMBERS)["numbers"]
        heights = {
            item["labels"]["node"]: float(item["value"]) for item in shown if item["query"] == "height"
        }
        chains = {name: float(chain.height) for name, chain in ledger.chains().items()}
        assert {name: heights.get(name) for name in chains} == chains
        assert set(heights.values()) == set(chains.values()), "orderers have no more and no less"

    eventually(agree, PATIENCE_S, AssertionError)


def test_the_leader_is_the_channels(page: Browser, deployment: Deployment) -> None:
    members = [ChannelMembers.from_option(item) for item in deployment.controller["channels"]]

    def agree() -> None:
        leaders = {
            facts["leader"]
            for result in NetworkCheck(deployment.topology, members)()
            if result.kind == "orderer"
            for facts in result.facts["channels"].values()
        }
        assert set(page.run(LEADING)) == leaders

    eventually(agree, PATIENCE_S, AssertionError)
