"""Every query of every picture, asked of a real Prometheus: each has an answer."""

from __future__ import annotations

import math
from functools import partial

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.dashboards import (
    DASHBOARDS,
    Dashboard,
    dashboard,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.queries import QUERIES
from ansible_collections.selvedge.fabric.tests.pictures.conftest import Watched
from ansible_collections.selvedge.fabric.tests.pictures.webdriver import eventually

_PATIENCE_S = 30
# What a node of a kind has no such metric for.
_NOT_OF = {
    "orderer": {"block_commit", "latency", "submitted", "proposals"},
    "peer": {"leader"},
    "ca": {"block_commit", "latency", "submitted", "proposals", "leader", "height", "lag"},
}


def values_of(watched: Watched, item: Dashboard) -> list[tuple[str, str]]:
    """What a reader can choose, with the kind of node."""
    if not item.variable:
        return [("", "")]
    inner = item.values.removeprefix("label_values(").removesuffix(f", {item.variable})")
    found = watched.prometheus.query(f"count by ({item.variable}, job) ({inner})")
    return sorted(
        {
            (labels[item.variable], labels["job"] if item.variable == "node" else "")
            for labels, _unused in found
        }
    )


def test_every_query_has_an_answer(watched: Watched) -> None:
    for query in QUERIES.values():
        answers = watched.prometheus.query(query.ask())
        assert answers, query
        assert not all(math.isnan(value) for _unused, value in answers), query
        for labels, _unused in answers:
            extra = set(labels) - set(query.labels) - {"__name__", "organization", "host"}
            assert not extra, f"{query.name}: {extra} are not named"
        known = [tuple(labels.get(name, "") for name in query.labels) for labels, _unused in answers]
        assert len(known) == len(set(known)), f"{query.name}: its labels do not tell series apart"


@pytest.mark.parametrize("item", DASHBOARDS, ids=lambda item: item.name)
def test_every_panel_has_an_answer(watched: Watched, item: Dashboard) -> None:
    values = values_of(watched, item)
    assert values
    names = {query.ask(): query.name for query in QUERIES.values()}
    for value, kind in values:
        for panel in dashboard(item)["panels"]:
            for target in panel.get("targets", []):
                expression = (
                    target["expr"].replace(f"${item.variable}", value) if item.variable else target["expr"]
                )
                assert "$" not in expression
                plain = target["expr"]
                for label in ("channel", "node", "subject", "host"):
                    plain = plain.replace(f',{label}=~"${item.variable}"', "").replace(
                        f'{{{label}=~"${item.variable}"}}', ""
                    )
                if names[plain] not in _NOT_OF.get(kind, ()):
                    what = f"{item.name}, {value}: {panel['title']}: {expression}"
                    # On a busy machine a scrape is missed now and then.
                    eventually(partial(watched.prometheus.query, expression), _PATIENCE_S, what)


def test_a_panel_shows_what_was_chosen_and_nothing_else(watched: Watched) -> None:
    chosen = QUERIES["height"].ask(node="peer0.org1.lab.example")
    answers = watched.prometheus.query(chosen)
    assert [labels["node"] for labels, _unused in answers] == ["peer0.org1.lab.example"]
