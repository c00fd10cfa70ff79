"""The scripts run for real, with their fixed places moved below a temporary folder; the units name what is there."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.images import oci
from ansible_collections.selvedge.fabric.plugins.module_utils.model import units
from docker.errors import DockerException

SCRIPTS = {
    "wait-secrets": units.WAIT_SECRETS,
    "install-material": units.INSTALL_MATERIAL,
    "fetch-agent": units.FETCH_AGENT,
}
PLACES = ("/etc/selvedge", "/run/selvedge", "/usr/local/lib/selvedge")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="install -o needs root")


class Moved:
    """The scripts with their places below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for place in PLACES:
            self.path(place).mkdir(parents=True)

    def path(self, place: str) -> Path:
        return self.root / place.lstrip("/")

    def run(self, name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        text = SCRIPTS[name]
        for place in PLACES:
            text = text.replace(place, str(self.path(place)))
        script = self.root / name
        script.write_text(text)
        return subprocess.run(
            ["sh", str(script), *arguments],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def wants(self, *lines: str) -> None:
        """The list of the stack ``demo``."""
        folder = self.path("/etc/selvedge/stacks/demo")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "secrets").write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
def moved(tmp_path: Path) -> Moved:
    return Moved(tmp_path)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_posix_shell(name: str, tmp_path: Path) -> None:
    script = tmp_path / name
    script.write_text(SCRIPTS[name])
    done = subprocess.run(["sh", "-n", str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert SCRIPTS[name].startswith(f"#!/bin/sh\n# {name}")
    assert "set -eu" in SCRIPTS[name]


def test_waiting_ends_at_once_when_everything_is_there(moved: Moved) -> None:
    (moved.root / "key").write_text("k")
    (moved.root / "revision").write_text("abc123")
    moved.wants(str(moved.root / "key"), f"{moved.root / 'revision'} abc123")
    started = time.monotonic()
    assert moved.run("wait-secrets", "demo", "60").returncode == 0
    assert time.monotonic() - started < 5


def test_a_stack_without_secrets_waits_for_nothing(moved: Moved) -> None:
    moved.wants()
    assert moved.run("wait-secrets", "demo", "0").returncode == 0


@pytest.mark.parametrize("content", [None, "", "yesterday"])
def test_waiting_gives_up_for_what_is_missing_empty_or_old(moved: Moved, content: str | None) -> None:
    (moved.root / "key").write_text("k")
    if content is not None:
        (moved.root / "revision").write_text(content)
    moved.wants(str(moved.root / "key"), f"{moved.root / 'revision'} today")
    done = moved.run("wait-secrets", "demo", "1")
    assert done.returncode == 1
    assert (
        f"{moved.root / 'revision'} is not there: look at 'journalctl -u selvedge-agent.service'"
        in done.stderr
    )


def test_the_time_is_for_all_secrets_together(moved: Moved) -> None:
    moved.wants(*(str(moved.root / f"missing{n}") for n in range(5)))
    started = time.monotonic()
    assert moved.run("wait-secrets", "demo", "1").returncode == 1
    assert 0.8 < time.monotonic() - started < 4


def test_waiting_sees_what_comes_later(moved: Moved) -> None:
    moved.wants(f"{moved.root / 'revision'} new")
    (moved.root / "revision").write_text("old")

    def render() -> None:
        (moved.root / "revision.tmp").write_text("new")
        (moved.root / "revision.tmp").rename(moved.root / "revision")

    timer = threading.Timer(0.5, render)
    timer.start()
    done = moved.run("wait-secrets", "demo", "30")
    timer.join()
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stack_without_a_list_is_an_error(moved: Moved) -> None:
    assert moved.run("wait-secrets", "nobody", "0").returncode != 0


@as_root
def test_material_is_installed_for_the_services_user_only(moved: Moved) -> None:
    credentials = moved.root / "credentials"
    credentials.mkdir()
    (credentials / "seal_key").write_bytes(bytes(range(32)))
    (credentials / "server_cert").write_text("PEM")
    done = moved.run("install-material", "store", CREDENTIALS_DIRECTORY=str(credentials))
    assert (done.returncode, done.stderr) == (0, "")
    folder = moved.path("/run/selvedge/secrets/store")
    assert (stat.S_IMODE(folder.stat().st_mode), folder.stat().st_uid) == (0o700, 10001)
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o755
    assert sorted(path.name for path in folder.iterdir()) == ["seal_key", "server_cert"]
    assert (folder / "seal_key").read_bytes() == bytes(range(32))
    for path in folder.iterdir():
        found = path.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o400, 10001, 10001)


@as_root
def test_material_that_changed_is_replaced_by_rename(moved: Moved) -> None:
    credentials = moved.root / "credentials"
    credentials.mkdir()
    target = moved.path("/run/selvedge/secrets/store") / "server_cert"
    inodes = []
    for text in ("old", "new"):
        (credentials / "server_cert").write_text(text)
        assert moved.run("install-material", "store", CREDENTIALS_DIRECTORY=str(credentials)).returncode == 0
        assert target.read_text() == text
        inodes.append(target.stat().st_ino)
    assert inodes[0] != inodes[1]


@as_root
def test_no_material_is_an_error(moved: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    (moved.root / "credentials").mkdir()
    done = moved.run("install-material", "store", CREDENTIALS_DIRECTORY=str(moved.root / "credentials"))
    assert done.returncode != 0
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert moved.run("install-material", "store").returncode != 0


@pytest.fixture(scope="module")
def agent_images() -> Iterator[dict[str, str]]:
    """Two tiny images in a real engine, one with the agent's program and one without; name to tag."""
    if not shutil.which("docker"):
        pytest.skip("fetch-agent needs the docker command")
    try:
        engine = docker.from_env()
        engine.ping()
    except DockerException as error:
        pytest.skip(f"fetch-agent needs a Docker engine: {error}")
    tags = {}
    program = oci.Entry("/usr/local/bin/bao", b"#!/bin/sh\necho bao\n", mode=0o755)
    for name, entry in {"with": program, "without": oci.Entry("/nothing", b"")}.items():
        tags[name] = f"selvedge-unit-test/{uuid.uuid4().hex[:12]}:{name}"
        image = oci.build(
            [oci.layer_tar([entry])], {"Entrypoint": ["/usr/local/bin/bao"]}, {"test": tags[name]}
        )
        engine.images.load(oci.docker_archive(image, tags[name]))
    yield tags
    for tag in tags.values():
        engine.images.remove(tag, force=True)


def _containers_of(tag: str) -> list[str]:
    return [item.id or "" for item in docker.from_env().containers.list(all=True, filters={"ancestor": tag})]


def test_the_agent_is_taken_out_of_its_image_once(moved: Moved, agent_images: dict[str, str]) -> None:
    folder = moved.path("/etc/selvedge/agent")
    folder.mkdir()
    (folder / "image").write_text(f"{agent_images['with']}\n")
    assert moved.run("fetch-agent").returncode == 0
    program = moved.path("/usr/local/lib/selvedge") / "bao"
    assert subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout == "bao\n"
    first = program.stat().st_ino
    # A second time there is nothing to do, and no engine is needed for it.
    assert moved.run("fetch-agent", DOCKER_HOST="tcp://127.0.0.1:1").returncode == 0
    assert program.stat().st_ino == first
    assert _containers_of(agent_images["with"]) == []


def test_a_failed_copy_leaves_no_container_and_the_old_agent(
    moved: Moved, agent_images: dict[str, str]
) -> None:
    folder = moved.path("/etc/selvedge/agent")
    folder.mkdir()
    (folder / "image").write_text(f"{agent_images['without']}\n")
    program = moved.path("/usr/local/lib/selvedge") / "bao"
    program.write_text("the old one")
    assert moved.run("fetch-agent").returncode != 0
    assert program.read_text() == "the old one"
    assert _containers_of(agent_images["without"]) == []


def values(unit: str, key: str) -> list[str]:
    return [line.split("=", 1)[1] for line in unit.splitlines() if line.startswith(f"{key}=")]


def test_a_stack_is_started_after_its_secrets() -> None:
    assert values(units.STACK_SERVICE, "ExecStartPre") == ["/usr/local/lib/selvedge/wait-secrets %i 600"]
    (after,) = values(units.STACK_SERVICE, "After")
    assert {"docker.service", units.AGENT_UNIT, "selvedge-material-%i.service"} <= set(after.split())
    (start,) = values(units.STACK_SERVICE, "ExecStart")
    assert start.split()[:4] == ["/usr/bin/docker", "compose", "-f", "/etc/selvedge/stacks/%i/compose.yml"]
    assert "--no-recreate" in start
    # Time for the script, and for Compose after it.
    assert int(values(units.STACK_SERVICE, "TimeoutStartSec")[0]) > 600
    assert units.stack_unit("ledger") == "selvedge-stack@ledger.service"


def test_a_restart_of_the_engine_is_no_restart_of_containers() -> None:
    (wanted,) = values(units.STACK_SERVICE, "Wants")
    assert "docker.service" in wanted.split()
    for key in ("Requires", "BindsTo", "PartOf"):
        assert not values(units.STACK_SERVICE, key), "a stop of the engine would stop the stack"


def test_the_agents_credential_is_the_one_that_its_configuration_reads() -> None:
    unit = units.agent_service("systemd-creds")
    (credential,) = values(unit, "LoadCredentialEncrypted")
    assert credential == "secret_id:/etc/credstore.encrypted/selvedge-agent-secret_id"
    assert f"/run/credentials/{units.AGENT_UNIT}/secret_id" == units.SECRET_ID_FILE
    assert values(unit, "LimitCORE") == ["0"]
    # It goes on trying as long as the store is away.
    assert values(unit, "Restart") == ["always"]
    assert values(unit, "StartLimitIntervalSec") == ["0"]


def test_boot_material_comes_before_its_stack() -> None:
    unit = units.material_service("store", ["seal_key", "server_key"], "systemd-creds")
    assert units.material_unit("store") == "selvedge-material-store.service"
    assert values(unit, "Before") == ["selvedge-stack@store.service"]
    assert values(unit, "LoadCredentialEncrypted") == [
        "seal_key:/etc/credstore.encrypted/selvedge-store-seal_key",
        "server_key:/etc/credstore.encrypted/selvedge-store-server_key",
    ]
    assert values(unit, "ExecStart") == ["/usr/local/lib/selvedge/install-material store"]


def test_a_host_that_cannot_seal_loads_files_in_the_clear() -> None:
    """By what systemd 247 knows, at the same place in memory."""
    for unit, credentials in (
        (units.agent_service("none"), ["secret_id:/etc/credstore/selvedge-agent-secret_id"]),
        (
            units.material_service("store", ["seal_key"], "none"),
            ["seal_key:/etc/credstore/selvedge-store-seal_key"],
        ),
    ):
        assert values(unit, "LoadCredential") == credentials
        assert "Encrypted" not in unit
    sealed = units.agent_service("systemd-creds").splitlines()
    clear = units.agent_service("none").splitlines()
    assert sum(one != other for one, other in zip(sealed, clear, strict=True)) == 1


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """Only complaints about the text: that programs are not on this machine is no fault of the unit."""
    for name, text in {
        units.AGENT_UNIT: units.agent_service("systemd-creds"),
        "selvedge-clear.service": units.agent_service("none"),
        "selvedge-stack@.service": units.STACK_SERVICE,
        units.material_unit("store"): units.material_service("store", ["seal_key"], "systemd-creds"),
    }.items():
        path = tmp_path / name
        path.write_text(text)
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, check=False
        )
        for word in ("Unknown", "Failed to parse", "Invalid", "ignoring"):
            assert word not in done.stderr, done.stderr
