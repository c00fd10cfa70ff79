"""A peer that moves to a CouchDB as Selvedge deploys it, on Fabric 2.5.9 and 3.1.1, as processes.

Nothing here has a CouchDB to give: where one is, ``SELVEDGE_COUCHDB`` names its folder, with ``bin/couchdb`` and
``etc/default.ini`` as upstream's releases have them. Without it the tests are skipped by name.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import (
    Health,
    Status,
    wait_until_healthy,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_rules import STATE
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder
from ansible_collections.selvedge.fabric.plugins.module_utils.model import couchdb
from ansible_collections.selvedge.fabric.plugins.module_utils.model.draft import couchdb_name
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Host, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import COUCHDB
from ansible_collections.selvedge.fabric.tests.live.network import LiveNetwork
from ansible_collections.selvedge.fabric.tests.live.stores import (
    REPOSITORY,
    Process,
    binary,
    eventually,
    free_port,
)
from ansible_collections.selvedge.fabric.tests.live.world import CHAINCODE, CHANNEL, World, deployed

HELPERS = ("couchdb-keeper", "healthcheck", "secret-env")
PEER, ORGANIZATION = "peer0.org1.lab", "Org1"
ADDRESS = "127.0.0.1"
PASSWORD = "-a-password-of-its-own_1"


def home() -> Path:
    """The folder of a CouchDB; skips the test, by name, where there is none."""
    found = Path(os.environ.get("SELVEDGE_COUCHDB", "/opt/couchdb"))
    if not (found / "bin" / "couchdb").is_file():
        pytest.skip(f"{found}/bin/couchdb is not there: SELVEDGE_COUCHDB names the folder of a CouchDB")
    return found


class Couch:
    """The container's definition as a process: with its program, its files and its secrets below one folder."""

    def __init__(self, folder: Path, live: LiveNetwork) -> None:
        self.folder, self.live, self.home = folder, live, home()
        limits = {"memory": "1g", "pids": 512, "runtime": "runc"}
        host = Host("here", ADDRESS, ADDRESS)
        ports = {"operations": free_port()}
        self.service = Service(COUCHDB, couchdb_name(PEER), host, ORGANIZATION, limits, ports)
        # The last is of Erlang's own daemon, which outlives CouchDB where it has no container.
        self.port, self.metrics, self.names = free_port(), free_port(), free_port()
        self.process = Process(folder / "log")
        authority = live.organizations[ORGANIZATION].tls_ca
        cert, key = authority.issue(self.service.name, tls=True)
        files = {
            "secrets/tls/server.crt": cert,
            "secrets/tls/server.key": key,
            "secrets/tls/ca.crt": authority.cert,
            "secrets/couchdb/password": PASSWORD,
            **{f"config/{name}": self.here(text) for name, text in couchdb.config_files().items()},
        }
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for name in ("data", "tmp"):
            (folder / name).mkdir()
        # As the image has it, where upstream's program lies elsewhere.
        (folder / "couchdb").symlink_to(self.home / "bin" / "couchdb")
        recipe = yaml.safe_load((REPOSITORY / "images" / COUCHDB / "image.yml").read_text())
        self.environment = dict(item.split("=", 1) for item in recipe["config"]["Env"])

    def here(self, text: str) -> str:
        """A text that is made for a container, with the paths and ports of this machine."""
        programs = {f"/usr/local/bin/{name}": str(self.helper(name)) for name in HELPERS}
        places = {
            "/run/secrets": f"{self.folder}/secrets",
            "/etc/couchdb": f"{self.folder}/config",
            "/var/lib/couchdb": f"{self.folder}/data",
            "/tmp": f"{self.folder}/tmp",  # noqa: S108 - the container's
            "/usr/local/bin/couchdb": f"{self.folder}/couchdb",
            "/usr/local/bin/peer": str(self.live.binaries / "peer"),
            "/opt/couchdb": str(self.home),
            str(couchdb.PORT): str(self.port),
            "17986": str(self.metrics),
            "0.0.0.0": ADDRESS,
            self.service.name: ADDRESS,
            **programs,
        }
        longest = sorted(places, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, longest)), lambda found: places[found[0]], text)

    def helper(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            path.write_bytes(Builder(REPOSITORY, REPOSITORY / ".cache").helper(name))
            path.chmod(0o755)
        return path

    def start(self) -> None:
        made = couchdb.couchdb(self.service, "image", "revision")
        told = {**self.environment, **made["environment"], "ERL_EPMD_PORT": str(self.names)}
        words = [f"{key}={self.here(value)}" for key, value in told.items()]
        words += [self.here(word) for word in [*made["entrypoint"], *made["command"]]]
        self.process.start("env", "-i", *words)
        check = [self.here(word) for word in made["healthcheck"]["test"][1:]]
        eventually(lambda: subprocess.run(check, capture_output=True, check=False).returncode == 0, 60)

    def stop(self) -> None:
        self.process.stop()

    def leave_nothing(self) -> None:
        self.stop()
        (daemon,) = self.home.glob("erts-*/bin/epmd")
        subprocess.run([daemon, "-port", str(self.names), "-kill"], check=True, capture_output=True)

    def move_in(self) -> None:
        """The peer keeps its state here from its next start on."""
        told = couchdb.told_of(self.service, "info")
        environment = {key: self.here(value) for key, value in told["environment"].items()}
        words = [self.here(word) for word in [*told["entrypoint"], *told["command"]]]
        self.live.tell(PEER, environment, words[: words.index("--") + 1])

    def ask(self, path: str, password: str = PASSWORD) -> requests.Response:
        auth = (couchdb.USER, password) if password else None
        return requests.get(f"http://{ADDRESS}:{self.port}{path}", auth=auth, timeout=10)

    def look(self, path: str, *, known: bool = True) -> requests.Response:
        """Ask the window, as Prometheus does or as somebody without a certificate."""
        ca, *pair = (
            str(self.folder / "secrets/tls" / name) for name in ("ca.crt", "server.crt", "server.key")
        )
        url = f"https://{ADDRESS}:{self.service.ports['operations']}{path}"
        return requests.get(url, cert=(pair[0], pair[1]) if known else None, verify=ca, timeout=10)


@pytest.fixture(scope="module", params=["2.5.9", "3.1.1"])
def moved(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, Couch]]:
    """A network whose first peer has moved: it had a ledger, and its state in LevelDB."""
    home()
    live = LiveNetwork(tmp_path_factory.mktemp("network"), version=request.param)
    with deployed(live) as world:
        couch = Couch(tmp_path_factory.mktemp("couchdb"), live)
        try:
            live.stop(PEER)
            couch.start()
            couch.move_in()
            live.start(PEER)
            wait_until_healthy(world.check(), 60)
            yield world, couch
        finally:
            live.stop(PEER)
            couch.leave_nothing()


def judged(world: World) -> Health:
    return next(item for item in world.check()() if item.subject == PEER)


def test_what_was_committed_before_is_there_too(moved: tuple[World, Couch]) -> None:
    world, couch = moved
    databases = couch.ask("/_all_dbs").json()
    assert {f"{CHANNEL}_", f"{CHANNEL}_{CHAINCODE}", f"{CHANNEL}__lifecycle"} <= set(databases)
    assert couch.ask(f"/{CHANNEL}_{CHAINCODE}/first").status_code == 200
    assert couch.ask(f"/{CHANNEL}_{CHAINCODE}/second").status_code == 404
    assert world.submit("second").problems == ()
    assert couch.ask(f"/{CHANNEL}_{CHAINCODE}/second").status_code == 200
    assert judged(world).facts["channels"][CHANNEL]["lag"] == 0


def test_nobody_reads_it_without_the_password(moved: tuple[World, Couch]) -> None:
    _unused, couch = moved
    for password in ("", "another"):
        for path in ("/", "/_all_dbs", f"/{CHANNEL}_{CHAINCODE}/first", "/_node/_local/_prometheus"):
            assert couch.ask(path, password).status_code == 401, (path, password)


def test_only_metrics_are_seen_and_only_with_a_certificate(moved: tuple[World, Couch]) -> None:
    _unused, couch = moved
    assert "couchdb_httpd_request_methods" in couch.look("/metrics").text
    for path in ("/", "/_all_dbs", f"/{CHANNEL}_{CHAINCODE}/first"):
        assert couch.look(path).status_code == 404
    with pytest.raises((requests.exceptions.SSLError, requests.exceptions.ConnectionError)):
        couch.look("/metrics", known=False)


def test_a_real_prometheus_takes_them(moved: tuple[World, Couch], tmp_path: Path) -> None:
    _unused, couch = moved
    folder, port = couch.folder / "secrets" / "tls", free_port()
    tls = {"ca_file": "ca.crt", "cert_file": "server.crt", "key_file": "server.key"}
    job = {
        "job_name": COUCHDB,
        "scheme": "https",
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "tls_config": {
            **{key: str(folder / name) for key, name in tls.items()},
            "server_name": couch.service.name,
        },
        "static_configs": [{"targets": [f"{ADDRESS}:{couch.service.ports['operations']}"]}],
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({"scrape_configs": [job]}))
    process = Process(tmp_path / "log")
    process.start(
        binary("prometheus", "prometheus"),
        f"--config.file={tmp_path}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address={ADDRESS}:{port}",
    )

    def value(expression: str) -> str:
        url = f"http://{ADDRESS}:{port}/api/v1/query"
        try:
            answer = requests.get(url, params={"query": expression}, timeout=5)
        except requests.ConnectionError:
            return ""
        found = answer.json().get("data", {}).get("result", []) if answer.ok else []
        return found[0]["value"][1] if found else ""

    try:
        eventually(lambda: value("up") == "1", 30)
        assert float(value('couchdb_httpd_request_methods{method="POST"}')) > 0
        assert float(value("couchdb_uptime_seconds")) > 0
    finally:
        process.stop()


def test_the_password_lies_on_no_disk_and_in_no_command_line(moved: tuple[World, Couch]) -> None:
    world, couch = moved
    secret = PASSWORD.encode()
    kept = couch.folder / "secrets" / "couchdb" / "password"
    files = [path for path in couch.folder.rglob("*") if path.is_file() and path != kept]
    files += [path for path in (world.live.root / PEER).rglob("*") if path.is_file()]
    assert [path for path in files if secret in path.read_bytes()] == []
    assert "-pbkdf2" in (couch.folder / "tmp" / "local.ini").read_text()
    told = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [words for words in told if secret in words]
    made = [couchdb.couchdb(couch.service, "image", "revision"), couchdb.told_of(couch.service, "info")]
    assert PASSWORD not in repr(made)


def test_a_database_that_was_lost_is_built_again(moved: tuple[World, Couch]) -> None:
    world, couch = moved
    world.live.stop(PEER)
    couch.stop()
    shutil.rmtree(couch.folder / "data")
    (couch.folder / "data").mkdir()
    couch.start()
    assert f"{CHANNEL}_{CHAINCODE}" not in couch.ask("/_all_dbs").json()
    world.live.start(PEER)
    wait_until_healthy(world.check(), 60)
    assert couch.ask(f"/{CHANNEL}_{CHAINCODE}/first").status_code == 200


def test_a_couchdb_that_is_away_and_comes_back(moved: tuple[World, Couch]) -> None:
    """The verdict names it. A block that cannot be committed ends the peer, which begins again as if nothing were."""
    world, couch = moved
    couch.stop()
    found = eventually(lambda: judged(world) if judged(world).status is Status.UNHEALTHY else None, 30)
    assert STATE in found.remedy, found
    assert any("couchdb" in reason.lower() or "state database" in reason for reason in found.reasons), found
    with suppress(FabricError):
        world.submit("third", "Org2")
    eventually(lambda: not world.live.runs(PEER), 60)
    assert "panic: error during commit to txmgr" in world.live.log(PEER, 1000)
    couch.start()
    world.live.stop(PEER)
    world.live.start(PEER)
    wait_until_healthy(world.check(), 60)
    assert couch.ask(f"/{CHANNEL}_{CHAINCODE}/third").status_code == 200
    assert world.submit("fourth").problems == ()


def test_moving_back(moved: tuple[World, Couch]) -> None:
    """Runs last. LevelDB has the state of the day when the peer left it, and gets the rest from the blocks."""
    world, couch = moved
    world.live.stop(PEER)
    couch.stop()
    world.live.tell(PEER, {"CORE_LEDGER_STATE_STATEDATABASE": "goleveldb"}, [])
    world.live.start(PEER)
    wait_until_healthy(world.check(), 60)
    assert world.submit("fifth").problems == ()
