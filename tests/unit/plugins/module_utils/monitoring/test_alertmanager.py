"""Who hears of what, says the real amtool."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import load
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.alertmanager import (
    INHIBITIONS,
    NOBODY,
    alertmanager_config,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.alerts import ALERTS
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    lab_model,
    sample,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.alert_cases import CASES
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.oracles import accepted

NAMES = {alert.name for alert in ALERTS}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(alertmanager_config(sample("monitored")), sort_keys=False))
    return path


def test_amtool_accepts_it(file: Path) -> None:
    assert "3 receivers" in accepted("alertmanager/amtool", "check-config", file)


@pytest.mark.parametrize(
    ("severity", "receivers"), [("critical", "oncall,mail"), ("warning", "mail"), ("info", NOBODY)]
)
def test_an_alert_goes_to_whom_its_severity_concerns(file: Path, severity: str, receivers: str) -> None:
    words = ["config", "routes", "test", f"--config.file={file}", f"--verify.receivers={receivers}"]
    accepted("alertmanager/amtool", *words, "alertname=NodeDown", f"severity={severity}")


def test_without_receivers_alerts_are_only_shown() -> None:
    config = alertmanager_config(load({**lab_model(), "monitoring": {"host": "host1"}}, LAB_HOSTS))
    assert config["receivers"] == [{"name": NOBODY}]
    assert config["route"]["routes"] == []


def test_credentials_are_files() -> None:
    webhook, mail = alertmanager_config(sample("monitored"))["receivers"][1:]
    assert webhook == {
        "name": "oncall",
        "webhook_configs": [{"url_file": "/run/secrets/receivers/oncall", "send_resolved": True}],
    }
    (settings,) = mail["email_configs"]
    assert (settings["auth_username"], settings["auth_password_file"]) == (
        "selvedge",
        "/run/secrets/receivers/mail",
    )
    assert settings["require_tls"] is True


def test_inhibitions_name_alerts_that_there_are() -> None:
    for rule in INHIBITIONS:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            named = re.findall(r"\w+", matcher.partition("=")[2])
            assert set(named) <= NAMES, matcher


def test_what_is_inhibited_carries_the_labels_that_must_be_equal() -> None:
    """Labels that neither side has count as equal: then one host's loss would silence all hosts.

    tests/live/test_inhibition.py asks the real Alertmanager with the same labels.
    """
    for rule in INHIBITIONS:
        (source,) = re.findall(r'alertname="(\w+)"', rule["source_matchers"][0])
        assert all(set(rule["equal"]) <= set(case.labels) for case in CASES[source].fires), source
        _unused, same, named = rule["target_matchers"][0].partition("=")
        if same and not rule["target_matchers"][0].startswith("alertname!"):
            for target in re.findall(r"\w+", named):
                cases = CASES[target].fires
                assert any(set(rule["equal"]) <= set(case.labels) for case in cases), (source, target)


def test_a_host_that_is_down_silences_its_nodes() -> None:
    (first, *_unused) = INHIBITIONS
    assert first == {
        "source_matchers": ['alertname="HostDown"'],
        "target_matchers": ['alertname!="HostDown"'],
        "equal": ["host"],
    }
