"""Documentation and code of our modules say the same."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner

PREFIX = "ansible_collections.selvedge.fabric.plugins.modules."
RUN_BY_ANSIBLE = [
    "host_state",
    "sealed_credentials",
    "image",
    "image_pull",
    "secrets_ready",
    "bootstrap_ca",
    "engine_info",
    "lab",
    "preflight_info",
    "program",
    "host_info",
    "status_info",
]
# These have an action plugin, the module is where their documentation stands.
ACTIONS = ["network_model", "boot_material", "preflight_report", "status_report"]
VALUES: dict[str, Any] = {"str": "x", "path": "/x", "list": [], "dict": {}}


def part(module: str, name: str) -> Any:
    return yaml.safe_load(getattr(importlib.import_module(PREFIX + module), name))


@pytest.mark.parametrize("name", [*RUN_BY_ANSIBLE, *ACTIONS])
def test_documentation_is_complete(name: str) -> None:
    documentation = part(name, "DOCUMENTATION")
    assert documentation["module"] == name
    assert documentation["short_description"]
    assert documentation["attributes"]["check_mode"]["support"] == "full"
    options = documentation.get("options") or {}
    for key, option in options.items():
        assert option["description"] and option["type"], key
    for task in part(name, "EXAMPLES"):
        used = task[f"selvedge.fabric.{name}"] or {}
        assert set(used) <= set(options)
        missing = {key for key, option in options.items() if option.get("required")} - set(used)
        assert not missing, f"the example leaves out {missing}"


@pytest.mark.parametrize("name", RUN_BY_ANSIBLE)
def test_options_are_those_that_the_module_takes(run: ModuleRunner, name: str) -> None:
    """Asked with an unknown option, AnsibleModule lists what it knows."""
    module = importlib.import_module(PREFIX + name)
    options = part(name, "DOCUMENTATION")["options"]
    needed = {key: VALUES[option["type"]] for key, option in options.items() if option.get("required")}
    if name == "lab":
        needed["state"] = "absent"  # asks for less
    result = run(module.main, check=True, **needed, no_such_option=1)
    assert result["failed"] is True
    supported = result["msg"].split("Supported parameters include: ")[1].rstrip(".").split(", ")
    assert sorted(supported) == sorted(options)
