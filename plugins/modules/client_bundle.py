#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Write a client's certificate and key as one encrypted file that browsers import."""

from __future__ import annotations

DOCUMENTATION = r"""
module: client_bundle
short_description: Write a client's certificate and key as one encrypted file that browsers import
description:
  - Reads a client's certificate, key and CA from the store and writes them as PKCS #12, encrypted by a passphrase.
  - A file that has this certificate and opens by the passphrase is left as it is.
  - The key is in memory, and in the file encrypted. Remove the file when it is imported; a place in memory such as
    C(/dev/shm) is best for it.
options:
  secret:
    description: The client's secret as V(mount/name), with the fields C(tls_cert), C(tls_key) and C(tls_ca_cert).
    type: str
    required: true
  path:
    description: Where to write it. Its folder must be there.
    type: path
    required: true
  name:
    description: What the browser shows; by default the last part of O(secret).
    type: str
  passphrase:
    description: What opens the file, 12 characters at least.
    type: str
    required: true
extends_documentation_fragment:
  - selvedge.fabric.store
attributes:
  check_mode: {support: full, description: Says whether the file would be written}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Have a file by which a browser may look at the network page
  selvedge.fabric.client_bundle:
    secret: org1/nodes/monitor.org1.lab.example
    path: /dev/shm/monitor.p12
    passphrase: "{{ passphrase }}"
    store: "{{ selvedge_controller.store }}"
"""

RETURN = r"""
path:
  description: Where the file is.
  type: str
  returned: always
"""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.selvedge.fabric.plugins.module_utils.atomic import write_bytes
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import require
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.bundle import (
    BundleError,
    holds,
    make_bundle,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import (
    STORE_ARGUMENT,
    open_store,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "secret": {"type": "str", "required": True, "no_log": False},
            "path": {"type": "path", "required": True},
            "name": {"type": "str"},
            "passphrase": {"type": "str", "required": True, "no_log": True},
            "store": STORE_ARGUMENT,
        },
        supports_check_mode=True,
    )
    require(module, "cryptography")
    secret, passphrase, path = (module.params[name] for name in ("secret", "passphrase", "path"))
    try:
        found = open_store(module.params["store"]).get(secret)
        if found is None:
            raise BundleError("there is no such secret: run site.yml, it enrols the clients of the model")
        content = make_bundle(found.fields, module.params["name"] or secret.rpartition("/")[2], passphrase)
        changed = not (os.path.isfile(path) and holds(Path(path).read_bytes(), found.fields, passphrase))
        if changed and not module.check_mode:
            write_bytes(Path(path), content, 0o600)
    except BundleError as error:
        module.fail_json(msg=f"{secret}: {error}")
    except SecretsError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(
            msg=f"{path}: {error.strerror}: give a path in a folder that is there, such as /dev/shm"
        )
    module.exit_json(changed=changed, path=path)


if __name__ == "__main__":
    main()
