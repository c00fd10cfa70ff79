"""The plan of a network that is not there yet, and what the first run then does. Runs before everything else."""

from __future__ import annotations

import re

from ansible_collections.selvedge.fabric.molecule.operate.tests.test_plan import traces_of_hosts
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.engines import happened, look
from ansible_collections.selvedge.fabric.molecule.shared.testing.runs import Operator


def test_the_plan_of_a_fresh_network_comes_true(operator: Operator, deployment: Deployment) -> None:
    traces = traces_of_hosts(deployment)
    before = traces["containers"]
    assert {re.sub(r"\..*", "", name) for name in before} == {"registry"}
    plan = operator.run("site", "--check", "--diff")
    assert traces_of_hosts(deployment) == traces
    deed = operator.run("site", "--diff")
    assert plan.predicted_containers == happened(before, look(deployment.variables))
    # 3 CAs, 3 orderers, 3 peers with a chaincode each, and the store.
    assert len(plan.predicted_containers) == 13
    assert plan.items == deed.items
    operator.run("verify")
