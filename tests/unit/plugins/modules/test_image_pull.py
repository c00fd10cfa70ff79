"""Pulling with a real engine from a registry in this process (engines trust a registry on the loopback address)."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.images import oci
from ansible_collections.selvedge.fabric.plugins.module_utils.images.push import Registry
from ansible_collections.selvedge.fabric.plugins.modules import image_pull
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.images.registry_server import (
    RegistryServer,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner
from docker.errors import DockerException, ImageNotFound


@pytest.fixture
def engine() -> docker.DockerClient:
    if not shutil.which("docker"):
        pytest.skip("pulling needs the docker command")
    if not os.environ.get("DOCKER_HOST", "unix://").startswith("unix://"):
        pytest.skip("pulling from this process needs an engine on this machine")
    try:
        found = docker.from_env()
        found.ping()
    except DockerException as error:
        pytest.skip(f"pulling needs a Docker engine: {error}")
    return found


@pytest.fixture
def reference(engine: docker.DockerClient, tmp_path: Path) -> Iterator[str]:
    """An image in a registry, by digest, that the engine does not have."""
    repository = f"selvedge-unit-test/{uuid.uuid4().hex[:12]}"
    made = oci.build([oci.layer_tar([oci.Entry("/file", repository.encode())])], {}, {"test": repository})
    with RegistryServer(tmp_path) as server:
        Registry(server.url, server.ca_file).push(repository, "1", made)
        name = f"{server.url.removeprefix('https://')}/{repository}@{made.digest}"
        yield name
    with contextlib.suppress(ImageNotFound):
        engine.images.remove(name, force=True)


def test_check_run_run_check(run: ModuleRunner, engine: docker.DockerClient, reference: str) -> None:
    predicted = run(image_pull.main, check=True, images=[reference])
    assert (predicted["changed"], predicted["pulled"]) == (True, [reference])
    with pytest.raises(ImageNotFound):
        engine.images.get(reference)
    done = run(image_pull.main, images=[reference])
    assert (done["changed"], done["pulled"]) == (True, [reference])
    assert reference.split("/", 1)[1].split("@")[1] in str(engine.images.get(reference).attrs["RepoDigests"])
    for check in (False, True):
        assert run(image_pull.main, check=check, images=[reference])["changed"] is False


def test_an_image_that_cannot_be_pulled_is_named_with_the_next_step(
    run: ModuleRunner, engine: docker.DockerClient
) -> None:
    missing = f"127.0.0.1:1/selvedge/peer@sha256:{0:064x}"
    result = run(image_pull.main, images=[missing])
    assert result["failed"] is True
    assert result["msg"].startswith(f"{missing} cannot be pulled: ")
    assert "Next: run images.yml" in result["msg"]
