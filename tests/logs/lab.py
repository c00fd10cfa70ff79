"""A real collector and a real Loki for tests, on loopback, with the configuration that Selvedge deploys.

Binaries come from ``.cache/oracle`` (``SELVEDGE_ORACLE_DIR`` overrides): ``otel-collector/otelcol`` and ``loki/loki``.
``fluent-bit`` is looked for in the PATH: Selvedge only pulls its image.
Logs lie in files as the engine's json-file driver writes them.
"""

from __future__ import annotations

import datetime
import json
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.fluent_bit import (
    SCRIPT,
    fluent_bit_config,
    line_script,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.log_collector import (
    FEATURE_GATES,
    LABELS,
    HostLogs,
    Places,
    Server,
    Sink,
    collector_config,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.loki import Loki, loki_config
from ansible_collections.selvedge.fabric.tests.live.network import Ports
from ansible_collections.selvedge.fabric.tests.live.pki import Authority
from ansible_collections.selvedge.fabric.tests.live.stores import binary, eventually

DOMAIN = "lab"
ORGANIZATIONS = ("orderer", "org1")
CHANNELS = ("main", "second")
COLLECTORS = ("otel-collector", "fluent-bit")


def fluent_bit() -> Path:
    """Where the program is; skips the test, by name, where it is not."""
    found = shutil.which("fluent-bit")
    if found is None:
        pytest.skip("there is no fluent-bit on this machine: its configuration is not tried")
    return Path(found)


class EngineLog:
    """A container's log as the engine keeps it, rotated like the engine rotates.

    :param containers: the engine's folder of containers
    :param name: the container's name, which the engine writes as ``tag``; none for a container of somebody else's
    """

    def __init__(self, containers: Path, number: int, name: str = "") -> None:
        identity = f"{number:012x}" + "0" * 52
        self.name = name or identity[:12]
        self._attributes = {"attrs": {"tag": name}} if name else {}
        self._file = containers / identity / f"{identity}-json.log"
        self._file.parent.mkdir(parents=True)
        self._file.touch()

    def write(self, *lines: str) -> None:
        """What the container wrote to its standard error."""
        with self._file.open("a") as log:
            for line in lines:
                now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
                # As many digits as the engine has.
                stamp = f"{now:%Y-%m-%dT%H:%M:%S}.{time.time_ns() % 10**9:09d}Z"
                entry = {"log": f"{line}\n", "stream": "stderr", **self._attributes, "time": stamp}
                log.write(json.dumps(entry) + "\n")

    def rotate(self) -> None:
        """The file has its size: it is renamed, the one before it too, and a third is forgotten."""
        older, oldest = (self._file.with_name(f"{self._file.name}.{number}") for number in (1, 2))
        if older.exists():
            older.rename(oldest)
        self._file.rename(older)
        self._file.touch()


class Program:
    """A program that is ended by its own process id, also hard."""

    def __init__(self, folder: Path, name: str) -> None:
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *command: str | Path) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def end(self, how: int = signal.SIGTERM) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


class LogLab:
    """One host's collector and a Loki, and files for the logs of containers.

    :param collector: one of ``COLLECTORS``
    """

    def __init__(self, folder: Path, collector: str = COLLECTORS[0]) -> None:
        self.folder, self.kind = folder, collector
        self.containers, self.queue = folder / "containers", folder / "queue"
        for path in (self.containers, self.queue, folder / "loki"):
            path.mkdir()
        self._loki = binary("loki", "loki")
        self._program = binary("otel-collector", "otelcol") if self.is_ours else fluent_bit()
        self.authority = Authority("tlsca.org1.lab")
        self.files = {name: self._certificate(name) for name in ("loki.lab", "otel-collector.lab")}
        (folder / "ca.crt").write_text(self.authority.cert)
        ports = Ports()
        self.port, grpc, metrics = ports.take(), ports.take(), ports.take()
        ports.release()
        self.metrics = f"127.0.0.1:{metrics}"
        self.settings = self._loki_of(grpc)
        self._write("loki.yml", loki_config(self.settings, LABELS))
        # As its keeper leaves it where everything fits.
        Path(self.settings.limits_file).write_text("overrides: {}\n")
        self.logs = self._host_logs()
        if self.is_ours:
            self._write("collector.yml", collector_config(self.logs))
        else:
            self._write("collector.yml", fluent_bit_config(self.logs))
            (folder / SCRIPT).write_text(line_script(self.logs))
        self.loki, self.collector = Program(folder, "loki"), Program(folder, "collector")
        self._count = 0

    @property
    def is_ours(self) -> bool:
        """Whether it is the collector that Selvedge builds."""
        return self.kind == COLLECTORS[0]

    def _certificate(self, name: str) -> tuple[str, str]:
        paths = []
        for suffix, text in zip(("crt", "key"), self.authority.issue(name, tls=True), strict=True):
            path = self.folder / f"{name}.{suffix}"
            path.write_text(text)
            path.chmod(0o600)
            paths.append(str(path))
        return paths[0], paths[1]

    def _loki_of(self, grpc: int) -> Loki:
        cert, key = self.files["loki.lab"]
        return Loki(
            "127.0.0.1",
            self.port,
            24,
            10**9,
            cert_file=cert,
            key_file=key,
            client_ca_file=str(self.folder / "ca.crt"),
            data=str(self.folder / "loki"),
            grpc_port=grpc,
        )

    def _host_logs(self) -> HostLogs:
        cert, key = self.files["otel-collector.lab"]
        ca = str(self.folder / "ca.crt")
        return HostLogs(
            "host1",
            DOMAIN,
            ORGANIZATIONS,
            CHANNELS,
            Sink(f"https://127.0.0.1:{self.port}/otlp", ca, cert, key),
            Server(self.metrics, cert, key, ca),
            # There is neither a journal nor an engine here.
            places=Places(str(self.containers), "", str(self.queue), ""),
        )

    def _write(self, name: str, config: dict[str, Any]) -> None:
        (self.folder / name).write_text(yaml.safe_dump(config, sort_keys=False))

    def change(self, name: str, how: Callable[[dict[str, Any]], Any]) -> None:
        """Change a file of configuration before its program is started."""
        config = yaml.safe_load((self.folder / name).read_text())
        how(config)
        self._write(name, config)

    def container(self, name: str = "") -> EngineLog:
        """A new container's log."""
        self._count += 1
        return EngineLog(self.containers, self._count, name)

    def check(self) -> list[subprocess.CompletedProcess[str]]:
        """What the programs say of their configuration."""
        config = self.folder / "collector.yml"
        commands = (
            [
                self._program,
                *(("validate", f"--config={config}") if self.is_ours else ("--dry-run", "-c", config)),
            ],
            [self._loki, f"-config.file={self.folder / 'loki.yml'}", "-verify-config"],
        )
        return [subprocess.run(line, capture_output=True, text=True, check=False) for line in commands]

    def start_loki(self, seconds: float = 90, keeper: Sequence[str | Path] = ()) -> None:
        """Start it, and wait until it answers.

        :param keeper: the command line of its parent, where it has one
        """
        self.loki.start(*keeper, self._loki, f"-config.file={self.folder / 'loki.yml'}")

        def ready() -> bool:
            assert self.loki.running, self.loki.log
            try:
                return self.ask("/ready").status_code == 200
            except requests.ConnectionError:
                return False

        eventually(ready, seconds)

    def start_collector(self) -> None:
        config = self.folder / "collector.yml"
        if self.is_ours:
            self.collector.start(self._program, f"--config={config}", f"--feature-gates={FEATURE_GATES}")
        else:
            self.collector.start(self._program, "-c", config)

    def ask(self, path: str, **parameters: Any) -> requests.Response:
        """Ask Loki, by the collector's certificate."""
        return requests.get(
            f"https://127.0.0.1:{self.port}{path}",
            params=parameters,
            cert=self.files["otel-collector.lab"],
            verify=str(self.folder / "ca.crt"),
            timeout=30,
        )

    def send(self, path: str, content: Any = None) -> None:
        """Tell Loki something, by the collector's certificate.

        :param content: what becomes JSON
        """
        answer = requests.post(
            f"https://127.0.0.1:{self.port}{path}",
            json=content,
            cert=self.files["otel-collector.lab"],
            verify=str(self.folder / "ca.crt"),
            timeout=30,
        )
        assert answer.ok, answer.text

    def find(self, query: str) -> list[tuple[dict[str, str], str]]:
        """Labels and text of every line that a query of Loki's finds."""
        now = time.time_ns()
        hours = 3600 * 10**9
        answer = self.ask(
            "/loki/api/v1/query_range",
            query=query,
            limit=5000,
            start=now - 6 * hours,
            end=now + hours,
            direction="forward",
        )
        assert answer.ok, answer.text
        return [
            (stream["stream"], text)
            for stream in answer.json()["data"]["result"]
            for _stamp, text in stream["values"]
        ]

    def await_lines(self, query: str, wanted: Iterable[str], seconds: float = 120) -> Counter[str]:
        """How often each line that a query finds is there, as soon as all wanted ones are.

        :raises AssertionError: when some are missing after ``seconds``
        """
        wanted = set(wanted)
        found: Counter[str] = Counter()

        def all_there() -> bool:
            found.clear()
            found.update(text for _unused, text in self.find(query))
            return wanted <= set(found)

        try:
            eventually(all_there, seconds)
        except AssertionError:
            missing = sorted(wanted - set(found))
            raise AssertionError(
                f"{len(missing)} of {len(wanted)} lines are missing, such as {missing[:3]}\n"
                f"{self.collector.log[-2000:]}\n{self.loki.log[-2000:]}"
            ) from None
        return found

    def end(self) -> None:
        self.collector.end()
        self.loki.end()
