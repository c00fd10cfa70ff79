"""Runs that are killed at ten random moments, and run again: the network is healthy, whatever was half done."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time

from ansible_collections.selvedge.fabric.molecule.operate.tests.test_plan import peer_of
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.runs import Model, Operator

SEED = int(os.environ.get("SELVEDGE_SEED") or time.time())
RANDOM = random.Random(SEED)
KILLS = 5


def kill(operator: Operator, playbook: str, longest: float) -> str:
    """Start a playbook and end it at a random moment, as Ctrl-C does or as a crash does; say which."""
    how = RANDOM.choice([signal.SIGINT, signal.SIGKILL])
    after = RANDOM.uniform(0.5, longest)
    process = operator.start(playbook)
    try:
        process.communicate(timeout=after)
        said = f"ended before {after:.1f} s"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, how)
        process.communicate()
        assert process.returncode, f"{how.name} did not end it"
        said = f"{how.name} after {after:.1f} s"
    print(f"seed {SEED}: {playbook} {said}")
    return said


def settled(operator: Operator, ledger: Ledger) -> None:
    """One run, then everything healthy, nothing left to do, and the ledger takes transactions."""
    operator.run("site")
    operator.run("verify")
    again = operator.run("site", "--check")
    assert (again.items, again.predicted_containers) == (set(), set())
    ledger.wait_for(ledger.create()[1].tx_id)


def test_a_change_that_is_killed_is_made_good_by_the_next_run(operator: Operator, ledger: Ledger) -> None:
    for number in range(KILLS):

        def change(model: Model, number: int = number) -> None:
            model["channels"][0]["batch_timeout"] = f"{300 + number}ms"
            for organization in ("org1", "org2"):
                peer_of(model, organization, 0)["memory"] = f"{600 + number}m"
            model["organizations"][0]["orderers"][1]["memory"] = f"{600 + number}m"

        operator.edit(change)
        kill(operator, "site", 60)
        settled(operator, ledger)


def test_a_first_deployment_that_is_killed_again_and_again_ends_well(operator: Operator) -> None:
    operator.run("destroy", "-e", "confirm_destroy=operate")
    operator.run("bootstrap")
    operator.run("images")
    for _unused in range(KILLS):
        kill(operator, "site", 60)
    operator.run("site")
    operator.run("verify")
    again = operator.run("site", "--check")
    assert (again.items, again.predicted_containers) == (set(), set())
