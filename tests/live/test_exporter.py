"""The health exporter as a process beside a real network, with the keys of a plain client of each organisation."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import chaincode, operations, rollout
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel import (
    apply_channel,
    plan_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.definition import Definition
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.metrics import Metrics
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.package import ccaas_package
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint
from ansible_collections.selvedge.fabric.tests.live.chaincode_server import serving
from ansible_collections.selvedge.fabric.tests.live.network import REPOSITORY, LiveNetwork, running
from ansible_collections.selvedge.fabric.tests.live.stores import LiveStore, running_store

CHANNEL, CHAINCODE, NAME = "demo", "kv", "health.org1.lab"
PEER = "peer0.org2.lab"
INTERVAL, PROBE_INTERVAL = 2.0, 3.0
PROGRAM = "ansible_collections.selvedge.fabric.plugins.module_utils.exporter.program"


class Exporter:
    """The process, and what it says."""

    def __init__(self, live: LiveNetwork, store: LiveStore, folder: Path) -> None:
        self.live, self.store, self.folder, self.port = live, store, folder, free_port()
        for organization in live.organizations.values():
            organization.enrol("users/probe", "client", NAME)
            self._render(f"{organization.mount}/users/probe")
            self._render(f"{organization.mount}/msp")
        mine = folder / live.organizations["Org1"].mount
        names = [node["name"] for node in [*live.option["orderers"], *live.option["peers"]]]
        peers = [node["name"] for node in live.option["peers"]]
        probe = {"function": "org.hyperledger.fabric:GetMetadata", "args": []}
        config = {
            "listen": f"127.0.0.1:{self.port}",
            "tls": {
                "cert_file": str(mine / "users/probe/tls_cert"),
                "key_file": str(mine / "users/probe/tls_key"),
                "client_ca_file": str(mine / "msp/tls_ca_cert"),
            },
            "secrets_dir": str(folder),
            # Without the admin port, where channels are removed.
            "topology": {
                **live.option,
                "orderers": [{**node, "admin_address": ""} for node in live.option["orderers"]],
            },
            "channels": [{"name": CHANNEL, "definition": live.definition}],
            "chaincodes": [
                {
                    "name": CHAINCODE,
                    "channel": CHANNEL,
                    "peers": peers,
                    "organizations": ["Org1", "Org2"],
                    "probe": probe,
                }
            ],
            "store": {key: store.option[key] for key in ("url", "ca_file", "server_name")},
            "hosts": dict.fromkeys(names, "here"),
            "interval": INTERVAL,
            "probe_interval": PROBE_INTERVAL,
            "probe_timeout": 10,
            "timeout": 2,
        }
        (folder / "exporter.json").write_text(json.dumps(config))

    def _render(self, path: str) -> None:
        """As the store's agent does it: a file a field."""
        target = self.folder / path
        target.mkdir(parents=True)
        for name, text in self.live.store.secrets[path].items():
            (target / name).write_text(text)

    def start(self) -> None:
        code = f"import sys; from {PROGRAM} import main; sys.exit(main(sys.argv[1:]))"
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / ".ansible/collections")}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, str(self.folder / "exporter.json")],
                env=environment, stdout=log, stderr=log,
            )  # fmt: skip

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)

    def get(self, path: str) -> tuple[int, str]:
        organization = self.live.organizations["Org1"]
        client = self.live.store.secrets[f"{organization.mount}/users/client"]
        endpoint = Endpoint(
            f"127.0.0.1:{self.port}", NAME, organization.tls_ca.cert, client["tls_cert"], client["tls_key"]
        )
        status, body = operations.get(endpoint, [path], 5).replies[0]
        return status, body.decode()

    def reach(self, wanted: Callable[[Metrics], Any], seconds: float = 40) -> Metrics:
        """The metrics as soon as they are as wanted."""
        deadline, text = time.monotonic() + seconds, ""
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            try:
                text = self.get("/metrics")[1]
            except operations.FabricError as error:
                text = str(error)
            else:
                found = Metrics.from_text(text)
                if wanted(found):
                    return found
            time.sleep(0.3)
        raise AssertionError(f"not after {seconds} s:\n{text}\n{self.log}")

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> float:
        """Resident megabytes."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1000


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    with ExitStack() as stack:
        live = stack.enter_context(running(tmp_path_factory.mktemp("network")))
        topology = live.topology
        apply_channel(
            topology, plan_channel(topology, ChannelDefinition.from_option(CHANNEL, live.definition))
        )
        server = stack.enter_context(serving())
        package = ccaas_package(CHAINCODE, server.address)
        server.package_id = package.package_id
        names = ["Org1", "Org2"]
        definition = Definition.desired(CHAINCODE, "1.0", "OR('Org1MSP.peer', 'Org2MSP.peer')")
        goal = chaincode.Wanted(
            CHANNEL, definition, dict.fromkeys(names, package), chaincode.select_peers(topology, [], names)
        )
        rollout.apply(topology, chaincode.plan(goal, rollout.read(topology, goal)))
        rollout.wait(topology, goal, 1, 60)
        store = stack.enter_context(running_store(tmp_path_factory.mktemp("store")))
        found = Exporter(live, store, tmp_path_factory.mktemp("exporter"))
        found.start()
        stack.callback(found.stop)
        yield found


def well(found: Metrics) -> bool:
    states = [sample.value for sample in found.samples.get("selvedge_node_status", [])]
    probed = found.value("selvedge_commit_probe_success", channel=CHANNEL)
    return len(states) == 6 and not any(states) and probed == 1


def reasons(found: Metrics, subject: str) -> list[tuple[str, str]]:
    """Reasons and remedies of what is not healthy."""
    samples = found.samples.get("selvedge_health_reason", [])
    return [
        (item.labels["reason"], item.labels["remedy"])
        for item in samples
        if item.labels["subject"] == subject
    ]


def test_a_healthy_network(exporter: Exporter) -> None:
    """All of it with no admin's key, and no node's."""
    found = exporter.reach(well)
    assert not list(exporter.folder.rglob("*admin*")) and not list(exporter.folder.rglob("nodes"))
    assert 0 < (found.value("selvedge_commit_probe_duration_seconds", channel=CHANNEL) or 0) < 10
    assert found.value("selvedge_chaincode_reachable", subject=PEER, chaincode=CHAINCODE) == 1
    assert found.value("selvedge_certificate_days", subject=PEER, certificate="TLS") == 89
    assert found.value("selvedge_certificate_days", subject=PEER, certificate="signing") == 89
    assert (found.value("selvedge_certificate_days", subject="probe@Org2", certificate="signing") or 0) > 89
    assert abs(found.value("selvedge_clock_skew_seconds", host="here") or 0) < 1
    assert abs((found.value("selvedge_exporter_last_run_timestamp_seconds") or 0) - time.time()) < 20
    assert exporter.get("/healthz")[0] == 200
    status = json.loads(exporter.get("/status.json")[1])
    assert {result["kind"] for result in status["results"]} == {"store", "orderer", "peer", "channel"}


def test_the_probe_makes_blocks(exporter: Exporter) -> None:
    before = exporter.reach(well).value("selvedge_channel_height", subject=PEER) or 0
    exporter.reach(lambda now: (now.value("selvedge_channel_height", subject=PEER) or 0) >= before + 2)


def test_what_it_costs(exporter: Exporter) -> None:
    exporter.reach(well)
    before, seconds = exporter.cpu, 15.0
    time.sleep(seconds)
    checks, probes = seconds / INTERVAL, seconds / PROBE_INTERVAL
    print(
        f"{exporter.cpu - before:.2f} s of processor time for {checks:.0f} checks of five nodes and {probes:.0f} "
        f"probes; {exporter.memory:.0f} MB"
    )
    assert exporter.memory < 150


def test_an_orderer_stops(exporter: Exporter) -> None:
    name = "orderer2.orderer.lab"
    exporter.live.stop(name)
    found = exporter.reach(lambda now: now.value("selvedge_node_status", subject=name) == 2)
    assert found.value("selvedge_channel_consenters_active", channel=CHANNEL) == 2
    results = {item["subject"]: item for item in json.loads(exporter.get("/status.json")[1])["results"]}
    assert {remedy for _unused, remedy in reasons(found, name)} == {results[name]["remedy"]}
    (other,) = reasons(found, "orderer0.orderer.lab")
    assert other == (
        results["orderer0.orderer.lab"]["reasons"][0],
        f"bring back {name}, before another one stops",
    )
    exporter.live.start(name)
    assert "selvedge_health_reason" not in exporter.reach(well).samples
    assert f"{name} is unhealthy: does not answer" in exporter.log
    assert f"{name} is healthy" in exporter.log


def test_a_peer_that_is_away_does_not_fail_the_probe(exporter: Exporter) -> None:
    exporter.live.signal(PEER, signal.SIGSTOP)
    try:
        exporter.reach(lambda now: now.value("selvedge_node_status", subject=PEER) == 2)
        ended = time.time() + PROBE_INTERVAL
        probed = "selvedge_commit_probe_last_run_timestamp_seconds"
        found = exporter.reach(lambda now: (now.value(probed, channel=CHANNEL) or 0) > ended)
        assert found.value("selvedge_commit_probe_success", channel=CHANNEL) == 1, exporter.log
        assert found.value("selvedge_channel_height", subject=PEER) is None
    finally:
        exporter.live.signal(PEER, signal.SIGCONT)
    exporter.reach(well)


@pytest.mark.parametrize("fault", ["sealed", "stopped"])
def test_the_ledger_is_judged_while_the_store_gives_nothing(exporter: Exporter, fault: str) -> None:
    """The exporter has its keys, and nobody else needs the store to go on."""
    exporter.reach(well)
    if fault == "sealed":
        exporter.store.seal()
    else:
        exporter.store.stop()
    try:
        found = exporter.reach(lambda now: now.value("selvedge_node_status", subject="store") == 2)
        assert found.value("selvedge_store_sealed") == (1 if fault == "sealed" else None)
        ended = time.time() + PROBE_INTERVAL
        probed = "selvedge_commit_probe_last_run_timestamp_seconds"
        found = exporter.reach(lambda now: (now.value(probed, channel=CHANNEL) or 0) > ended)
        states = {item.labels["subject"]: item.value for item in found.samples["selvedge_node_status"]}
        assert {name: state for name, state in states.items() if state} == {"store": 2}, exporter.log
        assert len(states) == 6
        assert found.value("selvedge_commit_probe_success", channel=CHANNEL) == 1, exporter.log
    finally:
        exporter.store.stop()
        exporter.store.start()
    exporter.reach(well)


def test_without_a_quorum_nothing_commits(exporter: Exporter) -> None:
    names = ["orderer0.orderer.lab", "orderer1.orderer.lab"]
    exporter.live.stop(*names)
    try:
        found = exporter.reach(
            lambda now: (
                now.value("selvedge_commit_probe_success", channel=CHANNEL) == 0
                and now.value("selvedge_node_status", subject="orderer2.orderer.lab") == 2
            )
        )
        assert [reason for reason, remedy in reasons(found, f"channel {CHANNEL}") if remedy], exporter.log
    finally:
        exporter.live.start(*names)
    exporter.reach(well, 60)


def test_it_ends_when_it_is_told_to(exporter: Exporter) -> None:
    """Runs last."""
    assert exporter.stop() == 0
    exporter.start()
    exporter.reach(well)
