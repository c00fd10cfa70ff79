"""Which field of the store becomes which file."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ca_stack import ca_files
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import (
    NODE_OUS,
    folder_of,
    revision_of,
    secret_path,
    templates,
    waits,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    all_services,
    sample,
)

LAB = sample("lab")
ONE_OF_EACH = [LAB.cas[1], LAB.orderers[0], LAB.peers[0], LAB.chaincodes[0]]


def rendered(service: Service, network: Network = LAB) -> dict[str, str]:
    """File name below the service's folder to the template's text."""
    found = templates(network, service, ca_files(network, service))
    return {item["dest"].removeprefix(f"{folder_of(service)}/"): item["contents"] for item in found}


def test_paths_in_the_store() -> None:
    assert [secret_path(service) for service in ONE_OF_EACH] == [
        "org1/ca/server",
        "orderers/nodes/orderer1.orderers.lab.example",
        "org1/nodes/peer0.org1.lab.example",
        "org1/nodes/assets.peer0.org1.lab.example",
    ]


def test_a_node_sees_its_msp_and_its_tls_files() -> None:
    for service in (LAB.orderers[0], LAB.peers[0]):
        found = rendered(service)
        assert set(found) == {
            "msp/signcerts/cert.pem",
            "msp/keystore/key.pem",
            "msp/cacerts/ca.crt",
            "msp/tlscacerts/ca.crt",
            "msp/config.yaml",
            "tls/server.crt",
            "tls/server.key",
            "tls/ca.crt",
            "revision",
        }
        path = secret_path(service).replace("/", "/data/", 1)
        key = f'{{{{ with secret "{path}" }}}}{{{{ .Data.data.sign_key }}}}{{{{ end }}}}'
        assert found["msp/keystore/key.pem"] == key


def test_a_chaincode_gets_no_signing_key() -> None:
    assert set(rendered(LAB.chaincodes[0])) == {"tls/server.crt", "tls/server.key", "tls/ca.crt", "revision"}


def test_node_ous_tell_the_four_roles_apart() -> None:
    units = yaml.safe_load(NODE_OUS)["NodeOUs"]
    assert units.pop("Enable") is True
    assert {key: item["OrganizationalUnitIdentifier"] for key, item in units.items()} == {
        f"{role.capitalize()}OUIdentifier": role for role in ("client", "peer", "admin", "orderer")
    }
    assert {item["Certificate"] for item in units.values()} == {"cacerts/ca.crt"}


@pytest.mark.parametrize("service", ONE_OF_EACH, ids=lambda service: service.kind)
def test_every_file_that_the_container_is_told_of_is_rendered(service: Service) -> None:
    """Environment, command and healthcheck name no secret that nobody renders."""
    definition = all_services(LAB)[service.name]
    words = [
        *definition.get("environment", {}).values(),
        *definition.get("command", []),
        *definition["healthcheck"]["test"],
    ]
    files = rendered(service)
    named = {path for word in words for path in re.findall(r"/run/secrets/([\w./-]+)", word)}
    assert named
    for path in named:
        assert path in files or any(name.startswith(f"{path}/") for name in files), path


@pytest.mark.parametrize("service", ONE_OF_EACH, ids=lambda service: service.kind)
def test_the_marker_comes_last_and_says_the_revision_of_the_others(service: Service) -> None:
    found = templates(LAB, service, ca_files(LAB, service))
    *others, marker = found
    assert marker["dest"] == f"{folder_of(service)}/revision"
    assert f"}}}}{revision_of(others)}{{{{" in marker["contents"]
    lines = waits(found)
    assert lines[:-1] == [item["dest"] for item in others]
    assert lines[-1] == f"{marker['dest']} {revision_of(others)}"


def test_a_revision_is_of_paths_and_texts() -> None:
    one = [{"dest": "/a", "contents": "x"}, {"dest": "/b", "contents": "y"}]
    assert revision_of(one) == revision_of([dict(item) for item in one])
    assert revision_of(one) != revision_of(one[:1])
    assert revision_of(one) != revision_of([{"dest": "/a", "contents": "x"}, {"dest": "/b", "contents": "z"}])
    assert revision_of(one) != revision_of([{"dest": "/a", "contents": "x"}, {"dest": "/c", "contents": "y"}])
