"""Images from upstream, between two real registries: what comes out is what a build gives, on upstream's layers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible.module_utils.testing import patch_module_args
from ansible_collections.selvedge.fabric.molecule.shared.testing.upstream import (
    SAMPLE_KEY,
    UpstreamRegistry,
    imitate,
    registry_program,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.images import blobs, oci
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder
from ansible_collections.selvedge.fabric.plugins.module_utils.images.filesystem import FileSystem
from ansible_collections.selvedge.fabric.plugins.modules import image as module
from ansible_collections.selvedge.fabric.tests.live.stores import ADDRESS, REPOSITORY, free_port

# One whose program upstream has where we have it, one where it lies elsewhere.
NAMES = ["fabric-peer", "registry"]
Files = dict[str, tuple[bytes, int, int]]
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def builder() -> Builder:
    return Builder(REPOSITORY, REPOSITORY / ".cache")


@pytest.fixture(scope="module")
def registries(
    builder: Builder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[UpstreamRegistry, UpstreamRegistry]]:
    """Upstream's and ours."""
    both = [UpstreamRegistry(tmp_path_factory.mktemp(name)) for name in ("upstream", "ours")]
    try:
        for registry in both:
            registry.start(registry_program(builder), f"{ADDRESS}:{free_port()}")
        yield both[0], both[1]
    finally:
        for registry in both:
            registry.stop()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(check: bool = False, **options: Any) -> dict[str, Any]:
        capsys.readouterr()
        with patch_module_args({**options, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            module.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


def fetched(registry: UpstreamRegistry, reference: str) -> tuple[dict[str, Any], dict[str, Any], list[bytes]]:
    """Manifest, configuration and uncompressed layers, as a host gets them."""
    repository, _unused, digest = reference.partition("@")
    url, trust = f"https://{registry.address}/v2/{repository}", str(registry.ca_file)

    def get(path: str, wanted: str) -> bytes:
        accept = {"Accept": ", ".join((oci.MANIFEST, oci.OCI_MANIFEST, blobs.INDEX))}
        answer = requests.get(f"{url}/{path}/{wanted}", headers=accept, verify=trust, timeout=30)
        assert answer.status_code == 200, answer.text
        assert oci.digest_of(answer.content) == wanted
        return answer.content

    manifest = json.loads(get("manifests", digest))
    config = json.loads(get("blobs", manifest["config"]["digest"]))
    return manifest, config, [gzip.decompress(get("blobs", part["digest"])) for part in manifest["layers"]]


def files_of(layers: list[bytes], keep: list[str]) -> FileSystem:
    found = FileSystem(frozenset(keep))
    for layer in layers:
        found.add(layer)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_pulled_image_is_what_a_built_one_is(
    builder: Builder,
    registries: tuple[UpstreamRegistry, UpstreamRegistry],
    run: Run,
    tmp_path: Path,
    name: str,
) -> None:
    upstream, ours = registries
    made = imitate(builder, name)
    reference = upstream.publish(made)
    # Downloads and the result in a cache of their own; what our helpers are compiled to is shared.
    (tmp_path / "bin").symlink_to(REPOSITORY / ".cache" / "bin")
    (tmp_path / "go").symlink_to(REPOSITORY / ".cache" / "go")
    options = {
        "images": [{"name": name, "version": made.version, "upstream": reference}],
        "root": str(REPOSITORY),
        "cache": str(tmp_path),
        "registry": f"https://{ours.address}",
        "ca_file": str(ours.ca_file),
        "upstream_ca_file": str(upstream.ca_file),
        "namespace": "mirror",
    }
    predicted = run(check=True, **options)
    assert predicted.get("changed") is True, predicted
    missing = requests.get(
        f"https://{ours.address}/v2/mirror/{name}/tags/list", verify=str(ours.ca_file), timeout=10
    )
    assert missing.status_code == 404
    done = run(**options)
    assert (done["changed"], done["digests"]) == (True, predicted["digests"])
    assert run(**options)["changed"] is False

    manifest, config, layers = fetched(ours, done["digests"][f"{name}:{made.version}"])
    original, _unused, _unused = fetched(ours, f"mirror/upstream/{name}@{made.image.digest}")
    assert [part["digest"] for part in manifest["layers"][:-1]] == [
        part["digest"] for part in original["layers"]
    ]

    built = builder.build(name).image
    parts = json.loads(built.manifest)
    wanted_config = json.loads(built.blobs[parts["config"]["digest"]])["config"]
    assert {**config["config"], "Labels": ""} == {**wanted_config, "Labels": ""}
    assert config["config"]["Labels"]["org.opencontainers.image.base.digest"] == made.image.digest
    packed = [gzip.decompress(built.blobs[part["digest"]]) for part in parts["layers"]]
    recipe = builder.recipe(name)
    paths = [*recipe["programs"].values(), *recipe["helpers"].values(), *recipe.get("links", {})]
    paths += [item["path"] for item in recipe.get("module_files", {}).values()]
    real = [files_of(packed, []).resolve(path) for path in paths]
    seen, known = files_of(layers, []), files_of(packed, real)
    seen = files_of(layers, [seen.resolve(path) for path in paths])
    for path in paths:
        here, there = seen.get(path), known.get(path)
        assert here is not None, path
        assert there is not None, path
        assert (here.kind, here.mode, here.uid, here.data) == (there.kind, there.mode, there.uid, there.data)
        assert here.data, path
    for path in recipe["directories"]:
        here, there = seen.get(path), known.get(path)
        assert here is not None, path
        assert there is not None, path
        assert (here.kind, here.mode, here.uid) == (there.kind, there.mode, there.uid), path
    for path in recipe["upstream"].get("remove", []):
        assert seen.get(path) is None, path
        # It is in upstream's layer, as it is in reality.
        assert any(SAMPLE_KEY in layer for layer in layers)
    # What upstream's distribution has is as it was.
    link = seen.get("/usr/local/bin")
    assert link is not None
    assert (link.gid, seen.resolve("/lib")) == (50, "/usr/lib")
