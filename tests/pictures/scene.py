"""What a network tells Prometheus, as tests want it: real metrics of nodes of 2.5.9, moved to the names of a model.

``captures/`` has what a peer and an orderer of tests/live said after some transactions. Counters grow from there,
gauges stand, so that a rate is known and what a page shows can be compared.
"""

from __future__ import annotations

import http.server
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service

CAPTURES = Path(__file__).parent / "captures"
_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$")
# Counters begin so long before a scene; a second adds this share of what was captured.
_AGE_S = 7200
_GROWTH = 1.7
_DAY_S = 86400.0


@dataclass(frozen=True)
class Line:
    """One sample of a capture."""

    name: str
    labels: str
    value: float
    counter: bool

    def text(self, grown: float) -> str:
        return f"{self.name}{self.labels} {self.value * (1 + grown) if self.counter else self.value!r}"


@lru_cache
def capture(kind: str, channel: str, chaincode: str) -> list[Line]:
    """The samples of a node's kind, in the names of a channel and a chaincode."""
    found, kinds = [], {}
    for line in (CAPTURES / f"{kind}-2.5.9.prom").read_text().splitlines():
        if line.startswith("# TYPE "):
            _unused, _unused, name, kinds[name] = line.split()
        elif match := _SAMPLE.match(line):
            name, labels, value = match.groups(default="")
            labels = (
                labels.replace('"demo"', f'"{channel}"')
                .replace('"kv:', f'"{chaincode}:')
                .replace('"kv"', f'"{chaincode}"')
            )
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            counter = kinds.get(name) == "counter" or kinds.get(base) == "histogram"
            # Raft counts a new leader; a network that is well has the one that it had.
            found.append(
                Line(name, labels, float(value), counter and name != "consensus_etcdraft_leader_changes")
            )
    return found


@dataclass
class Scene:
    """What every target says; tests change it while Prometheus asks.

    :param heights: of a channel; ``behind`` has blocks by node
    :param down: nodes, and names of exporters, that do not answer
    :param verdicts: by subject: 0 healthy, 1 degraded, 2 unhealthy
    :param disks: the share of its bytes that is free, of a host; ``inodes`` that of its inodes
    :param drift: what a run of ``site.yml --check`` on the first host would change
    :param reasons: why, by subject: status, reason and remedy of each
    """

    network: Network
    heights: dict[str, int] = field(default_factory=dict)
    behind: dict[str, int] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    verdicts: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)
    leaders: dict[str, str] = field(default_factory=dict)
    days: dict[str, float] = field(default_factory=dict)
    chaincodes_down: set[str] = field(default_factory=set)
    probe_fails: set[str] = field(default_factory=set)
    probe_s: float = 0.532
    verdict_age: float = 4.0
    sealed: bool = False
    disks: dict[str, float] = field(default_factory=dict)
    inodes: dict[str, float] = field(default_factory=dict)
    drift: int = 0
    skew: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=lambda: time.time() - _AGE_S)

    def __post_init__(self) -> None:
        for number, channel in enumerate(self.network.settings["channels"]):
            name = channel["name"]
            self.heights.setdefault(name, 1204 + 317 * number)
            orderers = self.network.orderers
            self.leaders.setdefault(name, orderers[(number + 1) % len(orderers)].name)

    def answer(self, job: str, node: str, at: float | None = None) -> str | None:
        """What a target says at a moment; None where it says nothing."""
        if node in self.down:
            return None
        at = at or time.time()
        makers = {
            "peer": self._ledger, "orderer": self._ledger, "node-exporter": self._host, "selvedge-health": self._health,
            "chaincode": self._probe, "certificate": self._probe, "store-seal": self._probe,
        }  # fmt: skip
        lines = list(makers.get(job, self._process)(job, node, at))
        return "\n".join(lines) + "\n"

    def _service(self, node: str) -> Service:
        services = [*self.network.orderers, *self.network.peers]
        return next(item for item in services if item.name == node)

    def _ledger(self, job: str, node: str, at: float) -> Iterator[str]:
        """A peer or an orderer, in each of its channels."""
        service = self._service(node)
        told = set()
        for channel in self.network.settings["channels"]:
            name = channel["name"]
            if job == "peer" and service.organization not in channel["organizations"]:
                continue
            codes = [code["name"] for code in self.network.settings["chaincodes"] if code["channel"] == name]
            for line in capture(job, name, codes[0] if codes else "none"):
                if (line.name, line.labels) in told:
                    continue
                told.add((line.name, line.labels))
                if line.name == "ledger_blockchain_height":
                    yield f"{line.name}{line.labels} {self.heights[name] - self.behind.get(node, 0)}"
                elif line.name == "consensus_etcdraft_is_leader":
                    yield f"{line.name}{line.labels} {int(self.leaders[name] == node)}"
                elif line.name == "process_start_time_seconds":
                    yield f"{line.name} {self.started!r}"
                else:
                    yield line.text(self._grown(line.name, at))

    def _grown(self, name: str, at: float) -> float:
        rate = 0.002 if name.startswith("process_cpu") else _GROWTH
        return rate * (at - self.started)

    def _process(self, _job: str, _node: str, at: float) -> Iterator[str]:
        yield f"process_start_time_seconds {self.started!r}"
        yield f"process_cpu_seconds_total {12 + 0.01 * (at - self.started)!r}"
        yield "process_resident_memory_bytes 6.4e+07"

    def _host(self, _job: str, node: str, at: float) -> Iterator[str]:
        """A node exporter; the busier the further down the list its host is."""
        hosts = {item.name: item.host.name for item in self.network.monitoring_of("node-exporter")}
        rank, host = list(hosts).index(node), hosts[node]
        age = at - self.started
        for cpu in range(2):
            yield f'node_cpu_seconds_total{{cpu="{cpu}",mode="idle"}} {age * (0.9 - 0.2 * rank)!r}'
            yield f'node_cpu_seconds_total{{cpu="{cpu}",mode="user"}} {age * (0.1 + 0.2 * rank)!r}'
        yield "node_memory_MemTotal_bytes 8e+09"
        yield f"node_memory_MemAvailable_bytes {6e9 - 1.1e9 * rank!r}"
        disk = 'device="/dev/vda1",fstype="ext4",mountpoint="/"'
        yield f"node_filesystem_size_bytes{{{disk}}} 4e+10"
        free = self.disks.get(host, 0.625 - 0.175 * rank)
        yield f"node_filesystem_avail_bytes{{{disk}}} {4e10 * free!r}"
        yield f"node_filesystem_files{{{disk}}} 2.6e+06"
        yield f"node_filesystem_files_free{{{disk}}} {2.6e6 * self.inodes.get(host, 0.8)!r}"
        yield f"node_time_seconds {at!r}"
        if self.drift and rank == 0:
            # What the last run with --check left there.
            about = 'network="lab",playbook="site",mode="check"'
            yield f'selvedge_deployment_changed{{{about},stage="ledger"}} {self.drift}'
            yield f"selvedge_deployment_last_run_timestamp_seconds{{{about}}} {at!r}"

    def _health(self, _job: str, _node: str, at: float) -> Iterator[str]:
        """The exporter of health verdicts."""
        subjects = [(item.name, item.kind, item.organization)
                    for item in [*self.network.orderers, *self.network.peers, *self.network.cas]]  # fmt: skip
        for name, kind, organization in [*subjects, ("store", "store", "")]:
            given = 2 if name in self.down else self.verdicts.get(name, 0)
            yield f'selvedge_node_status{{subject="{name}",kind="{kind}",organization="{organization}"}} {given}'
            if kind != "store":
                days = self.days.get(name, 291.4)
                yield f'selvedge_certificate_days{{subject="{name}",certificate="tls"}} {days!r}'
                yield f'selvedge_certificate_days{{subject="{name}",certificate="sign"}} {days + 40!r}'
        kinds = {name: kind for name, kind, _unused in [*subjects, ("store", "store", "")]}
        for name, told in self.reasons.items():
            for status, reason, remedy in told:
                labels = f'subject="{name}",kind="{kinds.get(name, "channel")}",reason="{reason}",remedy="{remedy}"'
                yield f"selvedge_health_reason{{{labels}}} {status}"
        for channel in self.network.settings["channels"]:
            name = channel["name"]
            yield f'selvedge_commit_probe_success{{channel="{name}"}} {int(name not in self.probe_fails)}'
            yield f'selvedge_commit_probe_duration_seconds{{channel="{name}"}} {self.probe_s!r}'
        for number, host in enumerate(self.network.hosts):
            yield f'selvedge_clock_skew_seconds{{host="{host}"}} {self.skew.get(host, 0.003 * (number + 1))!r}'
        for item in self.network.chaincodes:
            peer = item.name.split(".", 1)[1]
            labels = (
                f'channel="{item.settings["channel"]}",chaincode="{item.settings["name"]}",subject="{peer}"'
            )
            yield f"selvedge_chaincode_reachable{{{labels}}} {int(item.name not in self.chaincodes_down)}"
        yield f"selvedge_store_sealed {int(self.sealed)}"
        yield f"selvedge_exporter_last_run_timestamp_seconds {at - self.verdict_age!r}"
        yield from self._process("", "", at)

    def _probe(self, job: str, node: str, at: float) -> Iterator[str]:
        """What a blackbox exporter says of a target."""
        gone = node in self.chaincodes_down
        yield f"probe_success {int(not gone)}"
        if job == "certificate":
            yield f"probe_ssl_earliest_cert_expiry {at + self.days.get(node, 291.4) * _DAY_S!r}"
        if job == "store-seal":
            yield f"probe_http_status_code {503 if self.sealed else 200}"


@contextmanager
def serving(scene: Scene) -> Iterator[int]:
    """The scene as an HTTP server: ``/JOB/NODE`` is a target. Yields its port on loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            _unused, job, node = self.path.split("?")[0].split("/")
            text = scene.answer(job, node)
            body = (text or "").encode()
            self.send_response(200 if text is not None else 503)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """Who asks may hang up: a stopped Prometheus does."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
