"""What Compose's module is asked for, and what is made of its answer. Compose itself is met in Molecule's scenarios."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.selvedge.fabric.plugins.action.stack import ActionModule

PROJECT = {"name": "lab-ledger", "services": {name: {"container_name": name} for name in ("peer0", "peer1")}}
RECREATE = [{"what": "container", "id": "peer0", "status": "Recreate"}]
CREATE = [{"what": "container", "id": "peer1", "status": "Creating"}]


class Stack(ActionModule):
    """The plugin in front of a Compose that answers what it is told to."""

    def __init__(self, check: bool = False, **answer: Any) -> None:
        self._task = SimpleNamespace(args={}, check_mode=check, async_val=0, diff=False)
        self._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        self.answer = answer
        self.calls: list[dict[str, Any]] = []
        self.dry: list[bool] = []

    def _execute_module(
        self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        assert module_name == "community.docker.docker_compose_v2"
        self.calls.append(module_args)
        self.dry.append(self._task.check_mode)
        if isinstance(error := self.answer.get("error"), Exception):
            raise error
        return self.answer

    def do(self, known: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
        self._task.args = {"stack": "ledger", "project": PROJECT, **arguments}
        return self.run(task_vars={"selvedge_plans": known} if known is not None else {})


@pytest.mark.parametrize(
    ("check", "state", "dry", "pull"),
    [
        (False, "planned", True, "never"),
        (True, "planned", True, "never"),
        (True, "present", True, "never"),
        (False, "present", False, "missing"),
    ],
)
def test_a_dry_run_asks_no_registry(check: bool, state: str, dry: bool, pull: str) -> None:
    stack = Stack(check, actions=RECREATE)
    stack.do(state=state)
    assert stack.dry == [dry]
    assert stack.calls[0]["pull"] == pull
    assert stack.calls[0]["state"] == "present"
    assert stack._task.check_mode is check, "the task's own mode is put back"


@pytest.mark.parametrize("state", ["planned", "present"])
def test_the_tasks_mode_is_put_back_after_a_failure_too(state: str) -> None:
    stack = Stack(error=AnsibleActionFail("gone"))
    with pytest.raises(AnsibleActionFail):
        stack.do(state=state)
    assert stack._task.check_mode is False


@pytest.mark.parametrize("check", [False, True])
def test_what_is_removed_needs_no_image(check: bool) -> None:
    stack = Stack(check)
    stack.do(state="absent")
    assert stack.dry == [check]
    assert stack.calls[0]["state"] == "absent"
    assert not {"pull", "recreate", "wait"} & set(stack.calls[0])
    assert stack.calls[0]["remove_volumes"] is True
    stack.do()
    assert "remove_volumes" not in stack.calls[1]


def test_one_service_leaves_all_others_alone() -> None:
    stack = Stack()
    stack.do(services=["peer0"])
    assert (stack.calls[0]["services"], stack.calls[0]["remove_orphans"]) == (["peer0"], False)
    assert stack.calls[0]["dependencies"] is False
    stack.do()
    assert "services" not in stack.calls[1]
    assert stack.calls[1]["remove_orphans"] is True


@pytest.mark.parametrize(
    ("check", "state", "actions", "changed"),
    [
        (False, "planned", RECREATE, False),
        (True, "planned", RECREATE, True),
        (True, "planned", [], False),
        (False, "present", RECREATE, True),
        (True, "present", RECREATE, True),
        (False, "present", [], False),
        (False, "absent", [{"what": "container", "id": "peer0", "status": "Removing"}], True),
    ],
)
def test_what_is_only_planned_is_a_change_in_check_mode_alone(
    check: bool, state: str, actions: list[dict[str, str]], changed: bool
) -> None:
    assert Stack(check, actions=actions).do(state=state)["changed"] is changed


@pytest.mark.parametrize("check", [False, True])
def test_a_host_that_has_nothing_of_a_project_is_not_asked(check: bool) -> None:
    plan = Stack(check, error=AnsibleActionFail("no docker")).do(state="planned", fresh=True)
    assert (plan["changed"], plan["plan"]["create"]) == (check, ["peer0", "peer1"])
    assert plan["ansible_facts"]["selvedge_plans"]["ledger"] == plan["plan"]
    # What is done is Compose's, always.
    stack = Stack(check, actions=CREATE)
    assert stack.do(state="present", fresh=True)["plan"]["create"] == ["peer1"]
    assert len(stack.calls) == 1


@pytest.mark.parametrize("fresh", [False, "no", "false"])
def test_a_host_that_has_something_of_it_is_asked(fresh: bool | str) -> None:
    assert Stack(actions=RECREATE).do(state="planned", fresh=fresh)["plan"]["recreate"] == ["peer0"]


def test_plans_of_several_stacks_stand_side_by_side() -> None:
    ca = {"create": ["ca.org1"]}
    old = {"create": ["peer0"]}
    result = Stack(actions=RECREATE).do({"ca": ca, "ledger": old}, state="planned")
    plans = result["ansible_facts"]["selvedge_plans"]
    assert plans == {"ca": ca, "ledger": result["plan"]}
    assert plans["ledger"]["recreate"] == ["peer0"]
    first = Stack(actions=CREATE).do(state="planned")["ansible_facts"]["selvedge_plans"]
    assert list(first) == ["ledger"]


def test_only_a_plan_sets_facts() -> None:
    assert "ansible_facts" not in Stack(actions=RECREATE).do({})


def test_the_diff_has_a_line_for_each_container_and_none_for_nothing() -> None:
    result = Stack(True, actions=[*RECREATE, *CREATE]).do()
    assert result["diff"] == [{"prepared": "stack ledger:\n~ peer0: recreate\n+ peer1: create\n"}]
    assert Stack(True).do()["diff"] == []
    unnamed = Stack(True, actions=CREATE).do(stack="")
    assert unnamed["diff"][0]["prepared"].startswith("stack lab-ledger:\n")


@pytest.mark.parametrize(
    "answer",
    [
        {"msg": "no space left on device"},
        {"msg": "General error", "stderr": "no space left on device"},
        {"msg": "MODULE FAILURE", "module_stderr": "no space left on device"},
    ],
)
def test_a_failure_of_compose_is_handed_on_with_what_helps(answer: dict[str, str]) -> None:
    result = Stack(failed=True, **answer).do({}, state="planned")
    advice = "Next: free some space on the host, then run again"
    assert result == {"failed": True, **answer, "msg": f"{answer['msg']}. {advice}"}


def test_an_option_that_is_none_is_refused_before_anything_happens() -> None:
    stack = Stack()
    with pytest.raises(AnsibleActionFail, match=r"service is no option; known are stack, project, state"):
        stack.do(service="peer0")
    assert stack.calls == []
