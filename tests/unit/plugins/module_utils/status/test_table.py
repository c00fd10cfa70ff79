"""The report as text."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.status.table import (
    by_channel,
    render,
    size,
    span,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.status.samples import host, report


def section(text: str, head: str) -> list[list[str]]:
    """The lines of a section, split at two blanks."""
    part = next(part for part in text.split("\n\n") if part.startswith(head + " "))
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in part.splitlines()]


def test_a_network_that_is_well() -> None:
    said = render(report())
    assert said.splitlines()[0] == "Network lab: All is well (2026-11-24 22:30 UTC)"
    assert len(section(said, "node")) == 12
    assert section(said, "chaincode")[1] == [
        "demo/kv", "healthy", "1.0", "1", "4 of 4", "Org1 Org2", "AND('Org1MSP.peer', 'Org2MSP.peer')",
    ]  # fmt: skip
    assert section(said, "host")[1] == [
        "host1", "healthy", "Debian GNU/Linux 13 (trixie)", "26.1.5+dfsg1", "0.2.0", "2 h", "6 of 6", "25 %", "/ 75 %",
    ]  # fmt: skip
    channel = section(said, "channel")[1]
    assert channel[:3] == ["demo", "healthy", "3"] and channel[4:] == [
        "3 of 3", "4 of 4", "V2_0 V2_0 V2_5", "etcdraft", "100ms or 500 transactions",
    ]  # fmt: skip


def test_what_is_not_well_stands_on_top_with_what_to_do() -> None:
    said = render(
        report("faults", hosts={"host1": host(), "host2": {"unreachable": True, "msg": "no route"}})
    )
    top = said.split("\n\n")[1].splitlines()
    assert top[0] == "  host2 is unhealthy: cannot be reached: no route"
    assert top[1].startswith("    next: preflight.yml")
    assert len(top) == 12
    assert ["host2", "unhealthy", *["-"] * 7] in section(said, "host")


def test_no_line_ends_in_blanks() -> None:
    assert all(line == line.rstrip() for line in render(report("faults")).splitlines())


def test_a_network_without_channels() -> None:
    said = render(report(channels=[], chaincodes=[]))
    assert len(section(said, "channel")) == len(section(said, "chaincode")) == 1


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (by_channel({"a": 1}), "1"),
        (by_channel({"a": 1, "b": 2}), "a:1 b:2"),
        (span(90), "2 min"),
        (span(86400), "24 h"),
        (span(86400 * 12), "12 days"),
        (size(512), "512 B"),
        (size(1536), "1.5 KiB"),
        (size(3 << 40), "3.0 TiB"),
    ],
)
def test_numbers_for_people(found: str, shown: str) -> None:
    assert found == shown
