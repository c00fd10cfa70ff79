"""One JUnit file of the whole gate: a suite of its jobs, and a suite for the tests of each."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from .outcome import Case, Outcome, Verdict

# What XML 1.0 has no way to say, a log may well contain.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(outcomes: Sequence[Outcome], when: str) -> str:
    """The file's content.

    :param when: start of the gate, ISO 8601
    """
    root = ET.Element("testsuites", name="selvedge gate")
    _suite(root, "gate", when, [_as_case(outcome) for outcome in outcomes])
    for outcome in outcomes:
        if outcome.cases:
            _suite(root, outcome.job.name, when, outcome.cases)
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", f"{sum(outcome.seconds for outcome in outcomes):.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _as_case(outcome: Outcome) -> Case:
    """The job itself as a test, so that a red gate is red for whoever reads only this file."""
    states = {Verdict.PASSED: "passed", Verdict.FAILED: "failed"}
    state = states.get(outcome.verdict, "error")
    message = f"{outcome.verdict.value}: {outcome.cause}" if state != "passed" else ""
    return Case("gate", outcome.job.name, outcome.seconds, state, message, outcome.tail)


def _suite(root: ET.Element, name: str, when: str, cases: Sequence[Case]) -> None:
    count = {
        state: sum(1 for case in cases if case.state == state) for state in ("failed", "error", "skipped")
    }
    suite = ET.SubElement(
        root,
        "testsuite",
        name=_text(name),
        tests=str(len(cases)),
        failures=str(count["failed"]),
        errors=str(count["error"]),
        skipped=str(count["skipped"]),
        time=f"{sum(case.seconds for case in cases):.3f}",
        timestamp=when,
    )
    for case in cases:
        element = ET.SubElement(
            suite,
            "testcase",
            classname=_text(case.classname or name),
            name=_text(case.name),
            time=f"{case.seconds:.3f}",
        )
        tag = {"failed": "failure", "error": "error", "skipped": "skipped"}.get(case.state)
        if tag:
            ET.SubElement(element, tag, message=_text(case.message)).text = _text(case.details)


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
