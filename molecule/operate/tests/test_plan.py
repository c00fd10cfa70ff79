"""`--check --diff` tells what the run then does, item by item, and touches nothing.

The edits build on each other: each is planned, looked at, done, and compared.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.engines import happened, look
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import the_host
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.runs import Model, Operator

# Content, owner, mode and time of change of all that a run may write on a host.
TRACES = (
    "find /etc/selvedge /etc/docker /etc/systemd/system /etc/credstore.encrypted /usr/local/lib/selvedge"
    " /var/lib/selvedge /run/selvedge -xdev -type f -not -path '*/raft/*' -not -path '/var/lib/selvedge/*/*'"
    " -printf '%p %m %U %T@ %s\\n' | sort; ls -la /run/selvedge.lock* 2>/dev/null; systemctl list-units 'selvedge*'"
    " --all --no-legend --plain"
)


def peer_of(model: Model, organization: str, number: int) -> dict[str, Any]:
    org = next(item for item in model["organizations"] if item["name"] == organization)
    found: dict[str, Any] = org["peers"][number]
    return found


def batch_timeout(model: Model) -> None:
    model["channels"][0]["batch_timeout"] = "250ms"


def memory(model: Model) -> None:
    peer_of(model, "org1", 1)["memory"] = "640m"


def log_level(model: Model) -> None:
    for org in model["organizations"]:
        for node in [*org.get("orderers", []), *org.get("peers", [])]:
            node["log_level"] = "info:gossip=warning"


def new_peer(model: Model) -> None:
    next(item for item in model["organizations"] if item["name"] == "org2")["peers"].append(
        {"name": "peer1", "host": "host2"}
    )


def new_host(model: Model) -> None:
    next(item for item in model["organizations"] if item["name"] == "org1")["peers"].append(
        {"name": "peer2", "host": "host4"}
    )


def new_chaincode_version(model: Model) -> None:
    model["chaincodes"][0]["version"] = "2.0"


def removed_peer(model: Model) -> None:
    next(item for item in model["organizations"] if item["name"] == "org2")["peers"].pop()


CHAINCODES = {
    f"assets.{peer}"
    for peer in (
        "peer0.org1.operate.example",
        "peer1.org1.operate.example",
        "peer2.org1.operate.example",
        "peer0.org2.operate.example",
        "peer1.org2.operate.example",
    )
}
NODES = {
    *(f"orderer{number}.orderers.operate.example" for number in (1, 2, 3)),
    *(f"peer{number}.org1.operate.example" for number in (0, 1)),
    "peer0.org2.operate.example",
}
# What must happen to containers, said here once more by hand: a plan that equals its deed may still be too much.
EDITS: list[tuple[Callable[[Model], None], set[tuple[str, str]]]] = [
    (batch_timeout, set()),
    (memory, {("recreate", "peer1.org1.operate.example")}),
    (log_level, {("recreate", name) for name in NODES}),
    (
        new_peer,
        {("create", name) for name in ("peer1.org2.operate.example", "assets.peer1.org2.operate.example")},
    ),
    (
        new_host,
        {("create", name) for name in ("peer2.org1.operate.example", "assets.peer2.org1.operate.example")},
    ),
    (new_chaincode_version, {("recreate", name) for name in CHAINCODES}),
    (
        removed_peer,
        {("remove", name) for name in ("peer1.org2.operate.example", "assets.peer1.org2.operate.example")},
    ),
]


def traces(deployment: Deployment, ledger: Ledger) -> dict[str, Any]:
    """All that a run could leave: files, containers, secrets, blocks."""
    hosts = {name: the_host(name).run(f"sh -c {shlex.quote(TRACES)}").stdout for name in deployment.variables}
    secrets = {
        path: secret.version
        for path, secret in deployment.store.get_many(
            [item["secret"] for item in deployment.controller["identities"]]
        ).items()
        if secret
    }
    heights = {name: chain.height for name, chain in ledger.chains().items()}
    return {"hosts": hosts, "containers": look(deployment.variables), "secrets": secrets, "heights": heights}


def test_nothing_is_predicted_where_nothing_is_to_do(
    operator: Operator, deployment: Deployment, ledger: Ledger
) -> None:
    before = traces(deployment, ledger)
    plan = operator.run("site", "--check", "--diff")
    assert (plan.items, plan.predicted_containers) == (set(), set())
    assert traces(deployment, ledger) == before


@pytest.mark.parametrize(("change", "containers"), EDITS, ids=lambda item: getattr(item, "__name__", ""))
def test_an_edit_does_what_its_plan_says(
    operator: Operator,
    deployment: Deployment,
    ledger: Ledger,
    change: Callable[[Model], None],
    containers: set[tuple[str, str]],
) -> None:
    operator.edit(change)
    before = traces(deployment, ledger)
    plan = operator.run("site", "--check", "--diff")
    assert traces(deployment, ledger) == before
    assert plan.items or plan.predicted_containers
    deed = operator.run("site", "--diff")
    assert plan.items == deed.items
    assert (
        plan.predicted_containers == happened(before["containers"], look(deployment.variables)) == containers
    )
    again = operator.run("site", "--check", "--diff")
    assert (again.items, again.predicted_containers) == (set(), set())
    operator.run("verify")
