"""A chaincode's package, known from the model alone.

Its TLS root certificate is filled in on each peer by the builder, from the peer's own secrets. So one package
id serves every organisation, and it is known before any CA exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.package import ccaas_package
from ansible_collections.selvedge.fabric.plugins.module_utils.model.compose import CHAINCODE_PORT


@dataclass(frozen=True)
class ChaincodePackage:
    """A package as the model knows it.

    :param options: the ``package`` option of the ``chaincode`` module
    :param package_id: what peers call it
    """

    options: dict[str, str]
    package_id: str


def package_of(chaincode: dict[str, Any]) -> ChaincodePackage:
    """The package of one entry of the model's ``chaincodes``."""
    options = {
        "label": f"{chaincode['name']}_{chaincode['version']}",
        "address": f"{chaincode['name']}.{{{{.peername}}}}:{CHAINCODE_PORT}",
        "root_cert": "{{.root_cert}}",
    }
    package = ccaas_package(options["label"], options["address"], options["root_cert"])
    return ChaincodePackage(options, package.package_id)
