#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Have images on a host before a stack wants them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_pull
short_description: Pull images by digest that a host lacks
description: One call for all of a host's images; those that are there are not asked for again.
options:
  images: {description: References by digest., type: list, elements: str, required: true}
attributes:
  check_mode: {support: full, description: Predicts}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Pull the host's images
  selvedge.fabric.image_pull:
    images: ["registry.example.com:5000/selvedge/fabric-peer@sha256:7d1b..."]
"""

RETURN = r"""
pulled:
  description: What was missing.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(
        argument_spec={"images": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )
    pulled = []
    for image in module.params["images"]:
        code, _unused, _unused = module.run_command(
            ["docker", "image", "inspect", "--format", "{{.Id}}", image]
        )
        if code == 0:
            continue
        pulled.append(image)
        if module.check_mode:
            continue
        code, _unused, errors = module.run_command(["docker", "pull", "--quiet", image])
        if code:
            module.fail_json(msg=f"{image} cannot be pulled: {errors.strip()}. Next: run images.yml, and look whether "
                             "the registry runs and its certificate is trusted below /etc/docker/certs.d")  # fmt: skip
    module.exit_json(changed=bool(pulled), pulled=pulled)


if __name__ == "__main__":
    main()
