"""The Python packages that the library needs on the controller, and which of them is missing.

Files of the library import them inside ``suppress(ImportError)``: so modules, their documentation and their options
can be read everywhere, by ansible-doc or on a host. A module asks here before it does anything.
"""

from __future__ import annotations

import importlib

from ansible_collections.selvedge.fabric.plugins.module_utils.module import Module

# Import name to the name that pip knows. Versions stand in requirements.txt.
PACKAGES = {
    "cryptography": "cryptography",
    "docker": "docker",
    "fabric_protos": "hyperledger-fabric-protos",
    "google.protobuf": "protobuf",
    "grpc": "grpcio",
    "hvac": "hvac",
    "requests": "requests",
    "yaml": "PyYAML",
}
FABRIC = ("cryptography", "google.protobuf", "fabric_protos", "grpc", "requests")
STORE = ("hvac", "requests")


def missing(*names: str) -> str:
    """The name for pip of the first of ``names`` that cannot be imported; empty when all can."""
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            return PACKAGES[name]
    return ""


def require(module: Module, *names: str) -> None:
    """Fail ``module`` when one of ``names`` cannot be imported, naming it and the Python that lacks it."""
    if package := missing(*names):
        # Not at the top: the library also runs where there is no Ansible, in the health exporter.
        from ansible.module_utils.basic import missing_required_lib

        module.fail_json(
            msg=missing_required_lib(
                package, reason="on the controller; see the collection's requirements.txt"
            )
        )
