"""What a real store and real CAs answered while something was wrong, judged again: for each its reason and remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health, Status
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.service_captures import (
    HEALTHY,
    cases,
    judge,
)

STORE = "store"


@dataclass(frozen=True)
class Wanted:
    """The verdict on the only one that is not well."""

    subject: str
    reason: str
    remedy: str


FAULTS = {
    "a CA is stopped": Wanted(
        "ca-org1.lab",
        r"does not answer: neither HTTPS [\d.:]+ nor operations [\d.:]+: Connection refused",
        "start it, or read its log on its host",
    ),
    "a CA is paused": Wanted(
        "ca-org1.lab",
        r"does not answer: neither HTTPS [\d.:]+ nor operations [\d.:]+: no answer in 1.5 s",
        "it hangs or is paused, .*",
    ),
    "a CA signs with another key than the store's": Wanted(
        "ca-org2.lab",
        "its CA 'enrollment' signs with another certificate than the one in the store",
        "stop it, check its secrets and its home, start it",
    ),
    "a CA's TLS certificate is of another CA": Wanted(
        "ca-org2.lab",
        r"HTTPS [\d.:]+ does not serve: its TLS certificate: .+",
        "check its TLS certificate, the name in it, and the CA that signed it",
    ),
    "the store is stopped": Wanted(
        STORE, "does not answer: Connection refused", "check that it runs on its host, and read its log"
    ),
    "the store is sealed": Wanted(
        STORE, "is sealed", "check its seal key on its host, and its log; then restart it"
    ),
    "the store is not initialised": Wanted(
        STORE, "is not initialised", "run site.yml, its secrets_store step initialises it"
    ),
}


def unwell(found: dict[str, Health]) -> list[str]:
    return [name for name, result in found.items() if not result.healthy]


def test_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judge(HEALTHY, monkeypatch)
    assert unwell(found) == []
    assert list(found) == [STORE, "ca-orderers.lab", "ca-org1.lab", "ca-org2.lab"]
    assert found[STORE].facts["version"] == "2.4.0" and not found[STORE].facts["sealed"]
    assert {found[name].facts["version"] for name in list(found)[1:]} == {"1.5.15"}
    assert all(abs(result.facts["clock"]["skew"]) < 1 for result in found.values())


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_has_its_reason_and_its_remedy(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = judge(case, monkeypatch)
    wanted = FAULTS[case]
    assert unwell(found) == [wanted.subject]
    verdict = found[wanted.subject]
    assert verdict.status is Status.UNHEALTHY
    assert re.fullmatch(wanted.reason, verdict.reasons[0]), verdict.reasons
    assert re.fullmatch(wanted.remedy, verdict.remedy), verdict.remedy


def test_all_that_was_captured_is_judged() -> None:
    assert set(cases()) == {HEALTHY, *FAULTS}
