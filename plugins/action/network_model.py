# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Validate the network model and hand each host its view, before any host is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template
from ansible_collections.selvedge.fabric.plugins.module_utils.model.draft import SSH_PORT
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import ModelError, Network, load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.variables import ours
from ansible_collections.selvedge.fabric.plugins.plugin_utils.host_facts import host_facts
from ansible_collections.selvedge.fabric.plugins.plugin_utils.plain import plain

# Stands in a plan for the certificate of a CA that the planned run makes. No PEM, so that nobody takes it for one.
CA_PLANNED = "(the certificate of the bootstrap CA, which the run will make)\n"

# What a host may state about itself beside its addresses: key of the model's Host to the inventory's variable.
_HOST_VARIABLES = {"seal": "selvedge_seal", "lab_image": "lab_image", "lab_ports": "lab_ports"}


def unfolded_later(name: str, value: Any, item: str = "") -> dict[str, Any]:
    """A fact as text, and the template that reads it where it is used.

    Ansible copies every fact of a host, deeply, for each of its tasks; a text is copied at no cost.

    :param item: what to take of ``value``, such as ``[inventory_hostname]``; each item is then a text of its own
    """
    if not item:
        text: Any = json.dumps(value)
    else:
        text = {key: json.dumps(part) for key, part in value.items()}
    template = trust_as_template("{{ __" + name + item + " | ansible.builtin.from_json }}")
    return {f"__{name}": text, name: template}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller only; nothing is sent to the host.

    With C(run_once) it is asked once for all hosts: the model is the same for all of them, and each of them would
    read the variables of all others.
    """

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        try:
            network = self._network(variables)
            facts = self._facts(network, variables)
        except ModelError as error:
            raise AnsibleActionFail(str(error)) from error
        warnings = [f"{problem.path} {problem.wrong}; {problem.right}" for problem in network.warnings]
        return {**result, "changed": False, "warnings": warnings, **host_facts(self, facts)}

    def _facts(self, network: Network, variables: dict[str, Any]) -> dict[str, Any]:
        # Imported here and below: Ansible compiles a collection's files anew in each run, and a wrong model, which
        # does not get here, is to be refused soon.
        from ansible_collections.selvedge.fabric.plugins.module_utils.model import view
        from ansible_collections.selvedge.fabric.plugins.module_utils.model.runtimes import runtimes_of
        from ansible_collections.selvedge.fabric.plugins.module_utils.model.upstream import registry_image

        state_dir = self._state_dir(variables)
        facts: dict[str, Any] = {
            "selvedge_network_name": network.name,
            "selvedge_lab_hosts": view.lab_hosts(network),
            "selvedge_controller_state": state_dir,
            "selvedge_registry": {
                "host": network.registry_host.name,
                "url": f"https://{network.registry_host.reach}:{network.settings['registry']['port']}",
                "address": network.registry_address,
                "image": registry_image(network.settings),
                "images": view.required_images(network),
                "namespace": network.settings["image_namespace"],
            },
            **unfolded_later("selvedge_controller", view.controller_view(network, state_dir)),
        }
        stage = self._task.args.get("stage", "site")
        if stage == "controller":
            return facts
        ca_file = Path(state_dir) / "ca.crt"
        if stage == "preflight":
            ca_cert = ca_file.read_text() if ca_file.is_file() else ""
            return {**facts, **self._expectations(network, variables, ca_cert)}
        ca_cert = self._ca_cert(ca_file)
        by_host: dict[str, Callable[[str], Any]] = {
            "selvedge_base_files": lambda host: view.base_files(network, host, ca_cert),
            "selvedge_engine": lambda host: {
                "seal": network.hosts[host].seal,
                "runtimes": runtimes_of(network, host),
            },
        }
        if stage == "site":
            locked = self._task.args.get("images") or variables.get("selvedge_images", {})
            lock = plain(self._templar.template(locked))
            by_host["selvedge_host"] = lambda host: view.host_view(network, host, lock, ca_cert)
        for name, make in by_host.items():
            facts.update(self._by_host(name, make, network, variables))
        if stage == "registry":
            facts["selvedge_registry"]["view"] = view.registry_view(
                network, plain(self._task.args["registry_image"])
            )
        return facts

    def _ca_cert(self, ca_file: Path) -> str:
        """The bootstrap CA's certificate; a line that says so where the run that is planned would make it."""
        if ca_file.is_file():
            return ca_file.read_text()
        if self._task.check_mode and boolean(self._task.args.get("ca_planned", False)):
            return CA_PLANNED
        raise AnsibleActionFail(f"{ca_file} is missing: run bootstrap.yml first, it makes the bootstrap CA")

    def _expectations(self, network: Network, variables: dict[str, Any], ca_cert: str) -> dict[str, Any]:
        """What the hosts and the controller must be fit for."""
        from ansible_collections.selvedge.fabric.plugins.module_utils.model.preflight_view import (
            controller_preflight_view,
            preflight_view,
        )

        def of_host(host: str) -> dict[str, Any]:
            return {"expected": preflight_view(network, host), "ca_cert": ca_cert}

        of_controller = {"expected": controller_preflight_view(network), "ca_cert": ca_cert}
        return {
            **self._by_host("selvedge_preflight", of_host, network, variables),
            **unfolded_later("selvedge_preflight_controller", of_controller),
        }

    def _by_host(
        self, name: str, make: Callable[[str], Any], network: Network, variables: dict[str, Any]
    ) -> dict[str, Any]:
        """A fact of the host; of all the play's hosts where it is asked for at once."""
        if not self._task.run_once:
            return unfolded_later(name, make(plain(variables["inventory_hostname"])))
        hosts = plain(variables["ansible_play_hosts_all"])
        views = {host: make(host) for host in hosts if host in network.hosts}
        return unfolded_later(name, views, "[inventory_hostname]")

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
                "port": self._templar.template(known.get("ansible_port", SSH_PORT)),
                "variables": ours(known),
                **{
                    key: self._templar.template(known[variable])
                    for key, variable in _HOST_VARIABLES.items()
                    if variable in known
                },
            }
        return load(model, plain(hosts))
