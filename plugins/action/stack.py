# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Plan, converge or remove a Compose project on a host, by ``community.docker.docker_compose_v2``."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.selvedge.fabric.plugins.module_utils.model.engine_errors import next_step
from ansible_collections.selvedge.fabric.plugins.module_utils.model.stack_plan import StackPlan, read_plan
from ansible_collections.selvedge.fabric.plugins.plugin_utils.host_facts import host_facts

_COMPOSE = "community.docker.docker_compose_v2"
_DEFAULTS = {"stack": "", "project": {}, "state": "present", "services": [], "timeout": 30, "fresh": False}


class ActionModule(ActionBase):  # type: ignore[misc]
    """One call of Compose's module."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        if unknown := sorted(set(self._task.args) - set(_DEFAULTS)):
            raise AnsibleActionFail(
                f"stack: {', '.join(unknown)} is no option; known are {', '.join(_DEFAULTS)}"
            )
        options = {**_DEFAULTS, **self._task.args}
        if boolean(options["fresh"]) and options["state"] == "planned":
            plan = StackPlan(create=tuple(sorted(options["project"]["services"])))
        else:
            result = self._compose(options, variables)
            if result.get("failed"):
                return {**result, "msg": f"{result.get('msg', '')}. Next: {next_step(_said(result))}"}
            plan = read_plan(
                options["project"]["services"], result.get("actions", []), result.get("containers", [])
            )
        answer: dict[str, Any] = {"changed": bool(plan), "plan": plan.as_dict(), "diff": _diff(options, plan)}
        if options["state"] == "planned":
            # In a run, what is planned is not done yet; what does it says so itself.
            answer["changed"] = bool(plan) and bool(self._task.check_mode)
            known = variables.get("selvedge_plans", {})
            answer.update(host_facts(self, {"selvedge_plans": {**known, options["stack"]: answer["plan"]}}))
        return answer

    def _compose(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        absent = options["state"] == "absent"
        some = bool(options["services"])
        arguments = {
            "project_name": options["project"]["name"],
            "definition": options["project"],
            "state": "absent" if absent else "present",
            "remove_orphans": not some,
            "timeout": options["timeout"],
            # Ledgers lie in folders of the host. A volume is what an image asked for and nobody keeps.
            **(
                {"remove_volumes": True}
                if absent
                else {"pull": "missing", "recreate": "auto", "wait": False, "dependencies": False}
            ),
            **({"services": options["services"]} if some else {}),
        }
        check = self._task.check_mode
        self._task.check_mode = check or options["state"] == "planned"
        if self._task.check_mode and not absent:
            # Compose's dry run would ask the registry itself, without the CA that the engine trusts. An image that is
            # pulled first changes nothing in what happens to containers.
            arguments["pull"] = "never"
        try:
            result: dict[str, Any] = self._execute_module(
                module_name=_COMPOSE, module_args=arguments, task_vars=variables
            )
        finally:
            self._task.check_mode = check
        return result


def _said(result: dict[str, Any]) -> str:
    return " ".join(str(result.get(key, "")) for key in ("msg", "stderr", "module_stderr"))


def _diff(options: dict[str, Any], plan: StackPlan) -> list[dict[str, str]]:
    """What happens to the containers; the definition's own difference is that of its file."""
    if not plan:
        return []
    lines = "".join(f"{line}\n" for line in plan.lines)
    return [{"prepared": f"stack {options['stack'] or options['project']['name']}:\n{lines}"}]
