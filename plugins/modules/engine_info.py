#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Look at a host's container engine, and say what it needs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_info
short_description: What a host's container engine lacks
description:
  - Looks at the engine, Compose, container runtimes and systemd of a host, and says which packages it lacks, whether
    Compose has to be Selvedge's own build, and why the host cannot be used at all. Changes nothing. Needs nothing but
    Python on the host.
options:
  packages:
    description: The engine's packages by distribution and major version.
    type: dict
    required: true
  compose_build:
    description: Distributions whose packages have no sufficient Compose v2.
    type: list
    elements: str
    default: []
  runtimes:
    description: Container runtimes that the host's services ask for, each with its entry in C(daemon.json).
    type: dict
    default: {}
  runtime_packages:
    description: The package of a runtime, where the distribution has one.
    type: dict
    default: {}
  seal:
    description: How boot material lies on the host's disk.
    type: str
    choices: [systemd-creds, none]
    default: systemd-creds
  settings:
    description: Settings that the engine's C(daemon.json) is to have, beside what it has.
    type: dict
    default: {}
attributes:
  check_mode: {support: full, description: Changes nothing}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Look at the host's engine
  selvedge.fabric.engine_info:
    packages: {Debian-13: [docker.io, docker-cli, docker-compose, python3-yaml]}
    runtimes: {crun: {path: /usr/bin/crun}}
    runtime_packages: {crun: crun}
"""

RETURN = r"""
distribution:
  description: Name and major version of the distribution, such as V(Debian-13).
  returned: always
  type: str
engine:
  description: Version of the running engine; empty when none runs.
  returned: always
  type: str
compose:
  description: Version of Compose as a plugin of the docker command; empty when there is none.
  returned: always
  type: str
install:
  description: Packages to install.
  returned: always
  type: list
  elements: str
compose_build:
  description: Whether Compose has to be Selvedge's own build.
  returned: always
  type: bool
daemon:
  description: Content that C(/etc/docker/daemon.json) is to have.
  returned: always
  type: dict
stale:
  description: Whether the running engine has not read its C(daemon.json).
  returned: always
  type: bool
problems:
  description: Why the host cannot be used, each with what to do about it.
  returned: always
  type: list
  elements: str
"""

import importlib.util
import json
import os
import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.host.engine import (
    Found,
    Wanted,
    daemon_settings,
    is_stale,
    needs_our_compose,
    packages_to_install,
    problems,
    program_of,
    runtime_entries,
)

DAEMON_FILE = "/etc/docker/daemon.json"
OS_RELEASE = "/etc/os-release"


def distribution_of(text: str) -> str:
    """Name and major version out of ``os-release``, such as ``Debian-12``."""
    values = dict(re.findall(r'^(\w+)="?(.*?)"?$', text, flags=re.MULTILINE))
    major = values.get("VERSION_ID", "").split(".")[0]
    return f"{values.get('ID', '').capitalize()}-{major}" if major else values.get("ID", "").capitalize()


def read(path: str) -> str:
    """A file's text; empty when it is not there."""
    try:
        with open(path) as file:
            return file.read()
    except FileNotFoundError:
        return ""


def output(module: AnsibleModule, *command: str) -> str:
    """What a command prints; empty when it fails or is not there."""
    if not module.get_bin_path(command[0]):
        return ""
    code, out, _unused = module.run_command(list(command))
    return "" if code else str(out).strip()


def is_program(module: AnsibleModule, name: str) -> bool:
    """Whether there is a program at an absolute path, or of a name in PATH."""
    return os.access(name, os.X_OK) if name.startswith("/") else bool(module.get_bin_path(name))


def look(module: AnsibleModule, runtimes: dict[str, dict[str, Any]]) -> Found:
    """Ask the host."""
    engine = json.loads(output(module, "docker", "info", "--format", "{{json .}}") or "{}")
    systemd = re.search(r"\d+", output(module, "systemctl", "--version"))
    programs = {program_of(entry) for entry in runtimes.values()} - {""}
    return Found(
        distribution=distribution_of(read(OS_RELEASE)),
        systemd=int(systemd[0]) if systemd else 0,
        seals=bool(module.get_bin_path("systemd-creds")),
        installed=bool(module.get_bin_path("dockerd")),
        # Without a daemon the command answers all the same, without a version.
        engine=str(engine.get("ServerVersion") or ""),
        compose=output(module, "docker", "compose", "version", "--short"),
        yaml=importlib.util.find_spec("yaml") is not None,
        runtimes=sorted(engine.get("Runtimes") or {}),
        live_restore=bool(engine.get("LiveRestoreEnabled")),
        programs=sorted(name for name in programs if is_program(module, name)),
    )


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "dict", "required": True},
            "compose_build": {"type": "list", "elements": "str", "default": []},
            "runtimes": {"type": "dict", "default": {}},
            "runtime_packages": {"type": "dict", "default": {}},
            "seal": {"type": "str", "choices": ["systemd-creds", "none"], "default": "systemd-creds"},
            "settings": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    options = module.params
    try:
        present = json.loads(read(DAEMON_FILE) or "{}")
    except ValueError as error:
        module.fail_json(
            msg=f"{DAEMON_FILE} is no JSON: {error}. Repair it; the engine does not read it either"
        )
    runtimes = runtime_entries(options["runtimes"], options["settings"], present)
    wanted = Wanted(
        options["packages"], options["compose_build"], runtimes, options["runtime_packages"], options["seal"]
    )
    found = look(module, runtimes)
    module.exit_json(
        changed=False,
        distribution=found.distribution,
        engine=found.engine,
        compose=found.compose,
        install=packages_to_install(found, wanted),
        compose_build=needs_our_compose(found, wanted),
        daemon=daemon_settings(present, options["settings"], runtimes),
        stale=is_stale(found, wanted, present),
        problems=problems(found, wanted),
    )


if __name__ == "__main__":
    main()
