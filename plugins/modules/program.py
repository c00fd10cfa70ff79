#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Build a program from pinned sources, for hosts that lack it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: program
short_description: Build a program for hosts from pinned sources
description:
  - Compiles the program of a recipe C(images/NAME/program.yml) into the cache, unless it is there. Runs on the
    controller.
  - A program is no image. It is for what a host's distribution does not have, such as Compose v2 on Debian 12.
options:
  name: {description: "The program's folder below C(images/).", type: str, required: true}
  root:
    description: The collection that has C(images/), a checkout or an installed one. Nothing is written there.
    type: path
    required: true
  cache:
    description: Folder for compiled programs. By default the one of M(selvedge.fabric.image).
    type: path
attributes:
  check_mode: {support: full, description: "Compiles into O(cache), because nobody knows its checksum before"}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Build Compose
  selvedge.fabric.program:
    name: docker-compose
    root: ~/.ansible/collections/ansible_collections/selvedge/fabric
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: Where the program is.
  returned: success
  type: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import (
    Builder,
    BuildError,
    default_cache,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import require


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "root": {"type": "path", "required": True},
            "cache": {"type": "path"},
        },
        supports_check_mode=True,
    )
    require(module, "yaml")
    compiled: list[str] = []
    root = Path(module.params["root"])
    cache = Path(module.params["cache"]) if module.params["cache"] else default_cache(root)
    try:
        builder = Builder(root, cache, progress=compiled.append)
        path = builder.program(module.params["name"])
    except BuildError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(compiled), path=str(path))


if __name__ == "__main__":
    main()
