"""Verdicts, and what is read of a JUnit file and of a log."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.tools.gate.jobs import Job
from ansible_collections.selvedge.fabric.tools.gate.outcome import (
    Case,
    Outcome,
    Verdict,
    judge,
    read_cases,
    tail_of,
)

GOOD, BAD = Case("a", "good", 1, "passed"), Case("a", "bad", 1, "failed", "no")
SKIPPED = Case("a", "left", 0, "skipped", "needs gVisor")
REPORT = """<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="m.T" name="test_a" time="1.5"/>
<testcase classname="m.T" name="test_b" time="0.5"><failure message="assert 1">trace</failure></testcase>
<testcase classname="m.T" name="test_c" time="0"><skipped message="needs gVisor">where</skipped></testcase>
<testcase classname="m.T" name="test_d" time="0"><error message="fixture">trace</error></testcase>
</testsuite></testsuites>"""


def job(tests: bool = False) -> Job:
    return Job("unit", "unit", ("true",), 5, tests=tests)


@pytest.mark.parametrize(
    ("tests", "code", "ended_by", "cases", "verdict", "cause"),
    [
        (False, 0, "", [], Verdict.PASSED, ""),
        (True, 0, "", [GOOD, SKIPPED], Verdict.PASSED, ""),
        (True, 0, "", [], Verdict.FAILED, "ended well, but reported no test"),
        (True, 0, "", [GOOD, BAD], Verdict.FAILED, "1 of 2 tests failed"),
        (True, 2, "", [GOOD, BAD], Verdict.FAILED, "1 of 2 tests failed"),
        (True, 2, "", [GOOD], Verdict.FAILED, "exit code 2"),
        (False, -9, "", [], Verdict.KILLED, "was killed by SIGKILL"),
        (True, -15, "time", [GOOD], Verdict.OVERTIME, "was ended after its bound of 5 minutes"),
        (True, 0, "time", [GOOD], Verdict.OVERTIME, "was ended after its bound of 5 minutes"),
        (True, 0, "interrupt", [GOOD], Verdict.INTERRUPTED, "the gate was interrupted"),
    ],
)
def test_verdicts(
    tests: bool, code: int, ended_by: str, cases: list[Case], verdict: Verdict, cause: str
) -> None:
    assert judge(job(tests), code, ended_by, cases) == (verdict, cause)


def test_a_report_is_read_as_pytest_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_text(REPORT)
    outcome = Outcome(job(), Verdict.FAILED, cases=read_cases(file))
    assert outcome.counts == "1 passed, 1 failed, 1 error, 1 skipped"
    assert [case.name for case in outcome.failures] == ["test_b", "test_d"]
    assert outcome.failures[0] == Case("m.T", "test_b", 0.5, "failed", "assert 1", "trace")
    assert [(case.name, case.message) for case in outcome.skipped] == [("test_c", "needs gVisor")]


@pytest.mark.parametrize("text", [None, "", REPORT[:-20]])
def test_a_report_that_is_missing_or_torn_has_no_tests(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "a.xml").write_text(text)
    assert read_cases(tmp_path / "a.xml") == []


def test_the_end_of_a_log_is_plain_and_bounded(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"first\n" * 100000 + b"\x1b[31mred\x1b[0m \xff\n" + b"x" * 1000 + b"\n")
    lines = tail_of(log, 3).splitlines()
    assert lines == ["first", "red \ufffd", "x" * 400]
    assert tail_of(tmp_path / "missing") == ""
