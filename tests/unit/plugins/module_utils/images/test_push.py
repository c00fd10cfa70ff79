"""Pushing to a registry that checks what registries check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import make_root
from ansible_collections.selvedge.fabric.plugins.module_utils.images import oci
from ansible_collections.selvedge.fabric.plugins.module_utils.images.push import PushError, Registry
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.images.registry_server import (
    RegistryServer,
)

REPOSITORY = "selvedge/fabric-peer"


def image(text: bytes = b"upper") -> oci.Image:
    layers = [oci.layer_tar([oci.Entry("/lower", b"lower")]), oci.layer_tar([oci.Entry("/upper", text)])]
    return oci.build(layers, {}, {})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path) as running:
        yield running


@pytest.fixture
def registry(server: RegistryServer) -> Registry:
    return Registry(f"{server.url}/", server.ca_file, timeout=10)


@pytest.mark.parametrize("absolute", [True, False], ids=["absolute location", "relative location"])
def test_a_pushed_image_is_there_byte_by_byte(
    server: RegistryServer, registry: Registry, absolute: bool
) -> None:
    server.state.absolute = absolute
    made = image()
    assert registry.has(REPOSITORY, made.digest) is False
    registry.push(REPOSITORY, "2.5.9", made)
    assert registry.has(REPOSITORY, made.digest) is True
    assert server.state.manifests[f"{REPOSITORY}:2.5.9"] == made.manifest
    assert server.state.types[f"{REPOSITORY}:2.5.9"] == oci.MANIFEST
    assert server.state.blobs == {f"{REPOSITORY}@{digest}": data for digest, data in made.blobs.items()}


def test_an_image_in_one_repository_is_not_in_another(server: RegistryServer, registry: Registry) -> None:
    made = image()
    registry.push(REPOSITORY, "1", made)
    assert registry.has("selvedge/other", made.digest) is False


def test_blobs_that_are_there_are_not_sent_again(server: RegistryServer, registry: Registry) -> None:
    registry.push(REPOSITORY, "1", image())
    server.state.log.clear()
    registry.push(REPOSITORY, "2", image(b"new upper layer"))
    # The lower layer is shared; a new layer and the configuration are not.
    assert [method for method, _unused in server.state.log].count("POST") == 2
    server.state.log.clear()
    registry.push(REPOSITORY, "2", image(b"new upper layer"))
    assert "POST" not in [method for method, _unused in server.state.log]


def test_the_manifest_comes_last(server: RegistryServer, registry: Registry) -> None:
    registry.push(REPOSITORY, "1", image())
    assert server.state.log[-1] == ("PUT", f"/v2/{REPOSITORY}/manifests/1")
    assert sum("manifests" in path for _unused, path in server.state.log) == 1


def test_what_the_registry_finds_wrong_is_passed_on(server: RegistryServer, registry: Registry) -> None:
    made = image()
    (layer, *_unused) = json.loads(made.manifest)["layers"]
    made.blobs[layer["digest"]] = b"damaged"
    with pytest.raises(PushError, match=r"PUT https://.* answered 400: .*DIGEST_INVALID"):
        registry.push(REPOSITORY, "1", made)
    assert server.state.manifests == {}


@pytest.mark.parametrize(
    ("method", "piece", "status"),
    [
        ("HEAD", "/blobs/", 401),
        ("POST", "/uploads/", 403),
        ("POST", "/uploads/", 200),  # the specification says 202
        ("PUT", "/uploads/", 500),
        ("PUT", "/manifests/", 507),
    ],
)
def test_a_refusal_says_what_was_asked_and_what_came_back(
    server: RegistryServer, registry: Registry, method: str, piece: str, status: int
) -> None:
    server.state.refuse[method, piece] = status
    with pytest.raises(PushError, match=rf"{method} {server.url}/v2/{REPOSITORY}/.*answered {status}: "):
        registry.push(REPOSITORY, "1", image())
    assert f"{REPOSITORY}:1" not in server.state.manifests


def test_a_registry_that_cannot_tell_is_not_taken_for_an_empty_one(
    server: RegistryServer, registry: Registry
) -> None:
    server.state.refuse["HEAD", "/manifests/"] = 503
    with pytest.raises(PushError, match="answered 503"):
        registry.has(REPOSITORY, image().digest)


def test_an_upload_without_a_location_is_an_error(server: RegistryServer, registry: Registry) -> None:
    server.state.location = False
    with pytest.raises(PushError, match="PUT .* answered 404"):
        registry.push(REPOSITORY, "1", image())


def test_a_registry_that_is_not_there_is_an_error_with_a_next_step(server: RegistryServer) -> None:
    with pytest.raises(
        PushError, match=r"HEAD https://127\.0\.0\.1:1/.*Next: look whether the registry runs"
    ):
        Registry("https://127.0.0.1:1", server.ca_file, timeout=5).has(REPOSITORY, image().digest)


def test_a_stranger_is_not_trusted(server: RegistryServer, tmp_path: Path) -> None:
    other = tmp_path / "other.crt"
    other.write_text(make_root("another CA", "Selvedge", 1).cert_pem)
    with pytest.raises(PushError, match="CERTIFICATE_VERIFY_FAILED"):
        Registry(server.url, str(other), timeout=5).has(REPOSITORY, image().digest)
    assert server.state.log == []


def test_proxies_of_the_environment_are_not_asked(
    server: RegistryServer, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    assert registry.has(REPOSITORY, image().digest) is False


def test_blobs_of_a_repository_beside_are_not_sent_again(server: RegistryServer, registry: Registry) -> None:
    registry.push("selvedge/upstream/fabric-peer", "1", image())
    server.state.log.clear()
    made = image(b"another upper layer")
    registry.push(REPOSITORY, "1", made, beside="selvedge/upstream/fabric-peer")
    assert registry.has(REPOSITORY, made.digest) is True
    # The lower layer was mounted; a new layer and the configuration were sent.
    assert [method for method, path in server.state.log if "/uploads/" in path] == [
        "POST",
        "POST",
        "PUT",
        "POST",
        "PUT",
    ]


def test_a_manifest_of_another_type_keeps_it(server: RegistryServer, registry: Registry) -> None:
    made = image()
    manifest = json.loads(made.manifest)
    del manifest["mediaType"]
    other = oci.Image(json.dumps(manifest).encode(), made.blobs, made.size)
    registry.push(REPOSITORY, "1", other)
    assert server.state.types[f"{REPOSITORY}:1"] == oci.OCI_MANIFEST
    assert server.state.manifests[f"{REPOSITORY}@{other.digest}"] == other.manifest
