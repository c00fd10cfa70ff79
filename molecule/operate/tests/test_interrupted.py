"""Runs that are killed at ten random moments, and run again: the network is healthy, whatever was half done."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable

import pytest
from ansible_collections.selvedge.fabric.molecule.operate.tests.test_plan import new_peer, peer_of
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.runs import Model, Operator

SEED = int(os.environ.get("SELVEDGE_SEED") or time.time())
RANDOM = random.Random(SEED)
KILLS = 5


def kill(operator: Operator, playbook: str, longest: float) -> float | None:
    """Start a playbook and end it at a random moment, as Ctrl-C does or as a crash does.

    :param longest: seconds within which the moment lies
    :return: nothing when it was killed; when it had ended by itself, and well, the seconds that it took
    """
    how = RANDOM.choice([signal.SIGINT, signal.SIGKILL])
    after = RANDOM.uniform(0.5, longest)
    begin = time.monotonic()
    process = operator.start(playbook)
    try:
        output, _unused = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, how)
        process.communicate()
        assert process.returncode, f"{how.name} did not end it"
        print(f"seed {SEED}: {playbook} {how.name} after {after:.1f} s")
        return None
    assert process.returncode == 0, output[-3000:]
    took = time.monotonic() - begin
    print(f"seed {SEED}: {playbook} had ended after {took:.1f} s, before {after:.1f} s")
    return took


def kill_for_sure(operator: Operator, playbook: str, change: Callable[[Model], None] | None = None) -> None:
    """The same until one was killed; a change that was made before that is made again, in a shorter time."""
    longest: float | None = 60
    while longest:
        if change:
            operator.edit(change)
        longest = kill(operator, playbook, longest)


def settled(operator: Operator, ledger: Ledger) -> None:
    """One run, then everything healthy, nothing left to do, and the ledger takes transactions."""
    operator.run("site")
    operator.run("verify")
    again = operator.run("site", "--check")
    assert (again.items, again.predicted_containers) == (set(), set())
    ledger.wait_for(ledger.create()[1].tx_id)


def settings(model: Model) -> None:
    """Another channel configuration, and other memory for two peers and an orderer."""
    timeout = int(model["channels"][0].get("batch_timeout", "500ms").removesuffix("ms"))
    model["channels"][0]["batch_timeout"] = f"{timeout + 1}ms"
    for node in (
        peer_of(model, "org1", 0),
        peer_of(model, "org2", 0),
        model["organizations"][0]["orderers"][1],
    ):
        node["memory"] = f"{int(node.get('memory', '600m').removesuffix('m')) + 1}m"


def version(model: Model) -> None:
    """Another version of the chaincode."""
    former = float(model["chaincodes"][0]["version"])
    model["chaincodes"][0]["version"] = f"{former + 1:.1f}"


def come_or_go(model: Model) -> None:
    """A peer that is not there yet, or one that leaves."""
    peers = next(item for item in model["organizations"] if item["name"] == "org2")["peers"]
    if len(peers) > 1:
        peers.pop()
    else:
        new_peer(model)


@pytest.mark.parametrize("change", [settings, version, come_or_go, settings, come_or_go])
def test_a_change_that_is_killed_is_made_good_by_the_next_run(
    operator: Operator, ledger: Ledger, change: Callable[[Model], None]
) -> None:
    kill_for_sure(operator, "site", change)
    settled(operator, ledger)


def test_a_first_deployment_that_is_killed_again_and_again_ends_well(operator: Operator) -> None:
    operator.run("destroy", "-e", "confirm_destroy=operate")
    operator.run("bootstrap")
    operator.run("images")
    for _unused in range(KILLS):
        kill_for_sure(operator, "site")
    operator.run("site")
    operator.run("verify")
    again = operator.run("site", "--check")
    assert (again.items, again.predicted_containers) == (set(), set())
