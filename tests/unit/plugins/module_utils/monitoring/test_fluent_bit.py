"""Fluent Bit is told the same as the collector: where to read, how much may wait, and what lines look like."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.fluent_bit import (
    fluent_bit_config,
    line_script,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.log_collector import (
    LABELS,
    HostLogs,
    Server,
    Sink,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.test_log_formats import (
    CHANNELS,
    LINES,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.test_log_formats import (
    test_secrets_stay_behind as secrets,
)

LOGS = HostLogs(
    "host1",
    "lab.example",
    ("org1", "north-sea"),
    ("main", "main-2", "main.sub"),
    Sink("https://192.0.2.1:3100/otlp", "/s/ca.crt", "/s/tls.crt", "/s/tls.key"),
    Server("127.0.0.1:1"),
)


def test_logs_go_to_loki_by_mutual_tls_and_wait_on_disk() -> None:
    config = fluent_bit_config(LOGS)
    (output,) = config["pipeline"]["outputs"]
    assert (output["name"], output["host"], output["port"]) == ("loki", "192.0.2.1", 3100)
    assert (output["tls.ca_file"], output["tls.crt_file"], output["tls.key_file"]) == (
        "/s/ca.crt",
        "/s/tls.crt",
        "/s/tls.key",
    )
    assert output["tls.verify_hostname"] is True
    assert output["retry_limit"] == "no_limits"
    assert output["storage.total_limit_size"] == "256M"
    assert output["labels"] == ", ".join(f"{name}=${name}" for name in LABELS)
    assert {item["storage.type"] for item in config["pipeline"]["inputs"]} == {"filesystem"}
    assert [item["name"] for item in config["pipeline"]["inputs"]] == ["tail", "systemd"]


@pytest.mark.parametrize(
    "sink", [Sink("https://logs.example.org/otlp"), Sink("https://192.0.2.1:3100/otlp", token_file="/t")]
)
def test_another_sink_is_refused(sink: Sink) -> None:
    with pytest.raises(ValueError, match="told only of a Loki"):
        fluent_bit_config(dataclasses.replace(LOGS, sink=sink))


def test_the_script_has_no_gap_left() -> None:
    script = line_script(LOGS)
    assert not re.search(r"@[A-Z]+@", script)
    assert '"%.north%-sea%.lab%.example$"' in script


def told(line: str, tag: str = "peer0.org1.lab.example", **record: str) -> dict[str, Any] | None:
    """What the script makes of a container's line."""
    return run("containers", {"log": f"{line}\n", "attrs": {"tag": tag}, **record})


def run(tag: str, record: dict[str, Any]) -> dict[str, Any] | None:
    """What the script makes of a record, by the Lua that Fluent Bit has inside; None where it is left out."""
    lua_of = pytest.importorskip(
        "lupa.luajit21", reason="lupa is not installed: Fluent Bit's script is not run"
    )
    lua = lua_of.LuaRuntime()
    lua.execute(line_script(LOGS))
    code, _unused, found = lua.globals().line(tag, 1, lua.table_from(record, recursive=True))
    return dict(found) if code == 2 else None


def test_lines_are_read_as_the_collector_reads_them() -> None:
    for line, level in LINES.items():
        found = told(line)
        assert found is not None
        assert found["level"] == (level or "unknown"), line
        assert (found["organization"], found["node"]) == ("org1", "peer0.org1.lab.example")
    for line, channel in CHANNELS.items():
        assert (told(line) or {}).get("channel", "") == channel, line
    (cases,) = (mark.args[1] for mark in secrets.pytestmark if mark.name == "parametrize")
    for line, expected in cases:
        assert (told(line) or {})["log"] == expected
    assert told("") is None
    assert told("\x1b[34mblue\x1b[0m") == {**(told("blue") or {})}


def test_audit_and_events_are_known() -> None:
    audit = told('{"time":"x","type":"response","error":"permission denied"}', "store.lab.example") or {}
    assert (audit["source"], audit["level"]) == ("audit", "warn")
    event = (
        told('{"event":"container die","node":"peer0.north-sea.lab.example","level":"warn"}', "engine-watch")
        or {}
    )
    assert (event["source"], event["level"], event["organization"]) == ("engine", "warn", "north-sea")


def test_a_journals_entry_may_have_a_field_twice() -> None:
    entry = {
        "message": ["level=error one", "password=hunter2"],
        "priority": ["3", "6"],
        "systemd_unit": ["a.service", "b.service"],
        "cmdline": "x --password hunter2",
    }
    assert run("journal", entry) == {
        "host": "host1",
        "node": "host1",
        "source": "journal",
        "unit": "a.service",
        "level": "error",
        "log": "level=error one password=[redacted]",
    }


def test_what_cannot_be_read_does_not_go_along_as_it_is() -> None:
    for tag, record in (
        ("journal", {"message": True}),
        ("containers", {"log": "password=hunter2", "attrs": 5}),
    ):
        found = run(tag, {**record, "cmdline": "x --password hunter2"})
        assert found is not None
        assert "hunter2" not in str(found)
        assert found["log"] == "[a line that could not be read]"
        assert (found["host"], found["level"]) == ("host1", "unknown")
