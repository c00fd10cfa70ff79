"""Metrics of a run."""

from __future__ import annotations

import re
from dataclasses import replace

from ansible_collections.selvedge.fabric.plugins.module_utils.deployment.prometheus import file_stem, render
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.deployment.samples import (
    ABOUT,
    sample,
)

COMMON = 'network="lab",playbook="site",mode="run"'


def values(text: str) -> dict[str, float]:
    """Series to value."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_numbers_and_labels() -> None:
    found = values(render(sample()))
    assert found[f"selvedge_deployment_success{{{COMMON}}}"] == 0
    assert found[f"selvedge_deployment_aborted{{{COMMON}}}"] == 0
    assert found[f"selvedge_deployment_last_run_timestamp_seconds{{{COMMON}}}"] == 1_700_000_100
    assert found[f"selvedge_deployment_run_duration_seconds{{{COMMON}}}"] == 100
    assert found[f"selvedge_deployment_hosts{{{COMMON}}}"] == 3
    assert found[f'selvedge_deployment_duration_seconds{{{COMMON},stage="ledger"}}'] == 70
    task = "selvedge_deployment_task_duration_seconds"
    assert found[f'{task}{{{COMMON},stage="ledger",task="ledger : Converge"}}'] == 70
    assert found[f'selvedge_deployment_changed{{{COMMON},stage="ledger"}}'] == 1
    assert found[f'selvedge_deployment_failed{{{COMMON},stage="health"}}'] == 1
    assert found[f'selvedge_deployment_unreachable{{{COMMON},stage="ledger"}}'] == 1
    assert found[f'selvedge_deployment_info{{{COMMON},version="0.2.0",ansible="2.19.14"}}'] == 1


def test_only_the_slowest_tasks_are_named() -> None:
    """Names are labels: there must not be a series for every task."""
    named = [name for name in values(render(sample(), 1)) if "task_duration" in name]
    assert len(named) == 1 and "Converge" in named[0]
    assert not [name for name in values(render(sample(), 0)) if "task_duration" in name]


def test_an_aborted_run_is_no_success() -> None:
    found = values(render(sample(ended=False)))
    assert found[f"selvedge_deployment_success{{{COMMON}}}"] == 0
    assert found[f"selvedge_deployment_aborted{{{COMMON}}}"] == 1


def test_check_mode_is_another_series_and_another_file() -> None:
    check = replace(ABOUT, check_mode=True)
    assert set(values(render(sample(check)))).isdisjoint(values(render(sample())))
    assert (file_stem(ABOUT), file_stem(check)) == ("lab_site", "lab_site_check")


def test_files_of_one_metric_say_the_same_of_it() -> None:
    """The collector refuses them otherwise."""
    helps = [
        re.findall(r"^# .*$", render(sample(about)), flags=re.MULTILINE)
        for about in (ABOUT, replace(ABOUT, playbook="x"))
    ]
    assert helps[0] == helps[1]
    assert len(helps[0]) == len(set(helps[0])) == 22


def test_what_a_label_may_contain() -> None:
    text = render(sample(replace(ABOUT, playbook='a"b\\c\nd')))
    assert 'playbook="a\\"b\\\\c\\nd"' in text
    assert all(re.fullmatch(r"#.*|\w+\{.*\} [\d.e+-]+", line) for line in text.splitlines())


def test_a_file_name_has_no_path() -> None:
    assert file_stem(replace(ABOUT, network="", playbook="../x y")) == "..-x-y"
