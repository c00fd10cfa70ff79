"""Building and pushing, from a small checkout to a registry in this process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.modules import image
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.images import checkout
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.images.registry_server import (
    RegistryServer,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.images.upstream_sample import (
    REPOSITORY,
    Sample,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path) as running:
        yield running


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    root = checkout.write(tmp_path / "checkout")
    return {"images": [{"name": "scripted"}], "root": str(root), "cache": str(tmp_path / "cache")}


@pytest.fixture
def push(options: dict[str, Any], server: RegistryServer) -> dict[str, Any]:
    return {**options, "registry": server.url, "ca_file": server.ca_file}


def test_check_run_run_check(run: ModuleRunner, push: dict[str, Any], server: RegistryServer) -> None:
    predicted = run(image.main, check=True, **push)
    assert predicted["changed"] is True
    assert server.state.manifests == {}
    assert {method for method, _unused in server.state.log} == {"HEAD"}

    done = run(image.main, **push)
    assert done["changed"] is True
    assert {key: done[key] for key in ("digests", "ids", "sizes")} == {
        key: predicted[key] for key in ("digests", "ids", "sizes")
    }
    digest = done["digests"]["scripted:2.0"].removeprefix("selvedge/scripted@")
    manifest = server.state.manifests[f"selvedge/scripted@{digest}"]
    assert server.state.manifests["selvedge/scripted:2.0"] == manifest
    assert done["ids"] == {"scripted:2.0": json.loads(manifest)["config"]["digest"]}
    assert done["sizes"]["scripted:2.0"] > 0

    for check in (False, True):
        assert run(image.main, check=check, **push)["changed"] is False


def test_a_registry_that_lost_the_image_gets_it_again(
    run: ModuleRunner, push: dict[str, Any], server: RegistryServer
) -> None:
    run(image.main, **push)
    server.state.manifests.clear()
    assert run(image.main, **push)["changed"] is True
    assert "selvedge/scripted:2.0" in server.state.manifests


def test_the_archive_is_written_once_and_not_in_check_mode(
    run: ModuleRunner, options: dict[str, Any], tmp_path: Path
) -> None:
    archive = tmp_path / "deep" / "registry.tar"
    run(image.main, **options)  # the image itself is there
    assert run(image.main, check=True, archive=str(archive), **options)["changed"] is True
    assert not archive.exists()
    assert run(image.main, archive=str(archive), **options)["changed"] is True
    written = archive.stat().st_mtime_ns
    for check in (False, True):
        assert run(image.main, check=check, archive=str(archive), **options)["changed"] is False
    assert archive.stat().st_mtime_ns == written
    archive.write_bytes(archive.read_bytes()[:-100])
    assert run(image.main, archive=str(archive), **options)["changed"] is True


def test_without_a_folder_the_cache_is_the_users(
    run: ModuleRunner, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written into the collection; a relative archive lies beside the images."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    del options["cache"]
    before = sorted(Path(options["root"]).rglob("*"))
    result = run(image.main, archive="scripted.tar", **options)
    assert result["archive"] == str(tmp_path / "xdg" / "selvedge" / "scripted.tar")
    assert Path(result["archive"]).is_file()
    assert sorted(Path(options["root"]).rglob("*")) == before
    assert run(image.main, archive="scripted.tar", **options)["changed"] is False


def test_a_namespace_is_the_first_part_of_the_repository(run: ModuleRunner, options: dict[str, Any]) -> None:
    result = run(image.main, namespace="acme", **options)
    assert result["digests"]["scripted:2.0"].startswith("acme/scripted@sha256:")


def test_what_cannot_be_built_or_pushed_is_a_sentence(
    run: ModuleRunner, push: dict[str, Any], server: RegistryServer
) -> None:
    unknown = run(image.main, **{**push, "images": [{"name": "scriptd"}]})
    assert unknown["failed"] is True
    assert unknown["msg"].startswith("there is no image 'scriptd'; there are ")
    server.state.refuse["POST", "/uploads/"] = 403
    refused = run(image.main, **push)
    assert refused["failed"] is True
    assert "answered 403" in refused["msg"]
    away = run(image.main, **{**push, "registry": "https://127.0.0.1:1"})
    assert away["failed"] is True
    assert "look whether the registry runs" in away["msg"]


def test_a_registry_needs_its_ca(run: ModuleRunner, options: dict[str, Any]) -> None:
    result = run(image.main, registry="https://127.0.0.1:1", **options)
    assert "ca_file" in result["msg"]


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[RegistryServer]:
    """Another registry, which is upstream's."""
    (tmp_path / "upstream").mkdir()
    with RegistryServer(tmp_path / "upstream") as running:
        yield running


@pytest.fixture
def pull(push: dict[str, Any], upstream: RegistryServer) -> dict[str, Any]:
    digest = Sample().publish(upstream.state)
    reference = f"{upstream.url.removeprefix('https://')}/{REPOSITORY}@{digest}"
    images = [{"name": "program", "version": "1.0.0", "upstream": reference}]
    return {**push, "images": images, "upstream_ca_file": upstream.ca_file}


@pytest.mark.skipif(not shutil.which("go"), reason="our helpers need a Go toolchain")
def test_an_image_of_upstreams_is_pushed_as_ours_and_as_it_was(
    run: ModuleRunner,
    pull: dict[str, Any],
    server: RegistryServer,
    upstream: RegistryServer,
    tmp_path: Path,
) -> None:
    predicted = run(image.main, check=True, **pull)
    assert predicted["changed"] is True
    assert server.state.manifests == {}

    done = run(image.main, **pull)
    assert done["changed"] is True
    assert done["digests"] == predicted["digests"]
    original = pull["images"][0]["upstream"].partition("@")[2]
    mirrored = server.state.manifests[f"selvedge/upstream/program@{original}"]
    assert mirrored == upstream.state.manifests[f"{REPOSITORY}@{original}"]
    assert server.state.manifests["selvedge/upstream/program:1.0.0"] == mirrored
    name, _unused, digest = done["digests"]["program:1.0.0"].partition("@")
    assert name == "selvedge/program"
    assert digest != original
    assert f"selvedge/program@{digest}" in server.state.manifests

    # From now on upstream is not needed, not even for a registry that lost all of it.
    upstream.state.log.clear()
    for check in (False, True):
        assert run(image.main, check=check, **pull)["changed"] is False
    server.state.manifests.clear()
    assert run(image.main, check=True, **pull)["changed"] is True
    assert run(image.main, **pull)["changed"] is True
    assert server.state.manifests["selvedge/upstream/program:1.0.0"] == mirrored
    assert upstream.state.log == []

    archive = tmp_path / "image.tar"
    assert run(image.main, **pull, archive=str(archive))["changed"] is True
    assert archive.stat().st_size > 0


def test_what_upstream_refuses_is_a_sentence(
    run: ModuleRunner, pull: dict[str, Any], upstream: RegistryServer, server: RegistryServer
) -> None:
    upstream.state.login = "token"
    refused = run(image.main, **pull)
    assert refused["failed"] is True
    assert "answered 401" in refused["msg"]
    assert "docker login" in refused["msg"]
    assert server.state.manifests == {}


def test_an_image_of_upstreams_needs_its_version(run: ModuleRunner, pull: dict[str, Any]) -> None:
    del pull["images"][0]["version"]
    assert "version" in run(image.main, **pull)["msg"]
