from __future__ import annotations

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.package import ccaas_package
from ansible_collections.selvedge.fabric.plugins.module_utils.model import view
from ansible_collections.selvedge.fabric.plugins.module_utils.model.chaincode_package import package_of
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    all_services,
    sample,
)


def test_the_package_is_known_from_name_and_version() -> None:
    one = package_of({"name": "assets", "version": "1.0"})
    assert one.options == {
        "label": "assets_1.0",
        "address": "assets.{{.peername}}:9999",
        "root_cert": "{{.root_cert}}",
    }
    assert one.package_id.startswith("assets_1.0:")
    assert package_of({"name": "assets", "version": "1.0", "memory": "1g"}) == one
    assert package_of({"name": "assets", "version": "1.1"}).package_id != one.package_id


def test_the_container_is_told_the_id_that_the_peer_will_compute() -> None:
    """From the controller's option to the module's package to the container's environment."""
    network = sample("lab")
    (chaincode,) = view.controller_view(network, "/state")["chaincodes"]
    option = chaincode["package"]
    package = ccaas_package(option["label"], option["address"], option["root_cert"])
    for service in network.chaincodes:
        assert all_services(network)[service.name]["environment"]["CHAINCODE_ID"] == package.package_id


def test_the_address_leads_each_peer_to_its_own_instance() -> None:
    network = sample("lab")
    address = package_of(network.settings["chaincodes"][0]).options["address"]
    services = all_services(network)
    for peer in network.peers:
        host, port = address.replace("{{.peername}}", peer.name).split(":")
        assert services[host]["container_name"] == host
        assert services[host]["environment"]["CHAINCODE_SERVER_ADDRESS"] == f"0.0.0.0:{port}"
        assert (
            f'"peername": "{peer.name}"'
            in services[peer.name]["environment"]["CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG"]
        )
