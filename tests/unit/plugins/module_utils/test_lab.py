"""What a lab host is made with. That it boots is shown by `make demo` and the scenarios."""

from __future__ import annotations

import io
import shlex
import subprocess
import sys
import tarfile
import uuid
from typing import Any

import docker
import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils import lab
from ansible_collections.selvedge.fabric.plugins.modules import lab as lab_module
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import ROOT
from docker.errors import DockerException

# The design's set of options that boots on cgroup v1 without --privileged, tried by hand.
DESIGN = """--cap-add ALL --cap-drop SYS_RESOURCE --cap-drop SYS_TIME --cap-drop SYS_MODULE --cap-drop SYS_RAWIO
--security-opt seccomp=unconfined --security-opt apparmor=unconfined --cgroupns=host --tmpfs /run --tmpfs /run/lock
--tmpfs /tmp"""


def from_words(text: str) -> dict[str, Any]:
    """Options of the command line as the SDK takes them."""
    words = shlex.split(text.replace("--cgroupns=", "--cgroupns "))
    found: dict[str, Any] = {"tmpfs": {}}
    for option, value in zip(words[::2], words[1::2], strict=True):
        key = option.removeprefix("--").replace("-", "_")
        if key == "tmpfs":
            found["tmpfs"][value] = ""
        elif key == "cgroupns":
            found[key] = value
        else:
            found.setdefault(key, []).append(value)
    return found


def test_on_cgroup_v1_a_host_is_not_privileged() -> None:
    assert lab.run_options("1") == from_words(DESIGN)
    assert lab.run_binds("1") == {"/sys/fs/cgroup": {"bind": "/sys/fs/cgroup", "mode": "rw"}}


def test_on_cgroup_v2_a_host_has_its_own_hierarchy() -> None:
    options = lab.run_options("2")
    assert (options["privileged"], options["cgroupns"]) == (True, "private")
    assert options["tmpfs"] == lab.run_options("1")["tmpfs"]
    # With a private namespace the host's mount does not boot.
    assert lab.run_binds("2") == {}


def test_a_host_is_made_from_an_image_that_the_recipe_knows() -> None:
    """The module's choices, the recipe's arguments and the default are the same everywhere."""
    assert (
        list(lab.IMAGES)
        == yaml.safe_load(lab_module.DOCUMENTATION)["options"]["hosts"]["suboptions"]["image"]["choices"]
    )
    assert lab.LabHost("x", "127.0.99.1", "172.31.254.2", []).image == next(iter(lab.IMAGES)) == "debian-13"
    for image, arguments in lab.IMAGES.items():
        done = subprocess.run(
            [sys.executable, str(ROOT / "images/lab-host/rootfs.py"), *arguments, "--print", "x.tar"],
            capture_output=True,
            text=True,
            check=True,
        )
        command = done.stdout.split()
        assert command[0] == "mmdebstrap"
        assert command[-2:] == [{"13": "trixie", "12": "bookworm"}[image.split("-")[1]], "x.tar"]
        (packages,) = [
            word.removeprefix("--include=").split(",") for word in command if word.startswith("--include")
        ]
        assert ("docker.io" in packages) == (not image.endswith("-bare"))
        assert {"systemd", "openssh-server", "python3"} <= set(packages)


def test_the_key_arrives_as_sshd_wants_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(lab._authorized_keys("ssh-ed25519 AAAA lab\n"))) as tar:
        folder, file = tar.getmembers()
        assert (folder.name, folder.isdir(), folder.mode, folder.uid) == ("root/.ssh", True, 0o700, 0)
        assert (file.name, file.mode, file.uid) == ("root/.ssh/authorized_keys", 0o600, 0)
        content = tar.extractfile(file)
        assert content is not None
        assert content.read() == b"ssh-ed25519 AAAA lab\n"


def test_what_a_broken_removal_left_is_seen_and_removed() -> None:
    """Containers are gone, a volume and a network are not."""
    try:
        engine = docker.from_env()
        engine.ping()
    except DockerException as error:
        pytest.skip(f"a lab needs a Docker engine: {error}")
    name = f"selvedge-unit-test-{uuid.uuid4().hex[:12]}"
    own = lab.Lab(name)
    assert own.exists() is False
    assert own.remove() == []
    labels = {lab.LABEL: name}
    volume = engine.volumes.create(f"{name}-host1-docker", labels=labels)
    network = engine.networks.create(name, labels=labels, internal=True)
    try:
        assert own.exists() is True
        assert own.remove() == [f"{name}-host1-docker", name]
        assert own.exists() is False
    finally:
        for left in (*engine.volumes.list(filters={"label": f"{lab.LABEL}={name}"}),
                     *engine.networks.list(filters={"label": f"{lab.LABEL}={name}"})):  # fmt: skip
            left.remove()
    assert volume.name != network.name
