"""docs/operator/health.md tells of the healthcheck of every kind of container that a network can have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, load
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    all_services,
    couched_model,
    fluent_model,
    pictured_model,
)

PAGE = Path(__file__).resolve().parents[3] / "docs/operator/health.md"
# What the page calls otherwise than the model does.
NAMES = {"opentelemetry-collector": "otel-collector"}
# Together they have everything.
MODELS = {"fluent-bit": fluent_model, "grafana": pictured_model, "couchdb": couched_model}


def told() -> dict[str, str]:
    """Kind of container to when it is healthy, as the page has it."""
    section = PAGE.read_text().partition("## Healthchecks of containers")[2].partition("\n## ")[0]
    found = {}
    for names, text in re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE):
        for name in names.split(", "):
            kind = name.strip().lower().replace(" ", "-")
            found[NAMES.get(kind, kind)] = text
    assert found.pop("container") == "healthy when"
    return found


def kinds(network: Network) -> dict[str, str]:
    """Container to its kind."""
    domain = network.settings["domain"]
    services = [*network.cas, *network.orderers, *network.peers, *network.chaincodes, *network.state_databases,
                *network.monitoring]  # fmt: skip
    guards = [
        network.guard(item)
        for kind in ("otel-collector", "fluent-bit")
        for item in network.monitoring_of(kind)
    ]
    return {
        **{item.name: item.kind for item in services},
        **dict.fromkeys(guards, "engine-watch"),
        f"store.{domain}": "store",
        f"registry.{domain}": "registry",
    }


def asked(network: Network) -> Iterator[tuple[str, list[str]]]:
    """Kind, and paths that a healthcheck asks for."""
    known = kinds(network)
    for service in all_services(network).values():
        words = service["healthcheck"]["test"]
        paths = [urlsplit(word).path for word in words if word.startswith(("http://", "https://"))]
        yield known[service["container_name"]], paths


@pytest.mark.parametrize("name", MODELS)
def test_every_container_stands_in_the_table_with_what_is_asked(name: str) -> None:
    page = told()
    for kind, paths in asked(load(MODELS[name](), LAB_HOSTS)):
        assert kind in page, kind
        for path in paths:
            # A program's own page is asked for no more than an answer.
            assert path == "/" or f"`{path}`" in page[kind], (kind, path)


def test_the_table_has_no_container_that_no_network_has() -> None:
    found = {kind for model in MODELS.values() for kind, _unused in asked(load(model(), LAB_HOSTS))}
    assert set(told()) == found
