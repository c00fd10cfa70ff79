"""A BFT channel of four orderers: who leads, how many it can lose, and when it has lost them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import (
    Health,
    Status,
    table,
    wait_until_healthy,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import ChannelMembers
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import NetworkCheck
from ansible_collections.selvedge.fabric.tests.live import bft
from ansible_collections.selvedge.fabric.tests.live.network import LiveNetwork, running
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.health_captures import (
    HEALTHY,
    Recorder,
)

CHANNEL = "demo"


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, recorder: Recorder) -> Iterator[LiveNetwork]:
    with running(
        tmp_path_factory.mktemp("network"), orderers=4, peers={"Org1": 1}, version=bft.VERSION
    ) as network:
        bft.make_channel(network, CHANNEL)
        wait_until_healthy(check_of(network), 30)
        yield network
        if os.environ.get("SELVEDGE_CAPTURE"):
            recorder.write(f"{bft.VERSION}-bft", check_of(network))


def check_of(live: LiveNetwork) -> NetworkCheck:
    members = ChannelMembers.from_option({"name": CHANNEL, "definition": live.definition})
    return NetworkCheck(live.topology, [members])


def look(
    live: LiveNetwork,
    recorder: Recorder,
    patch: pytest.MonkeyPatch,
    case: str,
    wanted: Callable[[dict[str, Health]], bool],
) -> dict[str, Health]:
    deadline = time.monotonic() + 30
    with recorder.listening(patch):
        while True:
            found = {result.subject: result for result in check_of(live)()}
            if wanted(found):
                recorder.keep(case, live.topology)
                return found
            assert time.monotonic() < deadline, table(list(found.values()))
            time.sleep(0.2)


def well(found: dict[str, Health]) -> bool:
    return all(result.healthy for result in found.values())


def test_four_orderers(live: LiveNetwork, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(live, recorder, monkeypatch, HEALTHY, well)
    print(table(list(found.values())))
    facts = found["orderer1.orderer.lab"].facts["channels"][CHANNEL]
    assert facts["leader"] in live.names
    assert (facts["active"], facts["consenters"]) == (4, 4)


def test_a_follower_stops(live: LiveNetwork, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(live, recorder, monkeypatch, HEALTHY, well)
    leader = found["orderer1.orderer.lab"].facts["channels"][CHANNEL]["leader"]
    names = [node.name for node in live.topology.orderers if node.name != leader]
    live.stop(names[0])
    found = look(live, recorder, monkeypatch, "an orderer is stopped", lambda now: not well(now))
    assert found[leader].status is Status.DEGRADED
    reason = f"channel demo: 3 of 4 consenters active, quorum (3) remains, without {names[0]}"
    assert found[leader].reasons == (reason,)
    live.stop(names[1])
    found = look(
        live, recorder, monkeypatch, "two orderers are stopped", lambda now: not now["peer0.org1.lab"].reasons
    )
    assert found[leader].status is Status.UNHEALTHY
    lost = f"channel demo: 2 of 4 consenters active, no quorum (3), without {names[0]}, {names[1]}"
    assert lost in found[leader].reasons
    assert found["peer0.org1.lab"].healthy
    live.start()
    wait_until_healthy(check_of(live), 60)
