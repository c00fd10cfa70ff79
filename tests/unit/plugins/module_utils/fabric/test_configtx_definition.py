"""Reading a channel's definition: defaults, Go's notations, and every mistake at once."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
    format_duration,
    parse_duration,
    parse_size,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError

MEMBERS = {"organizations": ["Org1"], "orderer_organizations": ["Ord"], "orderers": ["orderer0"]}


def _read(**changes: Any) -> ChannelDefinition:
    return ChannelDefinition.from_option("demo", {**MEMBERS, **changes})


def test_member_lists_are_enough() -> None:
    definition = _read()
    assert definition.batch_timeout == "500ms"
    assert definition.batch_max_messages == 500
    assert definition.batch_absolute_max_bytes == 10 * 1024 * 1024
    assert definition.batch_preferred_max_bytes == 2 * 1024 * 1024
    assert definition.capabilities == {"channel": "V2_0", "orderer": "V2_0", "application": "V2_5"}
    assert definition.raft.snapshot_interval_size == 16 * 1024 * 1024
    assert definition.peers == ()


def test_what_ansible_passes_for_unset_options() -> None:
    unset = dict.fromkeys(("capabilities", "raft", "acls", "policies", "peers"))
    assert _read(**unset) == _read()


# Expected texts are what Go's time.Duration.String prints.
@pytest.mark.parametrize(
    ("text", "nanoseconds", "printed"),
    [
        ("500ms", 500_000_000, "500ms"),
        ("0.5s", 500_000_000, "500ms"),
        ("2s", 2_000_000_000, "2s"),
        ("1500ms", 1_500_000_000, "1.5s"),
        ("90s", 90_000_000_000, "1m30s"),
        ("1h", 3_600_000_000_000, "1h0m0s"),
        ("1h1ms", 3_600_001_000_000, "1h0m0.001s"),
        ("250us", 250_000, "250µs"),
        ("7ns", 7, "7ns"),
    ],
)
def test_durations(text: str, nanoseconds: int, printed: str) -> None:
    assert parse_duration(text) == nanoseconds
    assert format_duration(nanoseconds) == printed


@pytest.mark.parametrize("text", ["", "5", "s", "5 s", "-1s", "1s2"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="no|not"):
        parse_duration(text)


def test_sizes() -> None:
    assert [parse_size(text) for text in (7, "7", "512 KB", "10MB", "3 b")] == [7, 7, 524288, 10485760, 3]
    with pytest.raises(ValueError, match="not a size"):
        parse_size("10 GB")


def test_all_mistakes_in_one_go() -> None:
    with pytest.raises(FabricError) as caught:
        ChannelDefinition.from_option(
            "Demo",
            {
                "organizations": [],
                "orderer_organizations": "Ord",
                "orderers": ["a", "a"],
                "capabilities": {"channel": "V2_1", "peer": "V2_0"},
                "batch_timeout": "soon",
                "batch_max_messages": 0,
                "batch_absolute_max_bytes": "lots",
                "raft": {"tick": "1s"},
                "policies": {"org": {}, "organizations": {"Org9": {}}},
                "batch_timout": "1s",
                "acls": ["x"],
            },
        )
    text = str(caught.value)
    for expected in (
        "name: 'Demo'", "organizations: at least one", "orderer_organizations: must be a list",
        "orderers: a stands there twice", "capabilities.channel: 'V2_1' is unknown", "capabilities.peer",
        "batch_timeout: 'soon'", "batch_max_messages: must be above 0", "batch_absolute_max_bytes: 'lots'",
        "raft.tick", "policies.org", "policies.organizations.Org9", "batch_timout: there is no such key",
        "acls: must be a dictionary",
    ):  # fmt: skip
        assert expected in text
