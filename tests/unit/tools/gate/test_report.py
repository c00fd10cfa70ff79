"""The JUnit file and the page, made of outcomes of every kind."""

from __future__ import annotations

import dataclasses
import datetime
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.tools.gate import junit, page, table
from ansible_collections.selvedge.fabric.tools.gate.jobs import Job
from ansible_collections.selvedge.fabric.tools.gate.outcome import PENDING, Case, Outcome, Verdict
from ansible_collections.selvedge.fabric.tools.gate.pick import Choice
from ansible_collections.selvedge.fabric.tools.gate.report import KEPT, About, Report

WHEN = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.UTC)
CHOICE = Choice({"unit": "docs/a.md"}, {"images": "nothing calls for it"}, {"docs/<a>.md": "unit"})
ABOUT = About(WHEN, "abc123 on work", "2 cores", "changes since main", CHOICE)
# An XML file may have no escape character and no NUL, and HTML no markup of ours.
ODD = "\x1b[31m\x00 <script>alert(1)</script> & ]]> \ud800 ü"
CASES = [
    Case("m", "test_good", 1.25, "passed"),
    Case("m", "test_slow", 9.5, "passed"),
    Case("m", "test_bad[<x>]", 0.5, "failed", f"assert {ODD}", f"trace {ODD}"),
    Case("m", "test_broken", 0, "error", "fixture"),
    Case("m", "test_left", 0, "skipped", "needs gVisor"),
]


def job(name: str) -> Job:
    return Job(name, name, ("true",), 5, about=f"about {name}")


def outcomes(folder: Path) -> list[Outcome]:
    log = folder / "logs" / "unit.log"
    return [
        Outcome(job("lint"), Verdict.PASSED, 20, 0, log=folder / "logs/lint.log"),
        Outcome(job("unit"), Verdict.FAILED, 60, 20, "2 of 5 tests failed", log=log, cases=CASES, tail=f"end {ODD}"),
        Outcome(job("scenario default"), Verdict.OVERTIME, 300, 80, "was ended", tail="TASK [Wait]"),
        Outcome(job("scenario hosts"), Verdict.INTERRUPTED, 3, 380, "the gate was interrupted"),
        Outcome(job("live"), Verdict.NOT_RUN, at=383, cause="the gate was interrupted"),
    ]  # fmt: skip


def test_junit_is_valid_and_its_counts_are_right(tmp_path: Path) -> None:
    root = ET.fromstring(junit.render(outcomes(tmp_path), WHEN.isoformat()).encode())
    assert root.tag == "testsuites"
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["gate", "unit"]
    assert {suite.get("timestamp") for suite in root} == {"2026-03-01T12:00:00+00:00"}
    for suite in root:
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(key) == str(len(suite.findall(f"testcase/{tag}")))
        assert all(
            case.get("name") and case.get("classname") and float(case.get("time", "x")) >= 0 for case in cases
        )
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == (
        "10",
        "2",
        "4",
        "1",
    )
    states = {case.get("name"): [child.tag for child in case] for case in suites["gate"]}
    assert states["lint"] == [] and states["unit"] == ["failure"]
    assert states["scenario default"] == states["live"] == ["error"]
    skipped = suites["unit"].find("testcase[@name='test_left']/skipped")
    assert skipped is not None and skipped.get("message") == "needs gVisor"


class Reader(HTMLParser):
    """Checks nesting; collects elements, addresses and text."""

    VOID = {"meta", "br", "link", "img", "input", "hr"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for key, value in attrs if key in ("src", "href", "action", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_stands_alone_and_says_everything(tmp_path: Path) -> None:
    text = page.render(outcomes(tmp_path), ABOUT, tmp_path)
    read = Reader(text)
    assert not {"script", "link", "img", "iframe", "object"} & read.tags
    assert set(read.addresses) == {"junit.xml", "logs/unit.log", "logs/lint.log"}
    assert not re.search(r"url\(|@import|https?://", text)
    assert "prefers-color-scheme: dark" in text
    for said in (
        "Red: 4 of 5 did not pass", "abc123 on work", "changes since main", "about lint",
        "2 passed, 1 failed, 1 error, 1 skipped", "test_bad[<x>]", "<script>alert(1)</script>", "TASK [Wait]",
        "test_left", "needs gVisor", "left out: nothing calls for it", "docs/<a>.md", "9.5 s", "6:23",
    ):  # fmt: skip
        assert said in read.text, said
    for verdict in ("passed", "failed", "over time", "interrupted", "not run"):
        assert f"{page.SIGNS[Verdict(verdict)]} {verdict}" in read.text


def test_the_bars_are_where_and_as_long_as_the_jobs(tmp_path: Path) -> None:
    rows = page.context(outcomes(tmp_path), ABOUT, tmp_path)["rows"]
    found = [(round(row.left, 1), round(row.width, 1)) for row in rows]
    assert found == [(0.0, 5.2), (5.2, 15.7), (20.9, 78.3), (99.2, 0.8), (100.0, 0.0)]
    assert page.ticks(383)[:3] == [(0.0, "0:00"), (100 * 60 / 383, "1:00"), (100 * 120 / 383, "2:00")]
    assert len(page.ticks(100000)) <= 9


@pytest.mark.parametrize(
    ("verdicts", "cause", "headline"),
    [
        ([Verdict.PASSED, Verdict.PASSED], "", "Green: 2 of 2 passed"),
        ([Verdict.PASSED, Verdict.KILLED], "", "Red: 1 of 2 did not pass"),
        ([Verdict.PASSED, Verdict.NOT_RUN], PENDING, "The gate has not ended"),
    ],
)
def test_the_headline(verdicts: list[Verdict], cause: str, headline: str) -> None:
    assert page.verdict_of([Outcome(job("a"), verdict, cause=cause) for verdict in verdicts])[1] == headline


def test_the_table_names_what_failed_and_what_was_skipped(tmp_path: Path) -> None:
    lines = table.render(outcomes(tmp_path), 383, ".cache/gate/x").splitlines()
    assert lines[0].split() == ["scenario", "or", "job", "verdict", "duration", "tests"]
    assert lines[1].split() == ["lint", "passed", "0:20"]
    assert "  failed: test_bad[<x>]" in "\n".join(lines)
    assert "  skipped: test_left (needs gVisor)" in "\n".join(lines)
    assert lines[-2] == (
        "gate RED: 1 of 5 passed in 6:23; unit failed, scenario default over time, scenario hosts interrupted, "
        "live not run"
    )


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_passed_is_green(verdict: Verdict) -> None:
    code = table.exit_code([Outcome(job("a"), Verdict.PASSED), Outcome(job("b"), verdict)])
    assert (code == 0) is (verdict is Verdict.PASSED)
    assert (code == 130) is (verdict is Verdict.INTERRUPTED)


def test_the_latest_is_pointed_at_and_old_ones_go(tmp_path: Path) -> None:
    base = tmp_path / ".cache" / "gate"
    times = [WHEN + datetime.timedelta(minutes=minute) for minute in range(KEPT + 2)]
    folders = [Report(base, dataclasses.replace(ABOUT, begun=begun)).folder for begun in times]
    assert len(set(folders)) == KEPT + 2
    assert (base / "latest").resolve() == folders[-1].resolve()
    assert sorted(base.glob("2*")) == folders[2:]
    report = Report(base, dataclasses.replace(ABOUT, begun=times[-1]))
    assert report.folder.name == folders[-1].name + "-02"
    report.write(outcomes(report.folder))
    assert (base / "latest" / "index.html").is_file() and (base / "latest" / "junit.xml").is_file()
    assert report.shown(job("scenario a")).startswith(".cache/gate/2026")
