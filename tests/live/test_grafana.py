"""Grafana with the configuration that Selvedge deploys, beside a real Prometheus, as processes.

Nothing here has a Grafana to give: where one is, ``SELVEDGE_GRAFANA`` names its folder, with ``bin/grafana`` and its
pages as upstream's archive has them. Without it the tests that need one are skipped by name; what Prometheus does is
tried.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import x509
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Service, load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import (
    GENERATED,
    METRICS_PASSWORD,
    secret_path,
    templates,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring import grafana, prometheus, services
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.dashboards import DASHBOARDS, SOURCE
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.files import config_files
from ansible_collections.selvedge.fabric.tests.live.stores import (
    ADDRESS,
    Process,
    binary,
    eventually,
    free_port,
)

LAB = Path(__file__).resolve().parents[2] / "inventory/lab/group_vars/all/network.yml"
KINDS = ("prometheus", "alertmanager", "grafana")
# What each is told of its own folder, and where that is here.
FOLDERS = {"prometheus": prometheus.FOLDER, "grafana": "/etc/grafana"}
TEMPLATE = re.compile(r'with secret "(?P<path>[^"]+)" }}{{ \.Data\.data\.(?P<field>\w+)')


def home() -> Path:
    """The folder of a Grafana; skips the test, by name, where there is none."""
    found = Path(os.environ.get("SELVEDGE_GRAFANA", "/usr/share/grafana"))
    if not (found / "bin" / "grafana").is_file():
        pytest.skip(f"{found}/bin/grafana is not there: SELVEDGE_GRAFANA names the folder of a Grafana")
    return found


class Place:
    """The monitoring's host below one folder, with secrets as the store's agent would render them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[Process] = []
        model: dict[str, Any] = yaml.safe_load(LAB.read_text())["selvedge_network"]
        keys = (
            "port",
            "alertmanager_port",
            "node_exporter_port",
            "blackbox_exporter_port",
            "health_exporter_port",
        )
        image = f"docker.io/grafana/grafana@sha256:{0:064x}"
        model["monitoring"] = {
            "host": "host3",
            "organization": "org1",
            "scrape_interval": "5s",
            **{key: free_port() for key in keys},
            "grafana": {"image": image, "port": free_port()},
        }
        hosts = {f"host{n}": {"reach": f"127.0.99.{n}", "address": f"172.30.99.{n}"} for n in (1, 2, 3)}
        self.network = load(model, hosts)
        self.services = {kind: self.network.monitoring_of(kind)[0] for kind in KINDS}
        self.root = x509.make_root("tls", "org1", 30)
        self.generated = {name: secrets.token_urlsafe(32) for name in GENERATED}
        self.pairs: dict[str, dict[str, str]] = {}
        for service in self.services.values():
            self._write(service)

    def _fields(self, path: str) -> dict[str, str]:
        """A secret of the store: what was generated, or an identity."""
        name = path.rpartition("/")[2]
        if path.endswith("/users/grafana"):
            return self.generated
        if path not in self.pairs:
            pair = x509.issue_server(self.root, name, "org1", [name, ADDRESS, "127.0.0.1"], 30)
            self.pairs[path] = {
                "tls_cert": pair.cert_pem,
                "tls_key": pair.key_pem,
                "tls_ca_cert": self.root.cert_pem,
            }
        return self.pairs[path]

    def _write(self, service: Service) -> None:
        for item in templates(self.network, service, {}):
            target = Path(self.here(item["dest"], service))
            target.parent.mkdir(parents=True, exist_ok=True)
            if found := TEMPLATE.search(item["contents"]):
                target.write_text(self._fields(found["path"].replace("/data/", "/"))[found["field"]])
        for name, text in config_files(self.network, service, self.root.cert_pem).items():
            target = self.folder / service.kind / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(self.here(text, service))

    def here(self, text: str, service: Service) -> str:
        """A text with this host's paths and addresses, where it is made for a container on a host."""
        if folder := FOLDERS.get(service.kind):
            text = text.replace(folder, str(self.folder / service.kind))
        text = text.replace("/run/secrets", f"{self.folder}/secrets/{service.name}")
        text = text.replace("/run/selvedge/secrets", f"{self.folder}/secrets")
        text = text.replace("/var/lib/", f"{self.folder}/data/").replace("0.0.0.0", ADDRESS)
        return text.replace(service.host.address, ADDRESS).replace(service.host.reach, ADDRESS)

    def secret(self, kind: str, name: str) -> str:
        return str(self.folder / "secrets" / self.services[kind].name / name)

    def url(self, kind: str) -> str:
        return f"https://{ADDRESS}:{self.services[kind].ports['main']}"

    def start(self, kind: str, program: Path, **replaced: str) -> Process:
        service = self.services[kind]
        files = config_files(self.network, service, self.root.cert_pem)
        definition = services.service(self.network, service, "image", files, "revision")
        command = [self.here(word, service) for word in definition["command"]]
        for old, new in replaced.items():
            command = [word.replace(old, new) for word in command]
        (self.folder / "data" / kind).mkdir(parents=True, exist_ok=True)
        process = Process(self.folder / f"{kind}.log")
        self.processes.append(process)
        process.start(program, *command)
        process.wait_for(ADDRESS, service.ports["main"])
        return process

    def ask(self, kind: str, path: str, **options: Any) -> requests.Response:
        return requests.get(
            self.url(kind) + path, verify=self.secret("prometheus", "tls/ca.crt"), timeout=10, **options
        )

    def query(self, kind: str, expression: str) -> list[dict[str, Any]]:
        """What Prometheus says, asked with the certificate of ``kind``."""
        cert = (self.secret(kind, "tls/server.crt"), self.secret(kind, "tls/server.key"))
        answer = self.ask("prometheus", "/api/v1/query", params={"query": expression}, cert=cert)
        # While it starts it says that it is unavailable.
        found: list[dict[str, Any]] = answer.json()["data"]["result"] if answer.status_code != 503 else []
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("place"))
    try:
        made.start("prometheus", binary("prometheus", "prometheus"))
        eventually(lambda: made.query("prometheus", "vector(1)"), 60)
        yield made
    finally:
        for process in made.processes:
            process.stop()


@pytest.fixture(scope="module")
def running(place: Place) -> Place:
    """The same with Grafana."""
    found = home()
    place.start("grafana", found / "bin" / "grafana", **{grafana.HOME: str(found)})
    eventually(lambda: place.ask("grafana", "/api/health").ok, 120)
    return place


def test_prometheus_lets_grafana_in_as_itself(place: Place) -> None:
    assert place.query("grafana", "vector(2)")[0]["value"][1] == "2"


def test_prometheus_refuses_another_certificate_of_the_same_authority(place: Place) -> None:
    with pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.SSLError)):
        place.query("alertmanager", "vector(2)")
    with pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.SSLError)):
        place.ask("prometheus", "/api/v1/query?query=1")


def test_prometheus_has_grafana_among_what_it_asks(place: Place) -> None:
    """It reads the password's file; without a Grafana there is nobody who answers."""
    found = eventually(lambda: place.query("prometheus", 'up{job="grafana"}'), 30)
    assert found[0]["metric"]["node"] == place.services["grafana"].name


def test_grafana_lets_nobody_in_without_a_login(running: Place) -> None:
    for path in ("/api/search", "/api/datasources", "/metrics"):
        assert running.ask("grafana", path).status_code == 401
    assert running.ask("grafana", "/api/search", auth=("admin", "admin")).status_code == 401


def test_grafana_shows_the_dashboards_to_its_administrator(running: Place) -> None:
    auth = ("admin", running.generated["admin_password"])
    found = running.ask("grafana", "/api/search", auth=auth, params={"type": "dash-db"}).json()
    assert {item["uid"] for item in found} == {f"selvedge-{item.name}" for item in DASHBOARDS}
    assert {item["folderTitle"] for item in found} == {running.network.name}


def test_grafana_reaches_prometheus_by_its_own_certificate(running: Place) -> None:
    auth = ("admin", running.generated["admin_password"])
    assert [item["uid"] for item in running.ask("grafana", "/api/datasources", auth=auth).json()] == [SOURCE]
    path = f"/api/datasources/proxy/uid/{SOURCE}/api/v1/query"
    answer = running.ask("grafana", path, auth=auth, params={"query": "vector(3)"})
    assert answer.json()["data"]["result"][0]["value"][1] == "3"


def test_prometheus_gets_grafanas_numbers(running: Place) -> None:
    eventually(lambda: running.query("prometheus", 'up{job="grafana"} == 1'), 60)
    auth = (prometheus.GRAFANA_USER, running.generated[METRICS_PASSWORD])
    assert "grafana_build_info" in running.ask("grafana", "/metrics", auth=auth).text


def test_grafana_keeps_no_key_in_the_clear(running: Place) -> None:
    path = secret_path(running.services["grafana"])
    texts = [running.pairs[path]["tls_key"].splitlines()[1], *running.generated.values()]
    files = [file for file in (running.folder / "data" / "grafana").rglob("*") if file.is_file()]
    assert files
    for file in [*files, running.folder / "grafana.log"]:
        content = file.read_bytes()
        assert not [text for text in texts if text.encode() in content], file
