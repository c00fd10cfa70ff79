"""A run as JUnit XML, which CI systems show: a suite a stage, a test a task."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import UTC, datetime

from ansible_collections.selvedge.fabric.plugins.module_utils.deployment.run import (
    Counts,
    Failure,
    Kind,
    Outcome,
    Run,
    Task,
)

# What XML 1.0 has no way to say, a message may well contain.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Characters of a message; enough for the reason, and no place for a whole log.
_MESSAGE = 2000
_HIDDEN = "the message is hidden by no_log"


def render(run: Run) -> str:
    """The file's text.

    What failed is a failure, what could not be reached an error; what was rescued or ignored has passed, and says so.
    A run that did not come to its end has one more suite with an error, so that it is red for whoever reads only this.
    """
    about = run.about
    name = f"{about.playbook} (check mode)" if about.check_mode else about.playbook
    root = ET.Element("testsuites", name=_text(name))
    when = datetime.fromtimestamp(run.started, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    for stage in run.stages:
        tasks = [task for task in run.tasks if task.stage == stage.name]
        suite = _suite(root, stage.name, when, stage.seconds)
        _properties(suite, run)
        for task in tasks:
            _case(suite, name, task)
        _count(suite)
    if run.outcome is Outcome.ABORTED:
        suite = _suite(root, "run", when, run.seconds)
        case = ET.SubElement(suite, "testcase", classname=_text(name), name="comes to its end", time="0.000")
        at = f" in {run.last_task.stage}: {run.last_task.name}" if run.last_task else " before its first task"
        ET.SubElement(case, "error", message=_text(f"the run was aborted{at}"))
        _count(suite)
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", f"{run.seconds:.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, name: str, when: str, seconds: float) -> ET.Element:
    return ET.SubElement(root, "testsuite", name=_text(name), timestamp=when, time=f"{seconds:.3f}")


def _properties(suite: ET.Element, run: Run) -> None:
    about = run.about
    shown = {
        "network": about.network,
        "selvedge.fabric": about.collection,
        "ansible-core": about.ansible,
        "check_mode": str(about.check_mode).lower(),
        "limit": about.limit,
    }
    group = ET.SubElement(suite, "properties")
    for name, value in shown.items():
        if value:
            ET.SubElement(group, "property", name=name, value=_text(value))


def _case(suite: ET.Element, playbook: str, task: Task) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_text(f"{playbook}.{task.stage}"),
        name=_text(task.name),
        time=f"{task.seconds:.3f}",
    )
    by_kind = {kind: [item for item in task.failures if item.kind is kind] for kind in Kind}
    if by_kind[Kind.FAILED]:
        _problem(case, "failure", "failed", by_kind[Kind.FAILED])
    if by_kind[Kind.UNREACHABLE]:
        _problem(case, "error", "could not be reached:", by_kind[Kind.UNREACHABLE])
    if task.counts == Counts():
        ET.SubElement(case, "skipped", message="it did not end")
    elif task.counts == Counts(skipped=task.counts.skipped):
        ET.SubElement(case, "skipped")
    passed = [*by_kind[Kind.RESCUED], *by_kind[Kind.IGNORED]]
    if passed:
        said = "\n".join(f"{item.kind} on {item.host}" for item in passed)
        ET.SubElement(case, "system-out").text = _text(said)


def _problem(case: ET.Element, tag: str, verb: str, failures: Sequence[Failure]) -> None:
    hosts = ", ".join(item.host for item in failures)
    where = f"failed on {hosts}" if tag == "failure" else f"{verb} {hosts}"
    said = "\n".join(f"{item.host}: {item.message[:_MESSAGE] or _HIDDEN}" for item in failures)
    ET.SubElement(case, tag, message=_text(where)).text = _text(said)


def _count(suite: ET.Element) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(1 for case in cases if case.find(tag) is not None)))


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
