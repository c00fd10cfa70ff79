"""Waiting for health, the table, the options, and which nodes are asked."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import (
    Finding,
    Health,
    Status,
    UnhealthyError,
    table,
    verdict,
    wait_until_healthy,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    Authority,
    ChannelMembers,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_probes import attempt
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import NetworkCheck
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.health_samples import node

GOOD = Health("peer0", "peer", "Org1", Status.HEALTHY)
BAD = verdict("peer1", "peer", "Org1", [Finding(Status.UNHEALTHY, "does not answer", "start it")], {})
LASTING = verdict("peer2", "peer", "Org1", [Finding(Status.DEGRADED, "old", "renew it", lasting=True)], {})


def answers(*results: list[Health]) -> Callable[[], list[Health]]:
    """A check that answers these, and the last one from then on."""
    left = list(results)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_waits_until_all_is_healthy() -> None:
    seen: list[tuple[float, list[Health]]] = []
    check = answers([GOOD, BAD], [BAD, GOOD], [GOOD, GOOD])
    results = wait_until_healthy(check, 5, 0.05, lambda elapsed, now: seen.append((elapsed, now)))
    assert results == [GOOD, GOOD]
    assert [len([r for r in now if r.healthy]) for _unused, now in seen] == [1, 1, 2]
    assert seen[0][0] < seen[1][0] < seen[2][0]
    assert 0.1 <= seen[2][0] < 1


def test_waits_until_all_is_stable() -> None:
    started = time.monotonic()
    assert wait_until_healthy(answers([GOOD]), 0, 0.05, stable_for_s=0.3) == [GOOD]
    assert 0.3 <= time.monotonic() - started < 1.5
    # What becomes unhealthy in between begins anew.
    seen: list[float] = []
    check = answers([GOOD], [BAD], [GOOD], [GOOD], [GOOD], [GOOD])
    wait_until_healthy(check, 5, 0.05, lambda elapsed, now: seen.append(elapsed), stable_for_s=0.2)
    assert len(seen) > 3 and seen[-1] - seen[2] >= 0.15


def test_not_stable_is_not_healthy() -> None:
    with pytest.raises(
        UnhealthyError, match=r"not healthy any more, it was for \d\.\d s: peer1 is unhealthy"
    ) as caught:
        wait_until_healthy(answers([GOOD], [BAD]), 0, 0.1, stable_for_s=3)
    assert caught.value.results == [BAD]


def test_the_last_evidence_when_time_is_up() -> None:
    started = time.monotonic()
    with pytest.raises(UnhealthyError) as caught:
        wait_until_healthy(answers([BAD], [BAD, GOOD, LASTING]), 0.3, 0.05)
    assert 0.2 < time.monotonic() - started < 0.6
    assert caught.value.results == [BAD, GOOD, LASTING]
    text = str(caught.value)
    assert "after 0.3 s: " in text or "after 0.2 s: " in text
    assert "peer1 is unhealthy: does not answer; peer2 is degraded: old" in text
    assert text.endswith("Next: start it")


def test_no_time_is_one_check() -> None:
    calls = []
    with pytest.raises(UnhealthyError, match="^the network is not healthy: peer1"):
        wait_until_healthy(lambda: calls.append(1) or [BAD], 0)  # type: ignore[func-returns-value]
    assert calls == [1]


def test_what_lasts_is_not_waited_for() -> None:
    started = time.monotonic()
    with pytest.raises(UnhealthyError) as caught:
        wait_until_healthy(answers([BAD, LASTING], [GOOD, LASTING]), 30, 0.01)
    assert time.monotonic() - started < 1
    assert caught.value.results == [GOOD, LASTING], "the other one was waited for"


def test_watching_leaves_time_to_the_watched() -> None:
    """A slow check is repeated less often."""
    calls = []

    def check() -> list[Health]:
        calls.append(1)
        time.sleep(0.1)
        return [BAD]

    with pytest.raises(UnhealthyError):
        wait_until_healthy(check, 1.0, 0.01)
    assert 3 <= len(calls) <= 6


def test_the_gravest_reason_comes_first() -> None:
    found = verdict(
        "peer0",
        "peer",
        "Org1",
        [
            Finding(Status.DEGRADED, "slow", "wait", lasting=True),
            Finding(Status.UNHEALTHY, "forked", "stop it"),
            Finding(Status.DEGRADED, "slow", "wait", lasting=True),
        ],
        {},
    )
    assert (found.status, found.reasons, found.remedy) == (Status.UNHEALTHY, ("forked", "slow"), "stop it")
    assert not found.lasting


def test_table() -> None:
    channels = {"demo": {"height": 7, "leader": "o0"}, "other": {"height": 12, "leader": "o1"}}
    one = {"channels": {"demo": channels["demo"]}, "cert_days": 89}
    some = {"channels": {"demo": {}, "other": {"height": 1}}}
    results = [
        Health("store", "store", "", Status.HEALTHY),
        Health("o0", "orderer", "O", Status.HEALTHY, facts=one),
        Health("o1", "orderer", "O", Status.UNHEALTHY, ("no leader", "slow"), "", {"channels": channels}),
        Health("p0", "peer", "Org1", Status.HEALTHY, facts=some),
    ]
    assert table(results).splitlines() == [
        "subject  kind     org   status     height           leader            cert days  reasons",
        "store    store    -     healthy    -                -                 -          -",
        "o0       orderer  O     healthy    7                o0                89         -",
        "o1       orderer  O     unhealthy  demo:7 other:12  demo:o0 other:o1  -          no leader; slow",
        "p0       peer     Org1  healthy    other:1          -                 -          -",
    ]


def test_options() -> None:
    channel = {"name": "demo", "definition": {"orderers": ["o"], "peers": ["p"], "batch_timeout": "1s"}}
    assert ChannelMembers.from_option(channel) == ChannelMembers("demo", ("o",), ("p",))
    with pytest.raises(FabricError, match="lacks 'peers' .at demo.*orderers: .names"):
        ChannelMembers.from_option({"name": "demo", "definition": {"orderers": []}})
    item = {"name": "org1", "mount": "m", "ca_address": "a:1", "server_name": "ca.org1", "msp_id": "x"}
    assert Authority.from_option(item) == Authority("ca.org1", "org1", "m", "a:1", "", "ca.org1")
    assert Authority.from_option({**item, "organization": "Org1"}).organization == "Org1"
    with pytest.raises(FabricError, match="lacks 'ca_address' .at org1"):
        Authority.from_option({"name": "org1", "mount": "m", "server_name": "s"})


def test_errors_are_evidence() -> None:
    def missing_field() -> str:
        return {"sign_cert": ""}["tls_cert"]

    def refused() -> str:
        raise SecretsError("denied", "secret-org1/msp", "check the policy")

    assert attempt(lambda: 1) == 1
    found = attempt(refused)
    assert isinstance(found, FabricError) and (found.what, found.next_step) == ("denied", "check the policy")
    found = attempt(missing_field)
    assert isinstance(found, FabricError) and "'tls_cert' is missing" in found.what
    with pytest.raises(ZeroDivisionError):
        attempt(lambda: 1 // 0)


class EmptyStore:
    """A store without a secret, that counts how often it is asked."""

    def __init__(self) -> None:
        self.reads: list[str] = []

    def read(self, path: str) -> dict[str, str] | None:
        self.reads.append(path)
        return None


def topology(store: EmptyStore) -> Topology:
    option = {"organizations": [{"name": "Org", "msp_id": "OrgMSP", "mount": "org", "role": "peer"}]}
    found = Topology.from_option({**option, "orderers": [], "peers": []}, store)
    found.orderers, found.peers = [node("orderer0")], [node("peer0"), node("peer1")]
    return found


CHANNEL = ChannelMembers("demo", ("orderer0",), ("peer0",))


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(FabricError, match="no node pear0.*known are orderer0, peer0, peer1, store"):
        NetworkCheck(topology(EmptyStore()), nodes=["pear0", "peer1"])


def test_only_the_wanted_are_judged_and_only_their_channels_asked() -> None:
    store = EmptyStore()
    results = NetworkCheck(topology(store), [CHANNEL], nodes=["peer0"])()
    assert [result.subject for result in results] == ["peer0"]
    assert sorted(store.reads) == ["org/msp", "org/nodes/orderer0", "org/nodes/peer0", "org/users/admin"]
    store = EmptyStore()
    results = NetworkCheck(topology(store), [CHANNEL], nodes=["peer1"])()
    assert [result.subject for result in results] == ["peer1"]
    assert sorted(store.reads) == ["org/msp", "org/nodes/peer1", "org/users/admin"]


def test_before_channels_nobody_else_is_asked() -> None:
    store = EmptyStore()
    NetworkCheck(topology(store), [CHANNEL], nodes=["peer0"], level="serving")()
    assert sorted(store.reads) == ["org/msp", "org/nodes/peer0", "org/users/admin"]
