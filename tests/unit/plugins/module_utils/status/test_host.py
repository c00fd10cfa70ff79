"""What a host tells of itself."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.selvedge.fabric.plugins.module_utils.preflight import system
from ansible_collections.selvedge.fabric.plugins.module_utils.status import host
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.status.samples import inspected


def test_containers_as_an_engine_told_of_them() -> None:
    found = host.from_inspect(inspected(), "operate")
    assert [(item["name"], item["stack"]) for item in found][:3] == [
        ("assets.peer0.org1.operate.example", "ledger"),
        ("ca.orderers.operate.example", "ca"),
        ("orderer1.orderers.operate.example", "ledger"),
    ]
    assert set(found[0]) == {
        "name", "stack", "state", "image", "health", "started", "exit_code", "oom_killed", "restarts",
    }  # fmt: skip


def test_another_network_s_containers_are_not_told_of() -> None:
    assert host.from_inspect(inspected(), "oper") == []


def test_what_is_not_whole_is_left_out() -> None:
    line = inspected().splitlines()[0]
    assert len(host.from_inspect(f"{line[:40]}\n{line}\n\n", "operate")) == 1


def test_the_question_to_the_engine_has_no_environment_and_no_command() -> None:
    asked = host._INSPECT
    assert asked.count("{{") == asked.count("}}")
    assert not {"Env", "Cmd", "Args", "Log", "Mounts"} & set(
        asked.replace("}}", ".").replace(" ", ".").split(".")
    )


def test_memory() -> None:
    assert host.memory("MemTotal:  2048 kB\nMemAvailable: 1024 kB\n") == {
        "total": 2 << 20,
        "available": 1 << 20,
    }
    assert host.memory("") == {"total": 0, "available": 0}


def test_a_file_system_is_told_of_once(tmp_path: Path) -> None:
    (disk,) = system.disks([str(tmp_path), str(tmp_path / "not" / "there")])
    assert disk["paths"] == [str(tmp_path), str(tmp_path / "not" / "there")]
    assert 0 < disk["free"] <= disk["total"] and disk["read_only"] is False


def test_failed_units() -> None:
    text = "selvedge-agent.service loaded failed failed The store's agent\n\n"
    assert host.failed_units(text) == ["selvedge-agent.service"]


def test_this_machine_tells_of_itself(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("0.2.0\n")
    found = host.describe("none-such", [str(tmp_path)], str(tmp_path / "version"))
    assert found["version"] == "0.2.0" and found["uptime"] > 0 and found["memory"]["total"] > 0
    assert found["containers"] == [] and found["distribution"]
    json.dumps(found)
