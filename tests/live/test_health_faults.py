"""Each fault made for real, on Fabric 2.5.9 and 3.1.1: the verdict has its reason and its remedy, and heals.

``SELVEDGE_CAPTURE=1 pytest tests/live/test_health_faults.py`` also writes what the nodes answered to
``tests/unit/plugins/module_utils/fabric/health_captures``, from where unit tests judge it again.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import (
    operations,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import (
    Health,
    Status,
    table,
    wait_until_healthy,
)
from ansible_collections.selvedge.fabric.tests.live.chaincode_server import ChaincodeServer
from ansible_collections.selvedge.fabric.tests.live.network import START_TIMEOUT, LiveNetwork
from ansible_collections.selvedge.fabric.tests.live.stores import eventually
from ansible_collections.selvedge.fabric.tests.live.world import CHAINCODE, CHANNEL, World, deployed
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.health_captures import (
    HEALTHY,
)

VERSIONS = ["2.5.9", "3.1.1"]
ELECTION = 25.0
# Away from the nodes' address.
ELSEWHERE = "127.0.30.2"
PEER, ORDERER = "peer0.org1.lab", "orderer2.orderer.lab"
# The only peer of its organisation, which then waits for blocks of a leader in vain.
LEADER, FOLLOWER = ({"CORE_PEER_GOSSIP_ORGLEADER": text} for text in ("true", "false"))


@pytest.fixture(scope="module", params=VERSIONS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    version = request.param
    with deployed(LiveNetwork(tmp_path_factory.mktemp("network"), version=version)) as made:
        yield made
        if os.environ.get("SELVEDGE_CAPTURE"):
            made.recorder.write(version, made.check())


@pytest.fixture
def whole(world: World) -> Iterator[World]:
    """Whatever a test stopped runs again afterwards, and is waited for."""
    yield world
    world.live.start()
    wait_until_healthy(world.check(), 60)


Look = Callable[..., dict[str, Health]]


@pytest.fixture
def look(world: World, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Check until the verdicts are as wanted, and keep the answers as those of a case."""

    def look(
        case: str,
        wanted: Callable[[dict[str, Health]], bool] = lambda found: True,
        seconds: float = 5,
        **changes: Any,
    ) -> dict[str, Health]:
        deadline = time.monotonic() + seconds
        with world.recorder.listening(monkeypatch):
            while True:
                check = world.check(**changes)
                found = {result.subject: result for result in check()}
                if wanted(found):
                    world.recorder.keep(case, check.topology)
                    return found
                assert time.monotonic() < deadline, f"not after {seconds} s:\n{table(list(found.values()))}"
                time.sleep(0.2)

    return look


def unwell(found: dict[str, Health]) -> set[str]:
    return {name for name, result in found.items() if not result.healthy}


def test_a_healthy_network(world: World, look: Look) -> None:
    started = time.monotonic()
    found = look(HEALTHY, lambda now: not unwell(now))
    print(f"judged in {time.monotonic() - started:.2f} s\n{table(list(found.values()))}")
    assert unwell(found) == set()
    peer = found[PEER].facts
    assert peer["channels"][CHANNEL]["chaincodes"] == {CHAINCODE: True}
    assert peer["clock"]["source"] == "time in its answer"
    assert abs(peer["clock"]["skew"]) < 1
    assert found[ORDERER].facts["channels"][CHANNEL]["active"] == 3


def test_an_orderer_stops(whole: World, look: Look) -> None:
    leader = look(HEALTHY, lambda now: not unwell(now))[ORDERER].facts["channels"][CHANNEL]["leader"]
    name = next(node.name for node in whole.live.topology.orderers if node.name != leader)
    whole.live.stop(name)
    found = look("an orderer is stopped")
    assert found[name].status is Status.UNHEALTHY
    assert "Connection refused" in found[name].reasons[0]
    assert found[name].remedy.startswith("start it")
    reason = f"channel demo: 2 of 3 consenters active, quorum (2) remains, without {name}"
    assert found[leader].reasons == (reason,)
    assert found[leader].remedy == f"bring back {name}, before another one stops"


def test_two_orderers_stop(whole: World, look: Look) -> None:
    names = [node.name for node in whole.live.topology.orderers]
    whole.live.stop(*names[:2])
    found = look(
        "two orderers are stopped", lambda now: any("knows no" in r for r in now[names[2]].reasons), ELECTION
    )[names[2]]
    assert found.status is Status.UNHEALTHY
    assert "channel demo: it knows no Raft leader" in found.reasons
    lost = f"channel demo: 1 of 3 consenters active, no quorum (2), without {names[0]}, {names[1]}"
    assert lost in found.reasons


def test_a_peer_is_paused(whole: World, look: Look) -> None:
    whole.live.signal(PEER, signal.SIGSTOP)
    try:
        found = look("a peer is paused", lambda now: unwell(now) == {PEER}, 20, timeout=1.5)
    finally:
        whole.live.signal(PEER, signal.SIGCONT)
    assert unwell(found) == {PEER}
    assert found[PEER].reasons[0].endswith("no answer in 1.5 s")
    assert found[PEER].remedy.startswith("it hangs or is paused")


def test_an_orderer_is_paused(whole: World, look: Look) -> None:
    leader = look(HEALTHY, lambda now: not unwell(now))[ORDERER].facts["channels"][CHANNEL]["leader"]
    name = next(node.name for node in whole.live.topology.orderers if node.name != leader)
    whole.live.signal(name, signal.SIGSTOP)
    try:
        # On a busy machine another one may be late, too, once.
        found = look(
            "an orderer is paused",
            lambda now: [r.subject for r in now.values() if r.status is Status.UNHEALTHY] == [name],
            20,
            timeout=1.5,
        )
    finally:
        whole.live.signal(name, signal.SIGCONT)
    assert found[name].remedy.startswith("it hangs or is paused")
    assert found[leader].status is Status.DEGRADED
    assert found[leader].reasons[0].endswith(f"without {name}")


def test_a_host_is_cut_off(world: World, look: Look) -> None:
    """A peer and an orderer of one host: their packets arrive nowhere."""
    with ExitStack() as stack:

        def moved(address: str) -> str:
            held = stack.enter_context(socket.socket())
            held.bind((ELSEWHERE, 0))
            held.listen(100)  # nobody accepts
            return f"{ELSEWHERE}:{held.getsockname()[1]}" if address else ""

        def cut(node: Any) -> Any:
            places = ("address", "operations_address", "admin_address")
            away = {place: moved(getattr(node, place)) for place in places}
            return replace(node, **away) if node.name in (PEER, ORDERER) else node

        topology = world.live.topology
        topology = topology.narrowed(
            [cut(node) for node in topology.orderers], [cut(node) for node in topology.peers]
        )
        found = look("a host is cut off", topology=topology, timeout=1.5)
    for name in (PEER, ORDERER):
        assert found[name].status is Status.UNHEALTHY
        assert found[name].reasons[0].endswith(f"nothing at {ELSEWHERE} answers")
        assert found[name].remedy == "check that this host runs, and the network to it"
    assert found["peer0.org2.lab"].healthy


def test_a_chaincode_is_killed(whole: World, look: Look) -> None:
    server = whole.servers["Org1"]
    server.stop()
    try:
        found = look("a chaincode is killed", lambda now: unwell(now) == {PEER}, 15)
        assert found[PEER].status is Status.UNHEALTHY
        assert found[PEER].reasons[0].startswith("channel demo: chaincode kv does not answer through it: ")
        assert found[PEER].remedy.startswith("start the chaincode's container")
        assert found[PEER].facts["channels"][CHANNEL]["chaincodes"] == {CHAINCODE: False}
    finally:
        again = ChaincodeServer(address=server.address)
        again.package_id = server.package_id
        again.start()
        whole.servers["Org1"] = again


def test_a_certificate_is_near_its_end(world: World, look: Look) -> None:
    organization = world.live.organizations["Org1"]
    path = f"{organization.mount}/nodes/{PEER}"
    secret = world.live.store.secrets[path]
    short, key = organization.tls_ca.issue(PEER, "peer", tls=True, days=3)
    world.live.store.secrets[path] = {**secret, "tls_cert": short, "tls_key": key}
    found = look("a certificate is near its end", lambda now: unwell(now) == {PEER}, 20)[PEER]
    world.live.store.secrets[path] = secret
    assert found.status is Status.DEGRADED
    assert "its TLS certificate expires in 2 days" in found.reasons
    assert found.remedy


def test_a_clock_is_wrong(world: World, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours: what counts is the difference."""
    with monkeypatch.context() as patch:
        patch.setattr(operations, "time", SimpleNamespace(time=lambda: time.time() - 120))
        found = look("a clock is wrong")
    assert {result.status for result in found.values()} == {Status.DEGRADED}, table(list(found.values()))
    assert found[PEER].reasons == ("its clock is 120.0 s ahead of ours (time in its answer)",)
    assert "chronyc" in found[PEER].remedy


def test_a_block_file_is_broken(whole: World, look: Look) -> None:
    file = whole.live.root / PEER / f"data/ledgersData/chains/chains/{CHANNEL}/blockfile_000000"
    with flipped(file, b"first"):
        found = look("a block file is broken", lambda now: unwell(now) == {PEER}, 20)
        assert unwell(found) == {PEER}
        assert found[PEER].status is Status.UNHEALTHY
        newest = found[PEER].facts["channels"][CHANNEL]["height"] - 1
        assert found[PEER].reasons == (
            f"channel demo: its newest block ({newest}) is damaged: "
            "its transactions are not those of its header",
        )
        assert found[PEER].remedy.startswith("stop it and restore")


def test_a_block_file_is_cut(whole: World, look: Look) -> None:
    file = whole.live.root / PEER / f"data/ledgersData/chains/chains/{CHANNEL}/blockfile_000000"
    content = file.read_bytes()
    os.truncate(file, len(content) - 1000)
    try:
        found = look("a block file is cut", lambda now: unwell(now) == {PEER}, 20)
    finally:
        file.write_bytes(content)
    assert unwell(found) == {PEER}
    assert "cannot be read: " in found[PEER].reasons[0]


def test_a_peer_is_behind(whole: World, look: Look) -> None:
    """It follows a leader of its organisation that is not there, and gets no blocks."""
    live = whole.live
    live.stop(PEER)
    live.tell(PEER, FOLLOWER, [])
    live.start(PEER)
    for key in ("while", "away"):
        assert whole.submit(key, "Org2", ["peer0.org2.lab"]).problems == ()
    try:
        found = look("a peer is behind", lambda now: unwell(now) == {PEER})
        assert found[PEER].status is Status.DEGRADED
        height = whole.height("peer0.org2.lab")
        assert found[PEER].reasons == (f"channel demo: 2 blocks behind ({height - 2} of {height})",)
        assert "fork" not in found[PEER].facts["channels"][CHANNEL]
    finally:
        live.stop(PEER)
        live.tell(PEER, LEADER, [])


@pytest.mark.parametrize(("kind", "name"), [("a peer", PEER), ("an orderer", ORDERER)])
def test_a_node_has_not_joined(whole: World, look: Look, kind: str, name: str) -> None:
    live = whole.live
    live.stop(name)
    (live.root / name / "data").rename(live.root / name / "before")
    (live.root / name / "data").mkdir()
    live.start(name)
    # The leader notices after some seconds whom it does not hear.
    orderers = {node.name for node in live.topology.orderers}
    try:
        found = look(
            f"{kind} has not joined",
            lambda now: unwell(now) == (orderers if name in orderers else {name}),
            ELECTION * 2,
        )
        assert found[name].status is Status.UNHEALTHY
        assert "channel demo: it has not joined" in found[name].reasons
        assert found[name].remedy.startswith("run site.yml")
    finally:
        live.stop(name)
        put_back(live.root / name)


def test_grpc_is_refused(world: World, look: Look) -> None:
    """While the operations endpoint answers: another address, or a firewall that lets one port through."""
    topology = world.live.topology
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{held.getsockname()[1]}"
        peers = [replace(node, address=address) if node.name == PEER else node for node in topology.peers]
        found = look("gRPC is refused", topology=topology.narrowed(topology.orderers, peers))
    assert unwell(found) == {PEER}
    assert found[PEER].reasons[0].startswith(f"gRPC {address} does not serve: ")
    assert "Connection refused" in found[PEER].reasons[0]


def test_a_peer_has_forked(whole: World, look: Look) -> None:
    """All others are put back to a copy of yesterday, and go on from there: the wrong backup, or a disk that lies."""
    live = whole.live
    others = [name for name in live.names if name != PEER]
    live.stop()
    for name in live.names:
        shutil.copytree(live.root / name / "data", live.root / name / "before")
    live.start()
    wait_until_healthy(whole.check(), 60)
    height = whole.height(PEER)
    assert whole.submit("of one history").problems == ()
    live.stop()
    for name in others:
        put_back(live.root / name)
    live.start(*others)
    for key in ("of", "another", "history"):
        assert whole.submit(key, "Org2", ["peer0.org2.lab"]).problems == ()
    if live.version == "2.5.9":
        # It ends at the next block, maybe before it listens; a follower of a leader that is away gets none.
        live.launch(PEER)
        eventually(lambda: not live.runs(PEER), START_TIMEOUT + 20)
        assert "unexpected Previous block hash" in live.log(PEER)
        live.stop(PEER)
        live.tell(PEER, FOLLOWER, [])
    live.start(PEER)
    try:
        found = look("a peer has forked", lambda now: unwell(now) == {PEER})
        assert found[PEER].status is Status.UNHEALTHY
        assert found[PEER].facts["channels"][CHANNEL]["fork"] == height
        assert found[PEER].facts["channels"][CHANNEL]["lag"] == 2
        (reason,) = found[PEER].reasons
        assert reason.startswith(f"channel demo: its block {height} (")
    finally:
        live.stop(PEER)
        live.tell(PEER, LEADER, [])
        put_back(live.root / PEER)


def put_back(folder: Path) -> None:
    """A node's data as they were."""
    shutil.rmtree(folder / "data")
    (folder / "before").rename(folder / "data")


class flipped:
    """The last place where ``text`` stands in a file, spoilt within the block."""

    def __init__(self, file: Path, text: bytes) -> None:
        self._file, self._content = file, file.read_bytes()
        self._at = self._content.rindex(text)

    def __enter__(self) -> None:
        self._write(bytes([self._content[self._at] ^ 1]))

    def __exit__(self, *_unused: object) -> None:
        self._write(self._content[self._at : self._at + 1])

    def _write(self, byte: bytes) -> None:
        with self._file.open("r+b") as stream:
            stream.seek(self._at)
            stream.write(byte)
