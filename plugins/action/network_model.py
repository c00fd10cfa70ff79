# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Validate the network model and hand each host its view, before any host is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.selvedge.fabric.plugins.module_utils.model import view
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import ModelError, Network, load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.runtimes import runtimes_of

# What a host may state about itself beside its addresses: key of the model's Host to the inventory's variable.
_HOST_VARIABLES = {"seal": "selvedge_seal", "lab_image": "lab_image"}


def plain(value: Any) -> Any:
    """Python's own types only: Ansible's strings carry tags that a YAML writer refuses.

    What looks like a date (a version such as 2025-01-31, without quotes) becomes the text that it was.
    """
    return json.loads(json.dumps(value, default=str))


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller only; nothing is sent to the host."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        try:
            facts = self._facts(variables)
        except ModelError as error:
            raise AnsibleActionFail(str(error)) from error
        return {**result, "changed": False, "ansible_facts": facts}

    def _facts(self, variables: dict[str, Any]) -> dict[str, Any]:
        network = self._network(variables)
        host = plain(variables["inventory_hostname"])
        state_dir = self._state_dir(variables)
        ca_file = Path(state_dir) / "ca.crt"
        ca_cert = ca_file.read_text() if ca_file.is_file() else ""
        facts: dict[str, Any] = {
            "selvedge_network_name": network.name,
            "selvedge_lab_hosts": view.lab_hosts(network),
            "selvedge_controller_state": state_dir,
            "selvedge_controller": view.controller_view(network, state_dir),
            "selvedge_registry": {
                "host": network.registry_host.name,
                "url": f"https://{network.registry_host.reach}:{network.settings['registry']['port']}",
                "address": network.registry_address,
                "images": view.required_images(network),
            },
        }
        stage = self._task.args.get("stage", "site")
        if stage == "controller":
            return facts
        if not ca_cert:
            raise AnsibleActionFail(
                f"{ca_file} is missing: run bootstrap.yml first, it makes the bootstrap CA"
            )
        facts["selvedge_base_files"] = view.base_files(network, host, ca_cert)
        facts["selvedge_engine"] = {"seal": network.hosts[host].seal, "runtimes": runtimes_of(network, host)}
        if stage == "registry":
            facts["selvedge_registry"]["view"] = view.registry_view(
                network, plain(self._task.args["registry_image"])
            )
        if stage == "site":
            locked = self._task.args.get("images") or self._templar.template(
                variables.get("selvedge_images", {})
            )
            lock = plain(locked)
            facts["selvedge_host"] = view.host_view(network, host, lock, ca_cert)
        return facts

    def _state_dir(self, variables: dict[str, Any]) -> str:
        """The controller's folder for its boot material; ``.state`` beside the inventory by default."""
        default = f"{variables.get('inventory_dir') or '.'}/.state"
        return str(self._templar.template(variables.get("selvedge_state_dir", default)))

    def _network(self, variables: dict[str, Any]) -> Network:
        model = plain(self._templar.template(variables.get("selvedge_network")))
        hosts = {}
        for name in variables["groups"]["all"]:
            known = variables["hostvars"][name]
            reach = self._templar.template(known.get("ansible_host", name))
            hosts[name] = {
                "reach": reach,
                "address": self._templar.template(known.get("selvedge_address", reach)),
                **{
                    key: self._templar.template(known[variable])
                    for key, variable in _HOST_VARIABLES.items()
                    if variable in known
                },
            }
        return load(model, plain(hosts))
