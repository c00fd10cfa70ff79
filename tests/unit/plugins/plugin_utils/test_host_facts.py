"""Facts for all hosts, with cores that have dynamic variables and with those before them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.plugin_utils import host_facts

FACTS = {"selvedge_run": "here-1-2"}


def test_an_older_core_is_given_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_facts, "VariableLayer", None)
    assert host_facts.host_facts(SimpleNamespace(), FACTS) == {"ansible_facts": FACTS}


def test_a_newer_one_keeps_them_in_a_place_of_each_hosts_own(monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[tuple[Any, ...]] = []
    layers = SimpleNamespace(INCLUDE_VARS="include_vars", CACHEABLE_FACT="facts")
    monkeypatch.setattr(host_facts, "VariableLayer", layers)
    action = SimpleNamespace(register_host_variables=lambda *given: registered.append(given))
    assert host_facts.host_facts(action, FACTS) == {}, "facts would be one dict for all hosts"
    assert registered == [(FACTS, "include_vars")]
