#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Create and remove disposable hosts on this machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab
short_description: Create and remove lab hosts
description:
  - Lab hosts are containers that behave as hosts, with systemd, sshd and an engine of their own. Runs on the controller
    and needs a Docker engine there. Makes the SSH key and the C(known_hosts) file by which Ansible reaches them.
options:
  name: {description: "Prefix of the lab's containers, volumes and network.", type: str, required: true}
  state: {description: Whether the lab exists., type: str, choices: [present, absent], default: present}
  hosts:
    description: The hosts.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Its inventory name., type: str, required: true}
      loopback: {description: The address of this machine that its ports are published on., type: str, required: true}
      address: {description: "Its address in the lab's network.", type: str, required: true}
      ports: {description: TCP ports to publish beside SSH., type: list, elements: int, default: []}
      image:
        description: What it is made from. A bare one has no container engine; C(bootstrap.yml) brings it.
        type: str
        choices: [debian-13, debian-13-bare, debian-12-bare]
        default: debian-13
  subnet: {description: "The lab's network, CIDR.", type: str}
  root: {description: The checkout that has C(images/lab-host)., type: path}
  cache: {description: Folder for the root file system while it is made., type: path}
  ssh_dir: {description: Folder for the SSH key and C(known_hosts)., type: path}
  timeout: {description: Seconds to wait for the hosts to boot., type: int, default: 120}
attributes:
  check_mode: {support: full, description: Predicts}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Create two lab hosts
  selvedge.fabric.lab:
    name: demo
    subnet: 172.30.10.0/24
    root: .
    cache: .cache
    ssh_dir: inventory/lab/.state/ssh
    hosts:
      - {name: host1, loopback: 127.0.10.1, address: 172.30.10.11, ports: [5000, 8200]}
      - {name: host2, loopback: 127.0.10.2, address: 172.30.10.12, ports: [7051]}
"""

RETURN = r"""
removed:
  description: What was removed.
  returned: when O(state=absent)
  type: list
  elements: str
"""

import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import tree_hash
from ansible_collections.selvedge.fabric.plugins.module_utils.lab import IMAGES, Lab, LabError, LabHost
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import require

with suppress(ImportError):  # main() says which package is missing
    from docker.errors import DockerException


def make_rootfs(recipe: Path, cache: Path, image: str, *more: str) -> Path:
    """Run the recipe for one of IMAGES, with more arguments of it; return the tar."""
    target = cache / "rootfs" / f"lab-host-{image}.tar"
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, str(recipe), str(target), *IMAGES[image], *more],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LabError(f"{recipe} failed:\n{done.stderr[-2000:]}")
    return target


def ensure_key(folder: Path) -> str:
    """Make the lab's SSH key once; return its public half."""
    key = folder / "id_ed25519"
    if not key.is_file():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "selvedge-lab", "-f", str(key)], check=True
        )
    return key.with_suffix(".pub").read_text()


def present(module: AnsibleModule, lab: Lab) -> dict[str, Any]:
    options = module.params
    recipe = Path(options["root"]) / "images" / "lab-host" / "rootfs.py"
    revision = tree_hash([recipe])[:16]
    hosts = [LabHost(**item) for item in options["hosts"]]
    missing = lab.missing(hosts)
    if module.check_mode or not missing:
        return {"changed": bool(missing)}
    tags = {image: f"selvedge/lab-host:{image}-{revision}" for image in {host.image for host in hosts}}
    for image, tag in tags.items():
        lab.ensure_image(tag, partial(make_rootfs, recipe, Path(options["cache"]), image))
    ssh_dir = Path(options["ssh_dir"])
    known = lab.create(hosts, tags, options["subnet"], ensure_key(ssh_dir), options["timeout"])
    (ssh_dir / "known_hosts").write_text(known)
    return {"changed": True}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "hosts": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "loopback": {"type": "str", "required": True},
                    "address": {"type": "str", "required": True},
                    "ports": {"type": "list", "elements": "int", "default": []},
                    "image": {
                        "type": "str",
                        "choices": ["debian-13", "debian-13-bare", "debian-12-bare"],
                        "default": "debian-13",
                    },
                },
            },
            "subnet": {"type": "str"},
            "root": {"type": "path"},
            "cache": {"type": "path"},
            "ssh_dir": {"type": "path"},
            "timeout": {"type": "int", "default": 120},
        },
        required_if=[("state", "present", ("subnet", "root", "cache", "ssh_dir"))],
        supports_check_mode=True,
    )
    require(module, "docker")
    try:
        lab = Lab(module.params["name"], progress=module.log)
        if module.params["state"] == "present":
            module.exit_json(**present(module, lab))
        exists = lab.exists()
        removed = [] if module.check_mode else lab.remove()
        module.exit_json(changed=exists, removed=removed)
    except (DockerException, LabError, subprocess.CalledProcessError) as error:
        module.fail_json(msg=f"the lab '{module.params['name']}': {error}")


if __name__ == "__main__":
    main()
