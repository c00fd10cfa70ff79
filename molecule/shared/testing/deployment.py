"""A deployed network as tests see it: made from the inventory alone, by the same pure functions as the playbooks."""

from __future__ import annotations

import ipaddress
import json
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.manager import VariableManager
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.view import controller_view, host_view
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao import OpenBao
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import open_openbao

# Runs modules that come over standard input: nothing of them, and nothing of the request, is on a disk or in a
# command line. They are known by their own names, so that they can import each other.
_BOOTSTRAP = """
import json, sys, types
message = json.load(sys.stdin)
for name, source in message["modules"]:
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
module.main(message["request"])
""".strip()


class RemoteError(Exception):
    """A program did not end well on a machine."""


@dataclass(frozen=True)
class Machine:
    """Where a program can run: a host, or this machine when ``command`` is empty.

    :param command: what starts a shell command there, such as ``["ssh", "root@127.0.10.1"]``
    :param become: what makes it root, such as ``["sudo", "-n"]``
    """

    name: str
    command: list[str]
    become: list[str] = field(default_factory=list)

    def run_python(
        self, modules: list[str], request: dict[str, Any], timeout_s: float = 600
    ) -> dict[str, Any]:
        """Run the last of ``modules`` (dotted names, dependencies first) there: its ``main(request)`` prints JSON."""
        python = "/usr/bin/python3" if self.command else sys.executable
        program = [*self.become, python, "-c", _BOOTSTRAP]
        command = [*self.command, shlex.join(program)] if self.command else program
        message = json.dumps({"modules": [(name, _source(name)) for name in modules], "request": request})
        done = subprocess.run(
            command, input=message, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        if done.returncode:
            raise RemoteError(f"{modules[-1]} failed on {self.name}: {done.stderr.strip()[-2000:]}")
        result: dict[str, Any] = json.loads(done.stdout)
        return result


def _source(name: str) -> str:
    file = sys.modules[name].__file__
    return Path(str(file)).read_text()


class Deployment:
    """The network of an inventory.

    :param inventory: the inventory's folder
    :param more: further sources of the inventory, whose variables count more
    """

    def __init__(self, inventory: Path, *more: Path) -> None:
        self.inventory = inventory.resolve()
        loader = DataLoader()
        source = InventoryManager(loader=loader, sources=[str(self.inventory), *map(str, more)])
        manager = VariableManager(loader=loader, inventory=source)
        self.variables: dict[str, dict[str, Any]] = {}
        for host in source.get_hosts():
            known = manager.get_vars(host=host)
            templar = Templar(loader=loader, variables=known)
            names = [name for name in known if name.startswith(("ansible_", "selvedge_", "lab_"))]
            # Plain values: Ansible's strings carry tags.
            self.variables[json.loads(json.dumps(host.name))] = {
                name: json.loads(json.dumps(templar.template(known[name]), default=str)) for name in names
            }
        if not self.variables:
            raise ValueError(f"{self.inventory} is no inventory with hosts")
        self._shared = next(iter(self.variables.values()))

    @property
    def state_dir(self) -> Path:
        """Folder with the controller's boot material."""
        return Path(self._shared.get("selvedge_state_dir") or self.inventory / ".state")

    @property
    def images(self) -> dict[str, str]:
        """The lock: ``REPOSITORY@DIGEST`` by image and version."""
        found: dict[str, str] = self._shared["selvedge_images"]
        return found

    @property
    def lab_name(self) -> str:
        """Prefix of the lab hosts' containers."""
        return str(self._shared["lab_name"])

    @property
    def controller_address(self) -> str:
        """This machine's address in the lab's network, where its hosts reach it."""
        return str(next(ipaddress.ip_network(self._shared["lab_subnet"]).hosts()))

    @cached_property
    def network(self) -> Network:
        hosts = {}
        for name, known in self.variables.items():
            reach = known.get("ansible_host", name)
            hosts[name] = {"reach": reach, "address": known.get("selvedge_address", reach)}
            stated = {"seal": known.get("selvedge_seal"), "lab_image": known.get("lab_image")}
            hosts[name] |= {key: value for key, value in stated.items() if value}
        return load(self._shared["selvedge_network"], hosts)

    @cached_property
    def controller(self) -> dict[str, Any]:
        """What the controller agrees on, as ``controller_view`` says it."""
        return controller_view(self.network, str(self.state_dir))

    def view(self, host: str) -> dict[str, Any]:
        """What ``site.yml`` brings a host to, as ``host_view`` says it."""
        return host_view(self.network, host, self.images, (self.state_dir / "ca.crt").read_text())

    @cached_property
    def store(self) -> OpenBao:
        return open_openbao(self.controller["store"])

    @cached_property
    def topology(self) -> Topology:
        return Topology.from_option(self.controller["topology"], self.store)

    def machine(self, host: str) -> Machine:
        """How programs are run on a host, by the inventory's connection variables."""
        known = self.variables[host]
        user = known.get("ansible_user")
        become = [] if user in (None, "root") else ["sudo", "-n"]
        if known.get("ansible_connection") == "local":
            return Machine(host, ["sh", "-c"], become)
        command = ["ssh", "-T", "-o", "BatchMode=yes", "-p", str(known.get("ansible_port", 22))]
        if known.get("ansible_ssh_private_key_file"):
            command += ["-i", known["ansible_ssh_private_key_file"]]
        command += shlex.split(known.get("ansible_ssh_common_args", ""))
        address = known.get("ansible_host", host)
        return Machine(host, [*command, f"{user}@{address}" if user else address], become)


CONTROLLER = Machine("controller", [])
