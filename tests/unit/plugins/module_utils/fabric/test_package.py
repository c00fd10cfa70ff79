"""Chaincode packages."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.package import ccaas_package

ADDRESS = "assets-{{.peername}}:9999"


def unpack(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive.getmembers()}  # type: ignore[union-attr]


def test_layout_is_what_peers_expect() -> None:
    outer = unpack(ccaas_package("assets_1.0", ADDRESS).data)
    assert list(outer) == ["metadata.json", "code.tar.gz"]
    assert json.loads(outer["metadata.json"]) == {"path": "", "type": "ccaas", "label": "assets_1.0"}
    connection = json.loads(unpack(outer["code.tar.gz"])["connection.json"])
    assert connection == {"address": ADDRESS, "dial_timeout": "3s", "tls_required": False}


def test_id_is_pinned_for_good() -> None:
    """A change here makes every network install and approve again: it must be meant."""
    package = ccaas_package("assets_1.0", ADDRESS)
    assert package.package_id == f"assets_1.0:{hashlib.sha256(package.data).hexdigest()}"
    assert package.package_id == "assets_1.0:95082699d93792ff08d70bb1ec5b3d2b051fc4975768ad4a1a4f499d3297423c"


def test_a_root_certificate_turns_tls_on_and_makes_another_package() -> None:
    one, other = (ccaas_package("assets", ADDRESS, root) for root in ("PEM 1", "PEM 1\n"))
    assert one == other
    connection = json.loads(unpack(unpack(one.data)["code.tar.gz"])["connection.json"])
    assert connection["tls_required"] is True and connection["root_cert"] == "PEM 1\n"
    assert connection["client_auth_required"] is False and "client_key" not in connection
    assert one.package_id != ccaas_package("assets", ADDRESS).package_id


def test_metadata_lies_beside_the_connection() -> None:
    path = "statedb/couchdb/indexes/owner.json"
    package = ccaas_package("assets", ADDRESS, metadata={path: "{}"})
    assert unpack(unpack(package.data)["code.tar.gz"])[f"META-INF/{path}"] == b"{}"


def test_content_longer_than_one_stored_block() -> None:
    content = "x" * 200_000
    package = ccaas_package("assets", ADDRESS, metadata={"big": content})
    assert unpack(unpack(package.data)["code.tar.gz"])["META-INF/big"].decode() == content


@pytest.mark.parametrize("label", ["", "_assets", "assets 1", "assets/1", "a:b"])
def test_labels_that_peers_refuse(label: str) -> None:
    with pytest.raises(FabricError, match="label"):
        ccaas_package(label, ADDRESS)
