"""`--check --diff` tells what the run then does, item by item, and touches nothing.

The edits build on each other: each is planned, looked at, done, and compared.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.engines import happened, look
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import the_host
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.runs import Model, Operator

# Content, owner, mode and time of change of all that a run may write on a host; folders, users, units.
TRACES = (
    "find /etc/selvedge /etc/docker /etc/systemd/system /etc/credstore /etc/credstore.encrypted"
    " /usr/local/lib/selvedge /var/lib/selvedge /run/selvedge -xdev -not -path '*/raft/*'"
    " -not -path '/var/lib/selvedge/*/*' \\( -type d -printf '%p %m %U %G\\n' -o -printf '%p %m %U %G %T@ %s\\n' \\)"
    " 2>/dev/null | sort; getent passwd; getent group; ls -la /run/selvedge.lock* 2>/dev/null;"
    " systemctl list-units 'selvedge*' --all --no-legend --plain"
)

LOCK_LINE = re.compile(r"^.* /run/selvedge\.lock\S*$\n?", re.MULTILINE)


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


def moved_port(model: Model) -> None:
    peer_of(model, "org2", 0)["port"] = 7161


def port_moved_back(model: Model) -> None:
    del peer_of(model, "org2", 0)["port"]


def chaincode_memory(model: Model) -> None:
    model["chaincodes"][0]["memory"] = "160m"


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
    # Others of its organisation begin gossip with it; it is the anchor peer of its channel.
    (
        moved_port,
        {("recreate", name) for name in ("peer0.org2.operate.example", "peer1.org2.operate.example")},
    ),
    (
        port_moved_back,
        {("recreate", name) for name in ("peer0.org2.operate.example", "peer1.org2.operate.example")},
    ),
    (chaincode_memory, {("recreate", name) for name in CHAINCODES}),
    (new_chaincode_version, {("recreate", name) for name in CHAINCODES}),
    (
        removed_peer,
        {("remove", name) for name in ("peer1.org2.operate.example", "assets.peer1.org2.operate.example")},
    ),
]


def traces_of_hosts(deployment: Deployment) -> dict[str, Any]:
    """All that a run could leave on hosts and on the controller: files, users, units, containers."""
    hosts = {name: the_host(name).run(f"sh -c {shlex.quote(TRACES)}").stdout for name in deployment.variables}
    state = {
        str(path): (path.stat().st_mode, path.stat().st_mtime_ns)
        for path in deployment.state_dir.rglob("*")
        # SSH's own, and the file over which runs agree who may take the lock.
        if path.is_file() and path.name not in ("known_hosts", "run.lock.guard")
    }
    return {"hosts": hosts, "controller": state, "containers": look(deployment.variables)}


def traces(known: Deployment, edited: Deployment) -> dict[str, Any]:
    """The same, and what it could leave in the ledger that there is, and in the store for the model as edited."""
    controller = edited.controller
    paths = [
        *(item["secret"] for item in controller["identities"]),
        *(item["path"] for item in controller["generated_secrets"]),
        *(f"{item['mount']}/ca/server" for item in controller["authorities"]),
    ]
    secrets = {path: secret.version for path, secret in known.store.get_many(paths).items() if secret}
    heights = {name: chain.height for name, chain in Ledger(known).chains().items()}
    return {**traces_of_hosts(known), "secrets": secrets, "heights": heights}


def test_nothing_is_predicted_where_nothing_is_to_do(operator: Operator) -> None:
    known = operator.deployment()
    before = traces(known, known)
    plan = operator.run("site", "--check", "--diff")
    assert (plan.items, plan.predicted_containers) == (set(), set())
    assert traces(known, known) == before


@pytest.mark.parametrize(("change", "containers"), EDITS, ids=lambda item: getattr(item, "__name__", ""))
def test_an_edit_does_what_its_plan_says(
    operator: Operator, change: Callable[[Model], None], containers: set[tuple[str, str]]
) -> None:
    known = operator.deployment()
    operator.edit(change)
    does_what_its_plan_says(operator, known, containers)


def does_what_its_plan_says(operator: Operator, known: Deployment, containers: set[tuple[str, str]]) -> None:
    """Plan the edit, look that nothing has changed, do it, compare.

    :param known: the deployment before the edit
    :param containers: what must happen to them
    """
    edited = operator.deployment()
    before = traces(known, edited)
    plan = operator.run("site", "--check", "--diff")
    assert traces(known, edited) == before
    assert plan.items or plan.predicted_containers
    deed = operator.run("site", "--diff")
    assert plan.items == deed.items
    assert plan.predicted_containers == happened(before["containers"], look(known.variables)) == containers
    again = operator.run("site", "--check", "--diff")
    assert (again.items, again.predicted_containers) == (set(), set())
    operator.run("verify")


def test_another_image_goes_to_every_container_of_it(operator: Operator) -> None:
    """A digest changes in the lock, to one that no host has yet. It is the same program under another label."""
    known = operator.deployment()
    name = next(key for key in known.images if key.startswith("fabric-peer:"))
    registry = known.network.registry_address
    repository, _unused, digest = known.images[name].partition("@")
    made = (
        f"docker commit --change 'LABEL org.example.made=again' $(docker create {registry}/{repository}@{digest})"
        f" {registry}/{repository}:again && docker push --quiet {registry}/{repository}:again >/dev/null"
        f" && docker inspect --format '{{{{index .RepoDigests 0}}}}' {registry}/{repository}:again"
        f" && docker rm $(docker ps --all --quiet --filter status=created) >/dev/null"
        f" && docker image rm {registry}/{repository}:again >/dev/null"
    )
    said = the_host("host1").run(f"sh -c {shlex.quote(made)}")
    assert said.rc == 0, said.stderr
    other = next(line for line in said.stdout.splitlines() if "@" in line).strip()
    peers = {("recreate", peer.name) for peer in Ledger(known).peers}
    operator.lock(name, f"{repository}@{other.partition('@')[2]}")
    does_what_its_plan_says(operator, known, peers)
    operator.unlock()
    does_what_its_plan_says(operator, known, peers)


def test_an_orderer_is_not_removed_by_the_way(operator: Operator) -> None:
    """Its channels count on it: neither a plan nor a run touches anything before it is confirmed by name."""
    known = operator.deployment()

    def without(model: Model) -> None:
        model["organizations"][0]["orderers"].pop()

    before = traces(known, known)
    with operator.edited(without):
        for options in (["--check"], []):
            said = operator.run("site", *options, fails=True).said()
            assert (
                "orderer3.orderers.operate.example runs on host3 and is not in the model there any more"
                in said
            )
            assert """-e '{"confirm_remove": ["orderer3.orderers.operate.example"]}'""" in said
    after = traces(known, known)
    # A run that fails leaves its lock, which the next one takes over.
    for found in (before, after):
        found["controller"].pop(str(known.state_dir / "run.lock"), None)
        found["hosts"] = {host: LOCK_LINE.sub("", text) for host, text in found["hosts"].items()}
    assert after == before
