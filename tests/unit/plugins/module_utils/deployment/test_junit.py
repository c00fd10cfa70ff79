"""JUnit of a run."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

from ansible_collections.selvedge.fabric.plugins.module_utils.deployment.junit import render
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.deployment.samples import (
    ABOUT,
    recorder,
    sample,
)


def test_a_suite_a_stage_and_a_test_a_task() -> None:
    root = ET.fromstring(render(sample()))
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4", "failures": "1", "errors": "1", "skipped": "1",
    }  # fmt: skip
    assert [suite.get("name") for suite in root] == ["ledger", "health"]
    ledger = root.find("testsuite[@name='ledger']")
    assert ledger is not None and ledger.get("time") == "70.000"
    assert ledger.find("properties/property[@name='network']").get("value") == "lab"  # type: ignore[union-attr]
    error = ledger.find("testcase/error")
    assert error is not None and error.get("message") == "could not be reached: host3"
    assert error.text == "host3: no route"


def test_a_failure_has_its_host_and_message_and_a_rescue_is_none() -> None:
    root = ET.fromstring(render(sample()))
    case = root.find("testsuite/testcase[@name='health : Wait']")
    assert case is not None and case.get("classname") == "site.health"
    failures = case.findall("failure")
    assert [item.get("message") for item in failures] == ["failed on host1"]
    assert failures[0].text == "host1: quorum <lost> & \ufffd gone"
    assert case.findtext("system-out") == "rescued on host2"


def test_a_message_that_no_log_hides() -> None:
    record, _clock = recorder()
    record.task_started("t", "s", "secret")
    record.failed("t", "host1", "", ignored=False)
    assert "host1: the message is hidden by no_log" in render(record.finish({"host1": 1}))


def test_a_long_message_is_cut() -> None:
    record, _clock = recorder()
    record.task_started("t", "s", "long")
    record.failed("t", "host1", "x" * 5000, ignored=False)
    assert (
        2000
        < len(ET.fromstring(render(record.finish({"host1": 1}))).findtext("testsuite/testcase/failure") or "")
        < 2100
    )


def test_an_aborted_run_is_red_even_when_nothing_failed() -> None:
    record, _clock = recorder()
    record.task_started("t1", "s", "done")
    record.finished("t1", "host1", False)
    record.task_started("t2", "s", "under way")
    root = ET.fromstring(render(record.finish(None)))
    assert root.get("errors") == "1"
    assert (
        root.find("testsuite[@name='run']/testcase/error").get("message")
        == "the run was aborted in s: under way"
    )  # type: ignore[union-attr]
    skipped = root.find("testsuite/testcase[@name='under way']/skipped")
    assert skipped is not None and skipped.get("message") == "it did not end"
    nothing = ET.fromstring(render(recorder()[0].finish(None)))
    assert (
        nothing.find("testsuite/testcase/error").get("message") == "the run was aborted before its first task"
    )  # type: ignore[union-attr]


def test_check_mode_is_marked() -> None:
    assert ET.fromstring(render(sample(replace(ABOUT, check_mode=True)))).get("name") == "site (check mode)"
