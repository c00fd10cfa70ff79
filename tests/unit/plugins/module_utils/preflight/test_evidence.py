"""The whole look at a machine, this one."""

from __future__ import annotations

import hashlib
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model.preflight_view import (
    controller_preflight_view,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight import evidence, system
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import sample
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.preflight.samples import (
    expected,
    healthy,
)


def closed_ports(count: int) -> list[int]:
    servers = [socket.create_server(("127.0.0.1", 0)) for _unused in range(count)]
    ports = [int(server.getsockname()[1]) for server in servers]
    for server in servers:
        server.close()
    return ports


@pytest.fixture
def here() -> dict[str, Any]:
    """What host1 should be, with every address and port moved to closed ones of this machine."""
    view = expected("host1")
    view["address"] = "127.0.0.1"
    ports = closed_ports(12)
    for item, port in zip(view["ports"], ports, strict=False):
        item["port"] = port
    for item in view["endpoints"]:
        item.update(address="127.0.0.1", port=ports[10])
    for other in view["neighbours"]:
        other.update(address="127.0.0.1", ports=[{"port": ports[11], "service": "x"}])
    return view


def test_all_sections_as_a_deployed_host_has_them(here: dict[str, Any]) -> None:
    found = evidence.collect(here, "", 1)
    assert set(found) | {"clock"} == set(healthy())
    assert found["errors"] == {}
    assert set(found["disks"]) == set(healthy()["disks"])
    assert set(found["system"]) == set(healthy()["system"])
    assert set(found["knocks"].values()) == {"refused"}
    assert found["endpoints"] == {name: {"connection": "refused"} for name in ("registry", "store")}
    assert found["listeners"] == {}


def test_all_is_done_in_three_seconds(here: dict[str, Any]) -> None:
    """The budget of a host on which all is well; an engine that does not answer is given longer."""
    started = time.monotonic()
    evidence.collect(here, "", 1)
    assert time.monotonic() - started < 3


def test_of_the_controller_only_its_ways_are_asked() -> None:
    view = controller_preflight_view(sample("lab"))
    for item in (*view["neighbours"], *view["endpoints"]):
        item["address"] = "127.0.0.1"
    found = evidence.collect({**view, "neighbours": [], "endpoints": []}, "", 0.2)
    assert found == {"knocks": {}, "endpoints": {}, "errors": {}}


def test_a_question_that_fails_leaves_the_others(
    here: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> dict[str, Any]:
        raise KeyError("MemTotal")

    monkeypatch.setattr(system, "memory", broken)
    found = evidence.collect(here, "", 1)
    assert found["errors"] == {"memory": "KeyError: 'MemTotal'"}
    assert "memory" not in found
    assert found["system"]


def test_a_certificate_is_the_same_whatever_ends_its_last_line(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text("cert\n")
    assert evidence.fingerprint(str(file)) == hashlib.sha256(b"cert").hexdigest()
    assert evidence.fingerprint(str(tmp_path / "none")) == ""
