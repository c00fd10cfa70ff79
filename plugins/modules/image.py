#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Build images from pinned sources, or take them from upstream, and push them to a registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image
short_description: Build images from pinned sources, or take them from upstream, and push them to a registry
description:
  - Builds each image from its recipe below C(images/) when its content is new, and pushes it when the registry
    lacks its digest. Runs on the controller.
  - An image with C(upstream) is not built. Upstream's image is taken by digest, every part of it verified, our helpers
    and configuration are laid over it, and the result is pushed in its stead. Upstream's image as it was is pushed too,
    to C(upstream/name) below the namespace.
options:
  images:
    description: The images to have; each item a C(name) and, if it is not the default, a C(version).
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: "The image's folder below C(images/).", type: str, required: true}
      version: {description: The version to build. Default is the one in C(images/versions.yml)., type: str}
      upstream:
        description: Upstream's image, by digest. Wants C(version). Credentials come from where C(docker login) and
          C(podman login) put them.
        type: str
  root:
    description: The collection that has C(images/), a checkout or an installed one. Nothing is written there.
    type: path
    required: true
  cache:
    description:
      - Folder for binaries and built images. By default C(.cache) in a checkout; for an installed collection
        C(selvedge) in the user's cache folder, which is E(XDG_CACHE_HOME) or C(~/.cache).
    type: path
  registry:
    description: C(https://host:port) of the registry to push to. Without it, images are only built.
    type: str
  ca_file:
    description: Path of the CA certificate that the registry's certificate comes from.
    type: path
  upstream_ca_file:
    description: Path of CA certificates to trust for upstream's registries. Default are those that Python trusts, or
      those that E(REQUESTS_CA_BUNDLE) names.
    type: path
  namespace:
    description: First part of the repositories' names.
    type: str
    default: selvedge
  archive:
    description:
      - Where to also write the first image as an archive for C(docker load). A relative path is below O(cache).
    type: path
attributes:
  check_mode:
    support: full
    description: Builds and downloads into O(cache), because nobody knows a digest before; pushes nothing and writes no
      archive
  diff_mode: {support: none, description: Digests are in the result}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Build and push the images of the ledger
  selvedge.fabric.image:
    images: [{name: fabric-peer}, {name: fabric-orderer, version: 3.1.1}]
    root: ~/.ansible/collections/ansible_collections/selvedge/fabric
    registry: https://registry.example.com:5000
    ca_file: /etc/selvedge/ca.crt
  delegate_to: localhost

- name: Take upstream's peer and push it
  selvedge.fabric.image:
    images:
      - name: fabric-peer
        version: 2.5.9
        upstream: docker.io/hyperledger/fabric-peer@sha256:0f5c...
    root: /opt/selvedge
    cache: /opt/selvedge/.cache
    registry: https://registry.example.com:5000
    ca_file: /etc/selvedge/ca.crt
  delegate_to: localhost
"""

RETURN = r"""
archive:
  description: Where the archive is.
  returned: with O(archive)
  type: str
digests:
  description: Image name and version to repository and digest.
  returned: success
  type: dict
  sample: {"fabric-peer:2.5.9": "selvedge/fabric-peer@sha256:7d1b..."}
ids:
  description: Image name and version to the id that an engine gives the image.
  returned: success
  type: dict
sizes:
  description: Image name and version to bytes on disk.
  returned: success
  type: dict
"""

import json
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import (
    Builder,
    BuildError,
    default_cache,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.images.errors import PullError
from ansible_collections.selvedge.fabric.plugins.module_utils.images.oci import docker_archive
from ansible_collections.selvedge.fabric.plugins.module_utils.images.push import PushError, Registry
from ansible_collections.selvedge.fabric.plugins.module_utils.images.upstream import Upstream
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import require


def ensure(module: AnsibleModule) -> dict[str, Any]:
    """Build and push what is missing; return the module's result."""
    options = module.params
    root = Path(options["root"])
    cache = Path(options["cache"]) if options["cache"] else default_cache(root)
    builder = Builder(root, cache, progress=module.log)
    upstream = Upstream(root, cache, builder, options["upstream_ca_file"] or "", progress=module.log)
    registry = Registry(options["registry"], options["ca_file"]) if options["registry"] else None
    digests: dict[str, str] = {}
    sizes: dict[str, int] = {}
    ids: dict[str, str] = {}
    changed = False
    for item in options["images"]:
        if item["upstream"]:
            built = upstream.make(item["name"], item["version"] or "", item["upstream"])
        else:
            built = builder.build(item["name"], item["version"] or "")
        repository = f"{options['namespace']}/{built.name}"
        mirror = f"{options['namespace']}/upstream/{built.name}" if built.base else ""
        changed = changed or built.fresh
        if registry and mirror and not registry.has(mirror, built.base):
            changed = True
            if not module.check_mode:
                registry.push(mirror, built.version, upstream.original(item["upstream"]))
        if registry and not registry.has(repository, built.image.digest):
            changed = True
            if not module.check_mode:
                registry.push(repository, built.version, built.image, beside=mirror)
        label = f"{built.name}:{built.version}"
        digests[label] = f"{repository}@{built.image.digest}"
        ids[label] = json.loads(built.image.manifest)["config"]["digest"]
        sizes[label] = built.image.size
        if options["archive"] and item is options["images"][0]:
            archive = docker_archive(built.image, f"{repository}:{built.version}")
            path = cache / options["archive"]
            if not path.is_file() or path.read_bytes() != archive:
                changed = True
                if not module.check_mode:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(archive)
    result = {"changed": changed, "digests": digests, "ids": ids, "sizes": sizes}
    return {**result, "archive": str(cache / options["archive"])} if options["archive"] else result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "images": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "version": {"type": "str"},
                    "upstream": {"type": "str"},
                },
                "required_by": {"upstream": "version"},
            },
            "root": {"type": "path", "required": True},
            "cache": {"type": "path"},
            "registry": {"type": "str"},
            "ca_file": {"type": "path"},
            "upstream_ca_file": {"type": "path"},
            "namespace": {"type": "str", "default": "selvedge"},
            "archive": {"type": "path"},
        },
        required_by={"registry": "ca_file"},
        supports_check_mode=True,
    )
    require(module, "requests", "yaml")
    try:
        module.exit_json(**ensure(module))
    except (BuildError, PullError, PushError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
