"""What the network page shows: its numbers, held against what Prometheus answers, and the states of its nodes."""

from __future__ import annotations

import math
from typing import Any, Protocol

from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.queries import QUERIES
from ansible_collections.selvedge.fabric.tests.pictures.webdriver import Browser
from ansible_collections.selvedge.fabric.tests.pictures.written import written

NUMBERS = """
    return {time: document.body.dataset.time, numbers: [...document.querySelectorAll("[data-query]")].map((item) => ({
      query: item.dataset.query, labels: JSON.parse(item.dataset.labels), value: item.dataset.value,
      how: item.dataset.how || "", text: item.textContent}))};
"""

STATES = """
    return [...document.querySelectorAll("#map [data-node]")].map((item) => [item.dataset.node, item.dataset.state])
"""


class Answers(Protocol):
    """Whom the page asks."""

    def query(self, expression: str, time: str = "") -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series, now or at a moment."""


def value_of(prometheus: Answers, shown: dict[str, Any], time: str) -> float:
    """What Prometheus says of a number that is shown, of the moment that the page asked about."""
    answers = prometheus.query(QUERIES[shown["query"]].ask(), time)
    found = [
        value
        for labels, value in answers
        if shown["labels"].items() <= labels.items() and not math.isnan(value)
    ]
    if shown["how"] == "sum":
        return sum(found)
    assert found, f"Prometheus has nothing for {shown}"
    if shown["how"]:
        return {"max": max, "min": min}[shown["how"]](found)
    assert len(found) == 1, f"{shown} is of {len(found)} series"
    return found[0]


def compare(prometheus: Answers, page: Browser) -> list[dict[str, Any]]:
    """Hold every number of the page against Prometheus; returns those that the page has none for."""
    found = page.run(NUMBERS)
    time, shown = found["time"], found["numbers"]
    for item in shown:
        if item["value"]:
            now = value_of(prometheus, item, time)
            assert near(item, now), f"{item} and {now}"
            assert item["text"] == written(QUERIES[item["query"]].unit, float(item["value"])), item
    return [item for item in shown if not item["value"]]


def near(shown: dict[str, Any], value: float) -> bool:
    """Equal, but that a sample of the same moment may have come in since: it moves a rate a little."""
    rate = QUERIES[shown["query"]].unit in ("per_second", "share") or shown["query"] == "latency"
    return math.isclose(
        float(shown["value"]), value, rel_tol=0.05 if rate else 1e-6, abs_tol=0.02 if rate else 1e-6
    )
