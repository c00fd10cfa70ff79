"""Each alert fires when it should and is silent when it should not, says the real promtool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.exposition import FAMILIES
from ansible_collections.selvedge.fabric.plugins.module_utils.model.rules import SEVERITIES
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.alerts import (
    ALERTS,
    RUNBOOK,
    Alert,
    alert_rules,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.records import recording_rules
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring import alert_cases
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.alert_cases import (
    CASES,
    Fires,
    Silent,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.metric_names import (
    names_in,
    templated,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.oracles import (
    ROOT,
    accepted,
    run,
)

BY_NAME = {alert.name: alert for alert in ALERTS}


def written(folder: Path, tests: list[dict[str, Any]], only: str = "") -> Path:
    """The rules, and a file with tests of them, which have one interval.

    :param only: the one alert that is looked at: the others would only take time
    """
    group = alert_rules()
    group["rules"] = [rule for rule in group["rules"] if only in ("", rule["alert"])]
    rules = {"groups": [recording_rules(), group]}
    (folder / "rules.yml").write_text(yaml.safe_dump(rules, sort_keys=False))
    content = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": tests[0]["interval"],
        "group_eval_order": [group["name"] for group in rules["groups"]],
        "tests": tests,
    }
    path = folder / "tests.yml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def series_of(series: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"series": name, "values": values} for name, values in series.items()]


def firing(alert: Alert, case: Fires) -> dict[str, Any]:
    annotations = {**alert.rule()["annotations"], "summary": case.summary, **case.says}
    expected = {"exp_labels": {"severity": alert.severity, **case.labels}, "exp_annotations": annotations}
    look = {"eval_time": case.at, "alertname": alert.name, "exp_alerts": [expected]}
    return {
        "name": f"{alert.name} fires: {case.summary}",
        "interval": case.interval,
        "input_series": series_of(case.series),
        "alert_rule_test": [look],
    }


def silent(alert: Alert, case: Silent) -> dict[str, Any]:
    looks = [{"eval_time": at, "alertname": alert.name, "exp_alerts": []} for at in case.at]
    return {
        "name": f"{alert.name} is silent: {case.why}",
        "interval": case.interval,
        "input_series": series_of(case.series),
        "alert_rule_test": looks,
    }


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_and_stays_silent(name: str, tmp_path: Path) -> None:
    alert, case = BY_NAME[name], CASES[name]
    assert case.fires and case.silent
    assert len({item.interval for item in (*case.fires, *case.silent)}) == 1
    tests = [*(firing(alert, item) for item in case.fires), *(silent(alert, item) for item in case.silent)]
    accepted("prometheus/promtool", "test", "rules", written(tmp_path, tests, name))


def test_an_alert_is_seen_to_be_silent_by_a_test_that_can_fail(tmp_path: Path) -> None:
    case = CASES["NodeDown"].fires[0]
    wrong = silent(BY_NAME["NodeDown"], Silent("it is not", case.series, (case.at,)))
    done = run("prometheus/promtool", "test", "rules", written(tmp_path, [wrong]))
    assert done.returncode == 1
    assert "peer0.org1.lab.example" in done.stdout + done.stderr


def test_on_a_healthy_network_under_load_nothing_fires(tmp_path: Path) -> None:
    looks = [
        {"eval_time": at, "alertname": alert.name, "exp_alerts": []}
        for at in ("1m", "5m", "15m", "30m", "60m")
        for alert in ALERTS
    ]
    test = {"interval": "15s", "input_series": series_of(alert_cases.healthy(250)), "alert_rule_test": looks}
    accepted("prometheus/promtool", "test", "rules", written(tmp_path, [test]))


def test_the_healthy_network_has_what_the_rules_ask_for(tmp_path: Path) -> None:
    """Else its silence would say nothing: with one orderer less, it speaks."""
    series = dict(alert_cases.healthy(250))
    gone = next(name for name in series if name.startswith("participation_status") and "orderer3" in name)
    series[gone] = "1x4 stale"
    looks = [{"eval_time": "10m", "alertname": "QuorumAtRisk", "exp_alerts": []}]
    test = {"interval": "15s", "input_series": series_of(series), "alert_rule_test": looks}
    assert run("prometheus/promtool", "test", "rules", written(tmp_path, [test])).returncode == 1


def test_no_alert_is_without_a_case_and_none_stands_twice() -> None:
    assert [alert.name for alert in ALERTS] == list(BY_NAME)
    assert set(CASES) == set(BY_NAME)


def test_every_alert_has_a_severity_that_receivers_know_and_words() -> None:
    for alert in ALERTS:
        assert alert.severity in SEVERITIES
        assert alert.summary and alert.description.endswith("."), alert.name
        assert alert.remedy and not alert.remedy.endswith("."), alert.name


def test_what_an_alerts_template_asks_for_is_what_the_exporter_tells() -> None:
    names = {name for query in templated() for name in names_in(query)}
    assert names == {"selvedge_health_reason"} and names <= set(FAMILIES)


def test_every_alert_has_its_section_in_the_runbook() -> None:
    """With what it means, how to look, and what to do."""
    text = (ROOT / RUNBOOK).read_text()
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(sections) == set(BY_NAME)
    for name, section in sections.items():
        assert BY_NAME[name].runbook == f"{RUNBOOK}#{name.lower()}"
        assert f"`{BY_NAME[name].severity}`" in section, name
        assert "**Look.**" in section and "**Do.**" in section, name
