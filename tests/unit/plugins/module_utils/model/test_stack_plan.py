"""Compose's dry run, sorted: lines of real runs of Compose 2.26 through community.docker."""

from __future__ import annotations

from ansible_collections.selvedge.fabric.plugins.module_utils.model.stack_plan import StackPlan, read_plan

SERVICES = {
    "peer0.org1": {"container_name": "peer0.org1"},
    "peer1.org1": {"container_name": "peer1.org1"},
    "store": {"container_name": "store.lab.example"},
}


def act(name: str, *statuses: str, what: str = "container") -> list[dict[str, str]]:
    return [{"what": what, "id": name, "status": status} for status in statuses]


def test_nothing_to_do_is_no_plan() -> None:
    plan = read_plan(SERVICES, [])
    assert not plan
    assert plan.lines == []


def test_every_container_gets_the_gravest_thing_that_happens_to_it() -> None:
    plan = read_plan(
        SERVICES,
        [
            *act("lab-ledger_default", "Creating", what="network"),
            *act("peer0.org1", "Recreate"),
            *act("97f73515d988_peer0.org1", "Starting"),
            *act("store.lab.example", "Creating", "Starting"),
            *act("peer1.org1", "Starting"),
            *act("peer9.org1", "Stopping", "Removing"),
        ],
    )
    assert plan == StackPlan(
        create=("store",), recreate=("peer0.org1",), start=("peer1.org1",), remove=("peer9.org1",)
    )
    assert plan.fresh == ["peer1.org1", "store"]
    assert plan.lines == [
        "~ peer0.org1: recreate",
        "+ store: create",
        "- peer9.org1: remove",
        "+ peer1.org1: start",
    ]


def test_a_pull_changes_no_container() -> None:
    assert not read_plan(SERVICES, [*act("peer0.org1", "Pulling", what="service"), *act("x", "Pulling")])


def test_the_result_has_plain_types() -> None:
    assert read_plan(SERVICES, act("peer0.org1", "Creating")).as_dict() == {
        "create": ["peer0.org1"],
        "recreate": [],
        "start": [],
        "remove": [],
        "moved": [],
        "fresh": ["peer0.org1"],
        "silent": [],
        "lines": ["+ peer0.org1: create"],
    }


def test_what_gets_another_port_does_not_answer_there_yet() -> None:
    """A container that is made anew for another reason does; one that is stopped publishes nothing, and is started."""
    services = {
        "peer0.org1": {"ports": ["7061:7061", "9445:9445"]},
        "peer1.org1": {"ports": ["7051:7051"]},
        "assets.peer0.org1": {},
    }

    def container(name: str, *ports: int) -> dict[str, object]:
        return {
            "Service": name,
            "Publishers": [{"PublishedPort": port, "TargetPort": port} for port in ports],
        }

    actions = [
        *act("peer0.org1", "Recreate"),
        *act("peer1.org1", "Recreate"),
        *act("assets.peer0.org1", "Recreate"),
    ]
    there = [
        container("peer0.org1", 7051, 9445),
        container("peer1.org1", 7051),
        container("assets.peer0.org1"),
    ]
    plan = read_plan(services, actions, there)
    assert (plan.moved, plan.silent) == (("peer0.org1",), ["peer0.org1"])
    assert [line for line in plan.lines if "moved" in line] == []
    stopped = read_plan(services, act("peer1.org1", "Starting"), [container("peer1.org1")])
    assert (stopped.moved, stopped.silent) == ((), ["peer1.org1"])
