"""Grafana's files: of one source with the page, complete, and without a key in them."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.dashboards import (
    DASHBOARDS,
    FOLDER,
    SOURCE,
    Dashboard,
    dashboard,
    dashboard_files,
    grafana_files,
    narrowed,
    provisioning,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.queries import QUERIES, Query
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.records import RECORDS


def test_a_query_is_narrowed_in_every_place() -> None:
    query = Query("x", "", 'max(a{*}) / rate(b{c="d",*}[5m])', "count", ("node",), "")
    assert query.ask() == 'max(a) / rate(b{c="d"}[5m])'
    assert query.ask(node="n") == 'max(a{node=~"n"}) / rate(b{c="d",node=~"n"}[5m])'


@pytest.mark.parametrize("query", QUERIES.values(), ids=lambda query: query.name)
def test_a_query_is_complete(query: Query) -> None:
    assert "{*}" in query.expression or ",*}" in query.expression
    assert query.title and query.about.endswith(".")
    assert "*}" not in query.ask() and "{}" not in query.ask()
    for name in re.findall(r"selvedge:[a-z0-9_:]+", query.expression):
        assert name in RECORDS, f"{name} is no recording rule"


def test_the_page_and_the_dashboards_have_the_same_queries() -> None:
    """Each query of the page is on a dashboard as well, and each query is on one."""
    used = {
        name
        for item in DASHBOARDS
        for _title, panels in item.rows
        for panel in panels
        for name in panel.queries
    }
    assert used == set(QUERIES)


@pytest.mark.parametrize("item", DASHBOARDS, ids=lambda item: item.name)
def test_a_dashboard_is_laid_out(item: Dashboard) -> None:
    made = dashboard(item)
    assert json.loads(dashboard_files()[f"{item.name}.json"]) == made
    numbers = [panel["id"] for panel in made["panels"]]
    assert len(numbers) == len(set(numbers))
    taken: set[tuple[int, int]] = set()
    for panel in made["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, f"{panel['title']} lies on another"
        assert at["x"] + at["w"] <= 24
        taken |= cells
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == SOURCE
            assert target["range"] != target["instant"]
    width = {y: sum(1 for x, row in taken if row == y) for _x, y in taken}
    assert set(width.values()) == {24}, "a row has a hole at its end"


def test_only_what_was_chosen_is_shown() -> None:
    assert narrowed(QUERIES["lag"], "node") == 'selvedge:height_lag{node=~"$node"}'
    assert 'subject=~"$node"' in narrowed(QUERIES["verdict"], "node")
    assert narrowed(QUERIES["sealed"], "node") == "max(selvedge_store_sealed)"
    assert narrowed(QUERIES["cpu"], "") == QUERIES["cpu"].ask()


WHERE = ("https://172.30.10.11:9090", "prometheus.monitoring.lab.example", "/run/grafana/tls", "lab")


def test_grafana_reads_keys_where_they_are() -> None:
    files = provisioning(*WHERE)
    source = files["datasources/selvedge.yml"]["datasources"][0]
    assert source["secureJsonData"] == {
        "tlsCACert": "$__file{/run/grafana/tls/ca.crt}",
        "tlsClientCert": "$__file{/run/grafana/tls/client.crt}",
        "tlsClientKey": "$__file{/run/grafana/tls/client.key}",
    }
    assert source["jsonData"]["serverName"] == "prometheus.monitoring.lab.example"
    assert (source["uid"], source["url"]) == (SOURCE, WHERE[0])
    provider = files["dashboards/selvedge.yml"]["providers"][0]
    assert (provider["folder"], provider["options"]["path"]) == ("lab", f"{FOLDER}/dashboards")


def test_every_file_has_its_place() -> None:
    found = {item["path"]: item["content"] for item in grafana_files(*WHERE)}
    assert set(found) == {
        "provisioning/datasources/selvedge.yml",
        "provisioning/dashboards/selvedge.yml",
        *(f"dashboards/{item.name}.json" for item in DASHBOARDS),
    }
    assert yaml.safe_load(found["provisioning/dashboards/selvedge.yml"])["apiVersion"] == 1
    assert json.loads(found["dashboards/host.json"])["uid"] == "selvedge-host"
