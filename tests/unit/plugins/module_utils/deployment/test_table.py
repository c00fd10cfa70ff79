"""The table at the end of a run."""

from __future__ import annotations

import re
from dataclasses import replace

from ansible_collections.selvedge.fabric.plugins.module_utils.deployment.table import render
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.deployment.samples import (
    ABOUT,
    recorder,
    sample,
)

EXPECTED = """\
site on network lab: FAILED after 1 min 40 s, 3 hosts, 1 changed; selvedge.fabric 0.2.0

stage     duration  ok  changed  failed  unreachable
ledger  1 min 10 s   2        1       0            1
health        30 s   1        0       1            0
in all  1 min 40 s   3        1       1            1

slowest tasks       duration
ledger: Converge  1 min 10 s
health: Wait            20 s  1 retry

what failed
  host3: ledger: Converge
  host1: health: Wait"""


def test_the_table() -> None:
    assert render(sample(), 2) == EXPECTED


def test_check_mode_limit_and_the_one_host() -> None:
    record, clock = recorder(replace(ABOUT, check_mode=True, limit="host2", network=""))
    record.task_started("t", "ledger", "selvedge.fabric.service : Plan the stack")
    clock.passes(1)
    record.finished("t", "host2", True)
    said = render(record.finish({}), 5)
    assert said.startswith("site, in check mode: done in 1.0 s, 1 host (limit host2), 1 would change;")
    assert "ledger: selvedge.fabric.service : Plan the stack" in said, (
        "a role that another one includes is named"
    )


def test_an_aborted_run() -> None:
    record, _clock = recorder()
    record.task_started("t", "ledger", "ledger : Converge")
    said = render(record.finish(None), 5)
    assert said.splitlines()[0].startswith("site on network lab: ABORTED after 0.0 s, 0 hosts")
    assert said.splitlines()[1] == "It was at ledger: ledger : Converge"


def test_no_line_can_be_taken_for_ansible_s_own() -> None:
    """Tests, `make demo`, `make bench` and Molecule's idempotence read what Ansible prints."""
    own = r"changed=|ok=|^(ok|changed|fatal|skipping): |TASK \[|PLAY |^        |\[ERROR\]"
    assert not re.search(own, render(sample(), 5), flags=re.MULTILINE)


def test_a_long_name_does_not_make_the_table_wide() -> None:
    record, clock = recorder()
    record.task_started("t", "ledger", "x" * 200)
    clock.passes(1)
    record.finished("t", "host2", True)
    assert max(map(len, render(record.finish({}), 5).splitlines())) < 100
