"""What of the bench's lab is measured as what, and what the table makes of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.plugins.module_utils.model import view
from ansible_collections.selvedge.fabric.tools.bench import monitoring, own_lab, usage
from ansible_collections.selvedge.fabric.tools.bench.pairs import LEDGER, Half, Pair, Timing, Window

COUNT = Counter({LEDGER: 11, "loki": 1, "node-exporter": 3})


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(own_lab.write(tmp_path / "inventory"))


def stacks(deployment: Deployment, host: str) -> dict[str, set[str]]:
    network = deployment.network
    lock = {
        f"{item['name']}:{item.get('version', '1')}": "x@sha256:0" for item in view.required_images(network)
    }
    found = view.host_view(network, host, lock, "ca")["stacks"]
    return {name: set(stack["services"]) for name, stack in found.items()}


def test_every_container_of_a_host_is_the_ledgers_or_the_monitorings(deployment: Deployment) -> None:
    for host in deployment.network.hosts:
        deployed = stacks(deployment, host)
        kinds = monitoring.kinds(deployment.network, host)
        # Stores and CAs do nothing for a transaction.
        assert set(kinds) == deployed["ledger"] | deployed["monitoring"]
        ledgers = {name for name, kind in kinds.items() if kind == LEDGER}
        assert not ledgers & deployed["monitoring"]
        # What stands in the ledger's stack and watches: it has to be stopped by itself.
        assert {kinds[name] for name in deployed["ledger"] - ledgers} == {"blackbox-exporter"}


def test_no_transaction_comes_just_when_a_block_is_cut(deployment: Deployment) -> None:
    (channel,) = deployment.network.settings["channels"]
    assert channel["batch_timeout"] == "500ms"
    assert 0.3 < monitoring.RATE * 0.5 % 1 < 0.7
    assert channel["batch_max_messages"] > 2 * monitoring.RATE


def test_all_hosts_are_asked_for_what_is_theirs(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, list[dict[str, Any]]] = {}

    class Machine:
        def __init__(self, host: str) -> None:
            self.host = host

        def run_python(self, modules: list[str], request: dict[str, Any]) -> dict[str, Any]:
            assert modules == [usage.__name__]
            asked.setdefault(self.host, []).append(request)
            return {name: {"pid": 0, "health": "none"} for name in request["names"]}

    monkeypatch.setattr(deployment, "machine", Machine)
    monkeypatch.setattr(deployment, "view", lambda host: {"monitoring_units": [f"unit of {host}"]})
    stage = monitoring.Stage(deployment)
    assert set(stage.look()) == set(stage.all_kinds)
    stage.switch(False)
    stage.switch(False)  # nothing to do
    assert not stage.watched
    for host, requests in asked.items():
        assert [request["do"] for request in requests] == ["look", "stop"]
        stopped = requests[1]
        assert set(stopped["names"]) == set(requests[0]["names"]) - {
            name for name, kind in stage.kinds[host].items() if kind == LEDGER
        }
        assert f"node-exporter-{host}.monitoring.monitoring.example" in stopped["names"]
        assert stopped["units"] == [f"unit of {host}"]
    assert set(asked) == set(deployment.network.hosts)


def half(watched: bool, latency: float, ledger: float, watching: float, error: str = "") -> Half:
    timings = [Timing(0, 0.001, 0.02, 0.02 + latency, error if number == 0 else "") for number in range(1000)]
    cpu = {LEDGER: ledger, **({"loki": watching / 2, "node-exporter": watching / 2} if watched else {})}
    memory = {LEDGER: 1e9, "loki": 5e7, "node-exporter": 3e7}
    return Half(watched, timings, Window(60, cpu, memory, ledger + watching))


def table(latency: float = 0.3, ledger: float = 20, watching: float = 0.5, error: str = "") -> bool:
    """Of one pair; without monitoring the latency is 0.3 s and the ledger uses 20 s."""
    pair = Pair(half(True, latency, ledger, watching, error), half(False, 0.3, 20, 0))
    rest = Window(60, {LEDGER: 1, "loki": 0.5, "node-exporter": 0.7}, {})
    return monitoring.table([pair], rest, COUNT)


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert table()
    said = {line[:62].rstrip(): line[62:].split() for line in capsys.readouterr().out.splitlines()}
    assert said["commit latency, median, with monitoring to without"] == ["1.000", "<=", "1.03"]
    assert said["monitoring's CPU for 1,000 tx at 21 tx/s"] == ["0.5", "s"]
    assert said["  of the ledger's in the same time"] == ["2.5", "%", "<=", "3", "%"]
    assert said["  without transactions, of one core"] == ["2.0", "%"]
    assert said["monitoring's memory, all hosts, at the end"] == ["80", "MB"]
    assert max(len(what) for what in said) <= 62


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"latency": 0.31}, "commit latency, median"),
        ({"ledger": 20.7}, "ledger's CPU for 1,000 tx, with"),
        ({"watching": 0.7}, "  of the ledger's in the same time"),
        ({"error": "no endorser"}, "21 tx/s, 1 pairs of 60 s: not committed"),
    ],
)
def test_what_is_over_is_told(capsys: pytest.CaptureFixture[str], wrong: dict[str, Any], where: str) -> None:
    assert not table(**wrong)
    over = [line for line in capsys.readouterr().out.splitlines() if line.endswith("OVER")]
    assert any(line.startswith(where) for line in over)


def test_this_machine_works() -> None:
    before = monitoring.machine_cpu()
    assert before > 0
    assert monitoring.machine_cpu() >= before - 0.1
