"""One run at a time."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable

from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import the_host
from ansible_collections.selvedge.fabric.molecule.shared.testing.runs import Operator
from ansible_collections.selvedge.fabric.molecule.shared.testing.waiting import eventually

LOCK = "/run/selvedge.lock"


def holder(host: str) -> str:
    """The run that holds a host's lock."""
    done = the_host(host).run(f"cat {LOCK}")
    assert done.rc == 0, "no run holds the lock"
    return str(json.loads(done.stdout)["run"])


def held_by(host: str, process: int) -> Callable[[], None]:
    def check() -> None:
        assert f"-{process}-" in holder(host)

    return check


def test_the_second_of_two_runs_is_refused_by_name(operator: Operator, deployment: Deployment) -> None:
    first = operator.start("site")
    eventually(held_by("host3", first.pid), 120)
    second = operator.run("site", fails=True)
    assert "another run is at work here" in second.said()
    assert f"process {first.pid}" in second.said()
    assert "'Bring the network to the model'" in second.said()
    output, _unused = first.communicate()
    assert first.returncode == 0, output[-3000:]
    for host in deployment.variables:
        assert the_host(host).run(f"test -e {LOCK}").rc == 1, f"{host} is still locked"


def test_two_runs_on_different_hosts_are_refused_as_well(operator: Operator) -> None:
    """What is agreed on over the network is touched by both."""
    first = operator.start("site", "--limit", "host1")
    eventually(held_by("host1", first.pid), 120)
    second = operator.run("site", "--limit", "host2", fails=True)
    assert f"process {first.pid}" in second.said()
    output, _unused = first.communicate()
    assert first.returncode == 0, output[-3000:]


def test_the_lock_of_a_run_that_was_killed_is_taken_over(operator: Operator) -> None:
    first = operator.start("site")
    eventually(held_by("host2", first.pid), 120)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert f"-{first.pid}-" in holder("host2")
    operator.run("site")


def test_a_lock_of_another_controller_is_broken_by_its_name_only(operator: Operator) -> None:
    record = {
        "run": "elsewhere-1-2",
        "controller": "elsewhere 0",
        "process": "1",
        "started": "2",
        "user": "ann",
        "playbook": "Start the network",
    }
    assert the_host("host2").run(f"echo '{json.dumps(record)}' > {LOCK}").rc == 0
    refused = operator.run("site", fails=True)
    assert "'Start the network' by ann on elsewhere" in refused.said()
    assert "-e selvedge_break_lock=elsewhere-1-2" in refused.said()
    operator.run("site", "-e", "selvedge_break_lock=elsewhere-1-2")
