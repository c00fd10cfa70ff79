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
  root: {description: The checkout of the collection that has C(images/)., type: path, required: true}
  cache: {description: Folder for compiled programs., type: path, required: true}
attributes:
  check_mode: {support: full, description: "Compiles into O(cache), because nobody knows its checksum before"}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Build Compose
  selvedge.fabric.program:
    name: docker-compose
    root: /opt/selvedge
    cache: /opt/selvedge/.cache
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: Where the program is.
  returned: success
  type: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder, BuildError

    MISSING = ""
except ImportError as error:
    MISSING = str(error.name)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "root": {"type": "path", "required": True},
            "cache": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    if MISSING:
        module.fail_json(msg=missing_required_lib(MISSING))
    compiled: list[str] = []
    try:
        builder = Builder(Path(module.params["root"]), Path(module.params["cache"]), progress=compiled.append)
        path = builder.program(module.params["name"])
    except BuildError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(compiled), path=str(path))


if __name__ == "__main__":
    main()
