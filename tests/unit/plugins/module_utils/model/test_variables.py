"""Which variables are Selvedge's, and what a misspelt one was meant to be."""

from __future__ import annotations

import re

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model.variables import (
    FACTS,
    INPUTS,
    is_known,
    meant,
    ours,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import ROOT


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("selvedge_adress", "selvedge_address"),
        ("selvedge_seel", "selvedge_seal"),
        ("selvedge_sael", "selvedge_seal"),
        ("selvedge_netwrok", "selvedge_network"),
        ("selvedge_breaklock", "selvedge_break_lock"),
        ("selvedge_statedir", "selvedge_state_dir"),
        ("selvedge_image", "selvedge_images"),
        ("selvedge_rack", ""),
        ("selvedge_owner", ""),
        ("selvedge_backup_window", ""),
        ("selvedge_", ""),
    ],
)
def test_a_misspelt_name_is_known_again_and_an_operators_own_is_not(name: str, known: str) -> None:
    assert meant(name) == known


def test_only_names_with_the_beginning_are_looked_at() -> None:
    names = ["ansible_host", "selvedge_seal", "selvedge", "my_selvedge_seal", "__selvedge_host", "selvedge_a"]
    assert ours(names) == ["selvedge_a", "selvedge_seal"]


def test_what_roles_and_playbooks_read_is_known() -> None:
    """A fact that is missing from the list would be refused or warned of in a second look at the model."""
    files = [
        path
        for part in ("roles", "playbooks", "inventory", "molecule", "examples")
        for path in (ROOT / part).rglob("*.yml")
    ]
    names = {name for path in files for name in re.findall(r"\bselvedge_[a-z_]+\b", path.read_text())}
    # Metrics, and container names of the lab.
    names -= {name for name in names if name.endswith(("_seconds", "_total"))}
    assert {"selvedge_plans", "selvedge_network"} <= names
    assert sorted(name for name in names if not is_known(name)) == []
    assert not INPUTS.keys() & FACTS
