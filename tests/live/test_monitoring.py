"""The real Prometheus, Alertmanager and node exporter with the configuration that Selvedge deploys, as processes.

The network that they watch is not there but for themselves and a store: so they find everything else down, say so, and
leave unsaid what follows from it.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import x509
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service, load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import (
    folder_of,
    secret_paths,
    templates,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring import services
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.alerts import ALERTS
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.files import (
    config_files,
    config_folder,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.network_page import network_page
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.records import RECORDS
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao_admin import Host
from ansible_collections.selvedge.fabric.tests.live.stores import (
    ADDRESS,
    LiveAgent,
    LiveStore,
    Process,
    binary,
    eventually,
    free_port,
    running_store,
)

LAB = Path(__file__).resolve().parents[2] / "inventory/lab/group_vars/all/network.yml"
PROGRAMS = {
    "prometheus": ("prometheus", "prometheus"),
    "alertmanager": ("alertmanager", "alertmanager"),
    "node-exporter": ("node-exporter", "node_exporter"),
}
HOST = "host3"


class Receiver:
    """A webhook that keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.messages.append(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_unused: Any) -> None:
                pass

        self._server = HTTPServer((ADDRESS, 0), Handler)
        self.url = f"http://{ADDRESS}:{self._server.server_port}/alerts"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def heard(self) -> set[tuple[str, str]]:
        """Name and node, or else host, of every alert that it was told of."""
        return {
            (labels["alertname"], labels.get("node") or labels.get("host", ""))
            for message in self.messages
            for labels in (alert["labels"] for alert in message["alerts"])
        }


class Monitoring:
    """The monitoring's host, with its tmpfs, its configuration and its disk below one folder."""

    def __init__(self, folder: Path, store_port: int) -> None:
        self.folder = folder
        self.receiver = Receiver()
        self.processes: list[Process] = []
        model = yaml.safe_load(LAB.read_text())["selvedge_network"]
        model["secrets_store"]["port"] = store_port
        model["monitoring"] = {
            "host": HOST,
            "organization": "org1",
            "scrape_interval": "5s",
            **{
                key: free_port()
                for key in ("port", "alertmanager_port", "node_exporter_port", "blackbox_exporter_port")
            },
            "receivers": [{"name": "oncall", "kind": "webhook", "secret": "org1/receivers/oncall"}],
        }
        self.network: Network = load(
            model, {f"host{n}": {"reach": f"127.0.99.{n}", "address": f"172.30.99.{n}"} for n in (1, 2, 3)}
        )
        self.services = {
            item.kind: item
            for item in self.network.monitoring
            if item.host.name == HOST and item.kind in PROGRAMS
        }
        self.root = x509.make_root("tls", "org1", 30)

    def enrol(self, store: LiveStore) -> None:
        """What the identity module would put into the store, by an authority of this test's own."""
        client = store.open()
        paths = {path for item in self.services.values() for path in secret_paths(self.network, item)}
        store.configure(
            sorted({path.split("/")[0] for path in paths}),
            [Host(HOST, HOST, sorted(paths), ["127.0.0.0/8"])],
        )
        for path in sorted(paths):
            name = path.rpartition("/")[2]
            if "/nodes/" in path:
                pair = x509.issue_server(self.root, name, "org1", [name, ADDRESS, "127.0.0.1"], 30)
                fields = {
                    "tls_cert": pair.cert_pem,
                    "tls_key": pair.key_pem,
                    "tls_ca_cert": self.root.cert_pem,
                }
            else:
                fields = {"url": self.receiver.url}
            client.write(path, fields)
        rendered = [
            {**item, "dest": self._here(item["dest"]), "user": "", "group": ""}
            for service in self.services.values()
            for item in templates(self.network, service, {})
        ]
        agent = LiveAgent(self.folder, store, HOST, rendered)
        self.processes.append(agent.process)
        agent.start()
        eventually(lambda: all(Path(item["dest"]).exists() for item in rendered), 30)

    def _here(self, text: str, service: Service | None = None) -> str:
        """A text with this host's paths and addresses, where it is made for a container on a host."""
        if service:
            text = text.replace("/run/secrets", folder_of(service))
            for folder in set(services._FOLDERS.values()):
                text = text.replace(f"{folder}/", f"{config_folder(service)}/")
            text = text.replace("/var/lib/", "/run/selvedge/data/").replace(
                "/textfiles", "/run/selvedge/data"
            )
            text = text.replace("=/host", "=/").replace("0.0.0.0", ADDRESS)
            text = text.replace(f"{service.host.address}:", f"{ADDRESS}:")
            # The store is on another host of the model; it is here all the same.
            text = text.replace(
                f"172.30.99.1:{self.network.settings['secrets_store']['port']}",
                f"{ADDRESS}:{self.network.settings['secrets_store']['port']}",
            )
        return text.replace("/run/selvedge/", f"{self.folder}/").replace(
            "/etc/selvedge/", f"{self.folder}/etc/"
        )

    def start(self, ca_cert: str) -> None:
        (self.folder / "data").mkdir()
        for kind, service in self.services.items():
            files = config_files(self.network, service, ca_cert)
            place = Path(self._here(config_folder(service)))
            place.mkdir(parents=True)
            for name, text in files.items():
                (place / name).parent.mkdir(exist_ok=True)
                (place / name).write_text(self._here(text, service))
            definition = services.service(self.network, service, "image", files, "revision")
            command = [self._here(word, service) for word in definition["command"]]
            process = Process(self.folder / f"{kind}.log")
            self.processes.append(process)
            process.start(binary(*PROGRAMS[kind]), *command)
        for service in self.services.values():
            self.processes[-1].wait_for(ADDRESS, service.ports["main"])
        eventually(self._ready, 60)

    def _ready(self) -> bool:
        try:
            return bool(self.ask("prometheus", "/-/ready"))
        except urllib.error.HTTPError:
            return False

    def stop(self) -> None:
        for process in self.processes:
            process.stop()
        self.receiver.close()

    def ask(self, kind: str, path: str, name: str = "") -> Any:
        """An answer in JSON, asked as the monitoring's own client, or as whoever is called ``name``."""
        name = name or self.network.monitor("org1")
        pair = x509.issue_server(self.root, name, "org1", [name], 1)
        context = ssl.create_default_context(cadata=self.root.cert_pem)
        handle = os.memfd_create("pair")
        os.write(handle, f"{pair.cert_pem}{pair.key_pem}".encode())
        context.load_cert_chain(f"/proc/self/fd/{handle}")
        os.close(handle)
        url = f"https://{ADDRESS}:{self.services[kind].ports['main']}{path}"
        with urllib.request.urlopen(url, context=context, timeout=10) as answer:
            text = answer.read().decode()
        return json.loads(text) if text.startswith(("{", "[")) else text


@pytest.fixture(scope="module")
def monitoring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitoring]:
    with running_store(tmp_path_factory.mktemp("store")) as store:
        found = Monitoring(tmp_path_factory.mktemp("monitoring"), store.port)
        try:
            found.enrol(store)
            found.start((store.folder / "ca").read_text())
            yield found
        finally:
            found.stop()
            for process in found.processes:
                print(f"--- {process.log_file.name}\n{process.log[-4000:]}")


def up(monitoring: Monitoring) -> dict[str, str]:
    """Job and error of every target on this machine; empty where it is up."""
    targets = monitoring.ask("prometheus", "/api/v1/targets?state=active")["data"]["activeTargets"]
    return {
        item["labels"]["job"]: item["lastError"] or ("" if item["health"] == "up" else item["health"])
        for item in targets
        if f"//{ADDRESS}:" in item["scrapeUrl"] and "/probe?" not in item["scrapeUrl"]
    }


def test_whoever_is_there_is_up_and_the_store_too(monitoring: Monitoring) -> None:
    jobs = {"prometheus", "alertmanager", "node-exporter", "store"}

    def all_up() -> bool:
        return {job for job, error in up(monitoring).items() if not error} >= jobs

    try:
        eventually(all_up, 60)
    except AssertionError:
        pytest.fail(str(up(monitoring)))


def test_every_rule_is_loaded_and_well(monitoring: Monitoring) -> None:
    def states() -> dict[str, str]:
        groups = monitoring.ask("prometheus", "/api/v1/rules")["data"]["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    eventually(lambda: "unknown" not in states().values(), 60)
    assert states() == dict.fromkeys([*RECORDS, *(alert.name for alert in ALERTS)], "ok")


def test_prometheus_serves_the_network_page_as_it_was_made(monitoring: Monitoring) -> None:
    """Its templates take comments away, and nothing else."""
    page = monitoring.ask("prometheus", "/consoles/network.html")
    made = network_page(monitoring.network, monitoring.network.settings["monitoring"]["scrape_interval"])
    facts = re.compile(r'<script id="facts" type="application/json">(.*?)</script>', re.DOTALL)
    assert json.loads(facts.findall(page)[0]) == json.loads(facts.findall(made)[0])
    assert page.count("function ") == made.count("function ") > 30
    assert "network.html" in monitoring.ask("prometheus", "/consoles/index.html")


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_certificate_of_the_same_authority_is_not_enough(monitoring: Monitoring, kind: str) -> None:
    monitoring.ask(kind, "/metrics")
    with pytest.raises((ssl.SSLError, urllib.error.URLError, ConnectionError)):
        monitoring.ask(kind, "/metrics", name="peer0.org1.lab.example")


def test_the_exporter_has_what_the_rules_ask_for(monitoring: Monitoring) -> None:
    text = monitoring.ask("node-exporter", "/metrics")
    for name in ("node_time_seconds", "node_filesystem_avail_bytes", "node_filesystem_files_free"):
        assert re.search(rf"^{name}[ {{]", text, re.MULTILINE), name
    assert "process_start_time_seconds" in text
    assert 'fstype="tmpfs"' not in text and 'mountpoint="/proc' not in text


def test_a_host_that_is_down_is_said_and_its_nodes_are_not(monitoring: Monitoring) -> None:
    """Hosts 1 and 2 have nothing that answers; host 3 has the exporter, and its nodes are down."""
    heard = monitoring.receiver.heard
    wanted = {
        ("HostDown", "host2"),
        *(
            ("NodeDown", item.name)
            for item in [*monitoring.network.peers, *monitoring.network.orderers]
            if item.host.name == HOST
        ),
    }
    eventually(lambda: wanted <= heard(), 200)
    silenced = {
        item.name
        for item in [*monitoring.network.peers, *monitoring.network.orderers, *monitoring.network.cas]
        if item.host.name == "host2"
    }
    assert not {name for _unused, name in heard()} & silenced, heard()


def test_nobody_hears_a_credential(monitoring: Monitoring) -> None:
    """Addresses of webhooks are credentials: they are in the file of tmpfs, and in nothing that is written or shown."""
    (service,) = monitoring.network.monitoring_of("alertmanager")
    place = Path(monitoring._here(config_folder(service)))
    assert not any(monitoring.receiver.url in path.read_text() for path in place.iterdir())
    shown = monitoring.ask("alertmanager", "/api/v2/status")
    assert monitoring.receiver.url not in json.dumps(shown)
