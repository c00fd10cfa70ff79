"""Grafana's dashboards: the network, one channel, one node, one host. Every query is one of queries.py.

What stands where is data here; JSON is made of it. Source: Grafana's manual, "Dashboard JSON model" and "Provisioning".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.queries import QUERIES, Query

# The name by which dashboards know their Prometheus.
SOURCE = "selvedge"
FOLDER = "/etc/grafana"
# Below Grafana's folder ``provisioning``.
SOURCES_FILE = "datasources/selvedge.yml"
PROVIDER_FILE = "dashboards/selvedge.yml"
# Grafana's grid has 24 columns; heights in its rows.
_COLUMNS, _STAT, _GRAPH = 24, 4, 8

_UNITS = {
    "per_second": "short",
    "seconds": "s",
    "days": "d",
    "blocks": "short",
    "share": "percentunit",
    "bytes": "bytes",
    "count": "short",
    "state": "short",
}
_VERDICTS = {"0": ("healthy", "green"), "1": ("degraded", "orange"), "2": ("unhealthy", "red")}
_YES = {"0": ("no", "red"), "1": ("yes", "green")}
_SEALED = {"0": ("open", "green"), "1": ("sealed", "red")}
_WORDS = {
    "verdict": _VERDICTS,
    "reason": {**_VERDICTS, "0": ("nothing is wrong", "green")},
    "sealed": _SEALED,
    "leader": {"0": ("follows", "blue"), "1": ("leads", "green")},
}
# From which value on a number is yellow, and red; the other way round where less is worse.
_WORSE = {
    "lag": (5, 20),
    "firing": (1, 3),
    "clock": (1, 2),
    "endorsement_failures": (0.01, 0.02),
    "restarts": (1, 3),
}
_LESS_IS_WORSE = {"served_days": (7, 30), "checked_days": (7, 30), "disk": (0.08, 0.2), "inodes": (0.05, 0.2)}


@dataclass(frozen=True)
class Panel:
    """One picture of one or more queries.

    :param kind: ``stat``, ``timeseries``, ``state-timeline``, ``bargauge`` or ``table``
    :param queries: names in QUERIES
    :param width: in columns, of 24
    """

    kind: str
    queries: tuple[str, ...]
    width: int
    title: str = ""


@dataclass(frozen=True)
class Dashboard:
    """One page.

    :param variable: the label that its reader chooses a value of, empty where there is none
    :param values: how Grafana finds the values
    :param rows: title and panels
    """

    name: str
    title: str
    variable: str
    values: str
    rows: tuple[tuple[str, tuple[Panel, ...]], ...]


def _stat(width: int, *queries: str) -> Panel:
    return Panel("stat", queries, width)


def _graph(width: int, *queries: str, title: str = "") -> Panel:
    return Panel("timeseries", queries, width, title)


# The store has another name in verdicts than in metrics, and is on the page of the network.
_NODES = 'up{job=~"orderer|peer|ca"}'

DASHBOARDS = (
    Dashboard("network", "Network", "", "", (
        ("", (_stat(4, "throughput"), _stat(4, "probe_duration"), _stat(4, "lag"), _stat(4, "endorsement_failures"),
              _stat(4, "firing"), _stat(4, "sealed"))),
        ("Health", (Panel("state-timeline", ("verdict",), 16), Panel("bargauge", ("served_days",), 8))),
        ("Reasons", (Panel("table", ("reason",), 24),)),
        ("Ledgers", (_graph(8, "throughput", "invalid", title="Transactions, a second"), _graph(8, "height"),
                     _graph(8, "lag"))),
        ("Clients", (_graph(8, "probe_duration", "latency", title="Commit"), _graph(8, "proposals"),
                     _graph(8, "endorsement_failures"))),
        ("Ordering", (Panel("state-timeline", ("leader",), 12),
                      _graph(12, "active", "quorum", "consenters", title="Consenters"))),
        ("Watching", (_graph(8, "freshness", "verdict_age", title="Age of what is known"),
                      Panel("state-timeline", ("up",), 16))),
    )),
    Dashboard("channel", "Channel", "channel", "label_values(ledger_blockchain_height, channel)", (
        ("", (_stat(4, "throughput"), _stat(4, "probe_success"), _stat(4, "probe_duration"), _stat(4, "lag"),
              _stat(4, "active"), _stat(4, "quorum"))),
        ("Ledger", (_graph(8, "height"), _graph(8, "lag"), _graph(8, "blocks"))),
        ("Transactions", (_graph(8, "throughput", "invalid", title="Transactions, a second"), _graph(8, "block_commit"),
                          _graph(8, "probe_duration"))),
        ("Ordering", (Panel("state-timeline", ("leader",), 12), _graph(12, "leader_changes"))),
        ("Chaincode", (Panel("state-timeline", ("chaincode",), 8), Panel("state-timeline", ("reachable",), 8),
                       _graph(8, "endorsement_failures"))),
    )),
    Dashboard("node", "Node", "node", f"label_values({_NODES}, node)", (
        ("", (_stat(4, "verdict"), _stat(4, "up"), _stat(4, "uptime"), _stat(4, "restarts"), _stat(4, "served_days"),
              _stat(4, "lag"))),
        ("Reasons", (Panel("table", ("reason",), 24),)),
        ("Ledgers", (_graph(8, "height"), _graph(8, "lag"), _graph(8, "block_commit"))),
        ("Clients of a peer", (_graph(8, "latency"), _graph(8, "submitted"), _graph(8, "proposals"))),
        ("Process", (_graph(8, "process_cpu"), _graph(8, "process_memory"), Panel("bargauge", ("checked_days",), 8))),
        ("Ordering", (Panel("state-timeline", ("leader",), 24),)),
    )),
    Dashboard("host", "Host", "host", 'label_values(up{job="node-exporter"}, host)', (
        ("", (_stat(4, "cpu"), _stat(4, "memory"), _stat(4, "disk"), _stat(4, "inodes"), _stat(4, "clock"),
              _stat(4, "served_days"))),
        ("Load", (_graph(24, "cpu", "memory", title="Processor and memory"),)),
        ("Room", (_graph(12, "disk", "inodes", title="What is left"), _graph(12, "clock"))),
        ("What runs there", (Panel("state-timeline", ("up",), 12), Panel("state-timeline", ("chaincode",), 12))),
    )),
)  # fmt: skip


def dashboard_files() -> dict[str, str]:
    """File name to JSON of every dashboard."""
    return {f"{item.name}.json": json.dumps(dashboard(item), indent=1) + "\n" for item in DASHBOARDS}


def dashboard(item: Dashboard) -> dict[str, Any]:
    """One dashboard as Grafana reads it."""
    return {
        "uid": f"selvedge-{item.name}",
        "title": item.title,
        "tags": ["selvedge"],
        "timezone": "browser",
        "editable": False,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "links": [
            {
                "type": "dashboards",
                "title": "Selvedge",
                "tags": ["selvedge"],
                "keepTime": True,
                "includeVars": True,
            }
        ],
        "templating": {"list": [_variable(item)] if item.variable else []},
        "panels": list(_panels(item)),
    }


def _variable(item: Dashboard) -> dict[str, Any]:
    return {
        "name": item.variable,
        "label": item.title,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": item.values, "refId": "values"},
        "refresh": 2,
        "sort": 1,
        "includeAll": False,
        "multi": False,
    }


_SOURCE = {"type": "prometheus", "uid": SOURCE}


def _panels(item: Dashboard) -> Iterator[dict[str, Any]]:
    """Rows from left to right and from top to bottom."""
    y = number = 0
    for title, panels in item.rows:
        if title:
            number += 1
            yield {"id": number, "type": "row", "title": title, "collapsed": False, "panels": [],
                   "gridPos": {"x": 0, "y": y, "w": _COLUMNS, "h": 1}}  # fmt: skip
            y += 1
        height = max(_STAT if panel.kind == "stat" else _GRAPH for panel in panels)
        x = 0
        for panel in panels:
            number += 1
            yield {
                "id": number,
                **_panel(panel, item.variable),
                "gridPos": {"x": x, "y": y, "w": panel.width, "h": height},
            }
            x += panel.width
        y += height


def _panel(panel: Panel, variable: str) -> dict[str, Any]:
    queries = [QUERIES[name] for name in panel.queries]
    first = queries[0]
    defaults: dict[str, Any] = {
        "unit": _UNITS[first.unit],
        "mappings": _mappings(first),
        "thresholds": _thresholds(first),
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
    }
    if first.unit == "share":
        defaults |= {"min": 0, "max": 1}
    if panel.kind == "timeseries":
        defaults["custom"] = {"lineWidth": 2, "fillOpacity": 8, "showPoints": "never", "spanNulls": False}
    return {
        "type": panel.kind,
        "title": panel.title or first.title,
        "description": " ".join(query.about for query in queries),
        "datasource": _SOURCE,
        "targets": [
            _target(query, variable, chr(ord("A") + index), panel, several=len(queries) > 1)
            for index, query in enumerate(queries)
        ],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _options(panel, first),
        **({"transformations": [_COLUMNS_OF_A_TABLE]} if panel.kind == "table" else {}),
    }


def _target(query: Query, variable: str, letter: str, panel: Panel, several: bool) -> dict[str, Any]:
    shown = [label for label in query.labels if label not in (variable, "organization", "kind")]
    legend = " ".join(f"{{{{{label}}}}}" for label in shown)
    if several or not legend:
        legend = f"{query.title} {legend}".strip()
    return {
        "refId": letter,
        "datasource": _SOURCE,
        "expr": narrowed(query, variable),
        "legendFormat": legend,
        "range": panel.kind in ("timeseries", "state-timeline"),
        "instant": panel.kind in ("stat", "bargauge", "table"),
        **({"format": "table"} if panel.kind == "table" else {}),
    }


def narrowed(query: Query, variable: str) -> str:
    """The expression for the value that the reader chose, where the query's series have that label."""
    label = "subject" if variable == "node" and "subject" in query.labels else variable
    return query.ask(**{label: f"${variable}"}) if label in query.labels else query.ask()


def _mappings(query: Query) -> list[dict[str, Any]]:
    if query.unit != "state":
        return []
    words = _WORDS.get(query.name, _YES)
    return [{
        "type": "value",
        "options": {value: {"text": text, "color": colour, "index": index}
                    for index, (value, (text, colour)) in enumerate(words.items())},
    }]  # fmt: skip


def _thresholds(query: Query) -> dict[str, Any]:
    colours = ["green", "yellow", "red"]
    limits = _WORSE.get(query.name, ())
    if query.name in _LESS_IS_WORSE:
        colours, limits = colours[::-1], _LESS_IS_WORSE[query.name]
    values = [None, *limits]
    steps = [{"color": colour, "value": value} for colour, value in zip(colours, values, strict=False)]
    return {"mode": "absolute", "steps": steps}


# Labels are columns; when it was asked is that of the page.
_COLUMNS_OF_A_TABLE = {
    "id": "organize",
    "options": {"excludeByName": {"Time": True}, "renameByName": {"Value": "status"}},
}


def _options(panel: Panel, query: Query) -> dict[str, Any]:
    # Of several series the one that is worst is the number of the panel.
    worst = "min" if query.name in _LESS_IS_WORSE else "max"
    calculations = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if panel.kind == "stat":
        return {"reduceOptions": calculations, "colorMode": "value", "graphMode": "area", "textMode": "auto"}
    if panel.kind == "bargauge":
        return {
            "reduceOptions": calculations,
            "orientation": "horizontal",
            "displayMode": "basic",
            "showUnfilled": True,
        }
    if panel.kind == "table":
        return {"showHeader": True, "cellHeight": "sm"}
    if panel.kind == "state-timeline":
        return {
            "mergeValues": True,
            "showValue": "never",
            "rowHeight": 0.85,
            "legend": {"displayMode": "list", "placement": "bottom"},
        }
    return {"legend": {"displayMode": "table", "placement": "bottom", "calcs": [worst, "lastNotNull"]},
            "tooltip": {"mode": "multi", "sort": "desc"}}  # fmt: skip


def datasource(
    kind: str, uid: str, name: str, url: str, server_name: str, files: dict[str, str]
) -> dict[str, Any]:
    """A source that Grafana asks over mutual TLS, as its provisioning has it.

    :param kind: ``prometheus`` or ``loki``
    :param server_name: the name in the source's certificate
    :param files: ``tlsCACert``, ``tlsClientCert`` and ``tlsClientKey``: where Grafana reads them when it starts, so
        that no key stands in a file of its own
    """
    return {
        "name": name,
        "uid": uid,
        "type": kind,
        "access": "proxy",
        "url": url,
        "isDefault": uid == SOURCE,
        "editable": False,
        "jsonData": {
            **({"httpMethod": "POST"} if kind == "prometheus" else {}),
            "tlsAuth": True,
            "tlsAuthWithCACert": True,
            "serverName": server_name,
        },
        "secureJsonData": {key: f"$__file{{{path}}}" for key, path in files.items()},
    }


def dashboard_provider(folder: str) -> dict[str, Any]:
    """What has Grafana find the dashboards.

    :param folder: where it shows them
    """
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "selvedge",
                "folder": folder,
                "type": "file",
                "disableDeletion": True,
                "allowUiUpdates": False,
                "options": {"path": f"{FOLDER}/dashboards"},
            }
        ],
    }


def provisioning(url: str, server_name: str, tls: str, network: str) -> dict[str, dict[str, Any]]:
    """What has Grafana find its Prometheus and its dashboards, by the path below its folder ``provisioning``.

    :param url: Prometheus' address
    :param server_name: the name in its certificate
    :param tls: the folder with ``ca.crt``, ``client.crt`` and ``client.key``, as Grafana sees it
    :param network: the folder that dashboards are shown in
    """
    files = {"tlsCACert": "ca.crt", "tlsClientCert": "client.crt", "tlsClientKey": "client.key"}
    places = {key: f"{tls}/{name}" for key, name in files.items()}
    return {
        SOURCES_FILE: {
            "apiVersion": 1,
            "datasources": [datasource("prometheus", SOURCE, "Selvedge", url, server_name, places)],
        },
        PROVIDER_FILE: dashboard_provider(network),
    }


def grafana_files(url: str, server_name: str, tls: str, network: str) -> list[dict[str, str]]:
    """All files, each with ``path`` below Grafana's folder and ``content``. Arguments as those of provisioning.

    JSON is YAML, so one writer does for both.
    """
    provisioned = provisioning(url, server_name, tls, network)
    files = {
        f"provisioning/{path}": json.dumps(content, indent=1) + "\n" for path, content in provisioned.items()
    }
    files |= {f"dashboards/{name}": text for name, text in dashboard_files().items()}
    return [{"path": path, "content": text} for path, text in files.items()]
