"""What real nodes answered while something was wrong, judged again: for each fault its reason and its remedy."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cache

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health, Status
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.health_captures import (
    FOLDER,
    HEALTHY,
    Replay,
)

RAFT = ["fabric-2.5.9", "fabric-3.1.1"]
BFT = "fabric-3.1.1-bft"
DEGRADED, UNHEALTHY = Status.DEGRADED, Status.UNHEALTHY


@dataclass(frozen=True)
class Wanted:
    """What the verdicts on all subjects that fit the first pattern must be.

    Orderers that do not answer are called gone0, gone1: which ones they are differs from capture to capture.
    """

    subject: str
    status: Status
    reason: str
    remedy: str


REFUSED = r"does not answer: neither gRPC .*: Connection refused"
NO_ANSWER = r"does not answer: neither gRPC .*: no answer in 1.5 s"
START, HANGS = r"start it, or read its log", r"it hangs or is paused"
REBUILD = r"stop it and restore or rebuild its ledger"
AT_RISK = r"channel demo: 2 of 3 consenters active, quorum \(2\) remains, without gone0"
BRING_BACK = r"bring back gone0, before another one stops"
FAULTS = {
    "an orderer is stopped": [
        Wanted("gone0", UNHEALTHY, REFUSED, START),
        Wanted("orderer", DEGRADED, AT_RISK, BRING_BACK),
    ],
    "two orderers are stopped": [
        Wanted("gone", UNHEALTHY, REFUSED, START),
        Wanted(
            "orderer",
            UNHEALTHY,
            r"channel demo: 1 of 3 consenters active, no quorum \(2\), without gone0, gone1",
            r"if it stays so, compare",
        ),
        Wanted("orderer", UNHEALTHY, r"channel demo: it knows no Raft leader", r"if it stays so, compare"),
    ],
    "a peer is paused": [Wanted("peer0.org1", UNHEALTHY, NO_ANSWER, HANGS)],
    "an orderer is paused": [
        Wanted("gone0", UNHEALTHY, NO_ANSWER, HANGS),
        Wanted("orderer", DEGRADED, AT_RISK, BRING_BACK),
    ],
    "a host is cut off": [
        Wanted(
            "gone0|peer0.org1",
            UNHEALTHY,
            NO_ANSWER + r"; nothing at 127\.0\.30\.2 answers",
            r"check that this host runs, and the network to it",
        ),
        Wanted("orderer", DEGRADED, AT_RISK, BRING_BACK),
    ],
    "a chaincode is killed": [
        Wanted(
            "peer0.org1",
            UNHEALTHY,
            r"channel demo: chaincode kv does not answer through it: .+",
            r"start the chaincode's container beside its peer",
        )
    ],
    "a certificate is near its end": [
        Wanted("peer0.org1", DEGRADED, r"its TLS certificate expires in 2 days", r"renew the certificate")
    ],
    "a clock is wrong": [
        Wanted(
            "orderer|peer",
            DEGRADED,
            r"its clock is 1(19|20)\.\d s ahead of ours .*",
            r"look at the time service",
        )
    ],
    "a block file is broken": [
        Wanted(
            "peer0.org1",
            UNHEALTHY,
            r"channel demo: its newest block \(\d\) is damaged: its transactions are not those of its header",
            REBUILD,
        )
    ],
    "a block file is cut": [
        Wanted(
            "peer0.org1",
            UNHEALTHY,
            r"channel demo: its newest block \(\d\) cannot be read: .*unexpected end of blockfile",
            REBUILD,
        )
    ],
    "a peer is behind": [
        Wanted(
            "peer0.org1",
            DEGRADED,
            r"channel demo: 2 blocks behind \(\d+ of \d+\)",
            r"wait; if it does not catch up",
        )
    ],
    "a peer has not joined": [
        Wanted("peer0.org1", UNHEALTHY, r"channel demo: it has not joined", r"run site.yml, its channel step")
    ],
    "an orderer has not joined": [
        Wanted("orderer2", UNHEALTHY, r"channel demo: it has not joined", r"run site.yml, its channel step"),
        Wanted(
            "orderer[01]",
            DEGRADED,
            r"channel demo: 2 of 3 consenters active, quorum \(2\) remains, without orderer2.orderer.lab",
            r"bring back orderer2.orderer.lab, before another one stops",
        ),
    ],
    "gRPC is refused": [
        Wanted(
            "peer0.org1",
            UNHEALTHY,
            r"gRPC [\d.:]+ does not serve: UNAVAILABLE: .*Connection refused.*",
            r"check that the node runs, and look at its log",
        )
    ],
    "a peer has forked": [
        Wanted(
            "peer0.org1",
            UNHEALTHY,
            r"channel demo: its block \d+ \([0-9a-f]{16}\) is another one than elsewhere \([0-9a-f]{16}\), a fork",
            r"compare this block on all members",
        )
    ],
}
BFT_FAULTS = {
    "an orderer is stopped": [
        Wanted("gone0", UNHEALTHY, REFUSED, START),
        Wanted(
            "orderer",
            DEGRADED,
            r"channel demo: 3 of 4 consenters active, quorum \(3\) remains, without gone0",
            BRING_BACK,
        ),
    ],
    "two orderers are stopped": [
        Wanted("gone", UNHEALTHY, REFUSED, START),
        Wanted(
            "orderer",
            UNHEALTHY,
            r"channel demo: 2 of 4 consenters active, no quorum \(3\), without gone0, gone1",
            r"bring back gone0, gone1",
        ),
    ],
}


@cache
def replay(name: str) -> Replay:
    return Replay(name)


def judged(name: str, case: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Health]:
    """The verdicts, with orderers that do not answer called gone0, gone1."""
    found = replay(name).judge(case, monkeypatch)
    silent = [
        subject
        for subject, result in found.items()
        if result.kind == "orderer" and any(reason.startswith("does not answer") for reason in result.reasons)
    ]

    def renamed(text: str) -> str:
        for number, subject in enumerate(sorted(silent)):
            text = text.replace(subject, f"gone{number}")
        return text

    return {
        renamed(subject): replace(
            result, reasons=tuple(map(renamed, result.reasons)), remedy=renamed(result.remedy)
        )
        for subject, result in found.items()
    }


@pytest.mark.parametrize("name", [*RAFT, BFT])
def test_a_healthy_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = replay(name).judge(HEALTHY, monkeypatch)
    assert {subject: result.reasons for subject, result in found.items() if not result.healthy} == {}
    versions = {result.facts["version"] for result in found.values()}
    assert versions == {f"v{name.split('-')[1]}"}
    assert all(abs(result.facts["clock"]["skew"]) < 1 for result in found.values())


@pytest.mark.parametrize(
    ("name", "fault"),
    [(name, fault) for name in RAFT for fault in FAULTS] + [(BFT, fault) for fault in BFT_FAULTS],
)
def test_a_fault_has_its_reason_and_its_remedy(
    name: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = judged(name, fault, monkeypatch)
    expected = (BFT_FAULTS if name == BFT else FAULTS)[fault]
    for wanted in expected:
        fitting = [result for subject, result in found.items() if re.match(wanted.subject, subject)]
        assert fitting
        for result in fitting:
            assert result.status is wanted.status
            assert any(re.fullmatch(wanted.reason, reason) for reason in result.reasons), result.reasons
            assert re.match(wanted.remedy, result.remedy), result.remedy
    named = "|".join(wanted.subject for wanted in expected)
    others = [subject for subject, result in found.items() if not result.healthy]
    assert [subject for subject in others if not re.match(named, subject)] == []


@pytest.mark.parametrize("name", [*RAFT, BFT])
def test_the_admin_port_is_not_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An orderer's metrics say what its participation API says: the exporter does without the latter."""
    for case in replay(name).cases:
        whole = replay(name).judge(case, monkeypatch)
        narrow = replay(name).judge(case, monkeypatch, ask_admin=False)
        assert {s: (r.status, r.reasons) for s, r in narrow.items()} == {
            s: (r.status, r.reasons) for s, r in whole.items()
        }
        heights = [
            {s: r.facts.get("channels", {}).get("demo", {}).get("height") for s, r in found.items()}
            for found in (whole, narrow)
        ]
        assert heights[0] == heights[1]


def test_all_that_was_captured_is_judged() -> None:
    captured = {path.stem: set(Replay(path.stem).cases) - {HEALTHY} for path in FOLDER.glob("fabric-*.json")}
    assert captured == {**{name: set(FAULTS) for name in RAFT}, BFT: set(BFT_FAULTS)}


# What a brief may count: orderers, who are few; and ports and names.
_COUNTS = re.compile(
    r"\d of \d consenters active|quorum \(\d\)|\d+(\.\d+){3}(:\d+)?|(orderer|peer|org)\d|answer in 1\.5 s"
)


@pytest.mark.parametrize("capture", [*RAFT, BFT])
def test_a_reason_as_a_label_has_no_number_that_moves(capture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the words of an engine or a database, which may have one."""
    replay, seen = Replay(capture), 0
    for case in json.loads((FOLDER / f"{capture}.json").read_text())["cases"]:
        for result in replay.judge(case, monkeypatch).values():
            assert tuple(dict.fromkeys(item.reason for item in result.findings)) == result.reasons
            for finding in result.findings:
                seen += 1
                assert not re.search(r"\d", _COUNTS.sub("", finding.steady)), finding.steady
                assert finding.remedy and len(finding.steady) < 200
    assert seen > 5
