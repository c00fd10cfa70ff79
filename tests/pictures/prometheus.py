"""A real Prometheus on loopback, with the targets, labels and rules that the model makes, which asks a scene."""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.alerts import alert_rules
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.network_page import (
    front_page,
    network_page,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.prometheus import scrape_configs
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.records import recording_rules
from ansible_collections.selvedge.fabric.tests.pictures.scene import Scene
from ansible_collections.selvedge.fabric.tests.pictures.webdriver import eventually

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / ".cache" / "oracle" / "prometheus"
SCRAPE_S = 2
# How long a sample counts; five minutes where it is not given.
LOOKBACK_S = 40
# How far back the scene goes when Prometheus starts: counters, as far as rules look; recorded series, as lines show.
_COUNTERS_S, _RECORDED_S, _STEP_S = 330, 1830, 15
Sample = tuple[dict[str, str], float]


def program(name: str, test: str) -> Path:
    """One of upstream's programs; skips the tests of ``test``, by name, where it was not built."""
    path = PROGRAMS / name
    if not path.is_file():
        pytest.skip(f"{test}: {name} is not built, run `make oracles`")
    return path


@dataclass
class Prometheus:
    """The running server."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    def get(self, path: str, **parameters: str) -> Any:
        answer = requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=10).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str, time: str = "") -> list[Sample]:
        """Labels and value of each series, now or at a moment."""
        moment = {"time": time} if time else {}
        return [
            (item["metric"], float(item["value"][1]))
            for item in self.get("query", query=expression, **moment)["result"]
        ]

    def configure(self, config: dict[str, Any]) -> None:
        """Have it read another configuration."""
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self.process.send_signal(signal.SIGHUP)

    def pause(self, paused: bool) -> None:
        """Stop it in the middle of whatever it does, or let it go on."""
        self.process.send_signal(signal.SIGSTOP if paused else signal.SIGCONT)


def config_of(network: Network, port: int, scrape: str = f"{SCRAPE_S}s") -> dict[str, Any]:
    """The model's own jobs and labels, with one address in the place of all: a scene's."""
    jobs = [*scrape_configs(network)]
    if not any(job["job_name"] == "selvedge-health" for job in jobs):
        health = {"job": "selvedge-health", "instance": "selvedge-health", "node": "selvedge-health"}
        jobs.append(
            {"job_name": "selvedge-health", "static_configs": [{"targets": ["health"], "labels": health}]}
        )
    return {
        "global": {"scrape_interval": scrape, "scrape_timeout": scrape, "evaluation_interval": scrape,
                   "external_labels": {"network": network.name}},
        "rule_files": ["rules.yml"],
        "scrape_configs": [
            {
                "job_name": job["job_name"],
                "honor_labels": job["job_name"] == "selvedge-health",
                "static_configs": [
                    {
                        "targets": [f"127.0.0.1:{port}"],
                        "labels": {
                            **target["labels"],
                            "__metrics_path__": f"/{target['labels']['job']}/{target['labels']['node']}",
                        },
                    }
                    for target in job["static_configs"]
                ],
            }
            for job in jobs
        ],
    }  # fmt: skip


def rules_now() -> dict[str, Any]:
    """The rules as they are, but that an alert fires as soon as it is true: tests have no hours."""
    alerts = alert_rules()
    return {
        "groups": [
            recording_rules(),
            {**alerts, "rules": [{**rule, "for": "0s"} for rule in alerts["rules"]]},
        ]
    }


def history(scene: Scene, config: dict[str, Any], now: float) -> str:
    """The last minutes of the scene, as OpenMetrics: rates are right at once, and lines have a past."""
    text: dict[str, list[str]] = {}
    for job in config["scrape_configs"]:
        for target in job["static_configs"]:
            labels = {name: value for name, value in target["labels"].items() if not name.startswith("__")}
            for at in range(int(now) - _COUNTERS_S, int(now), _STEP_S):
                _collect(
                    text,
                    scene.answer(labels["job"], labels["node"], at) or "",
                    labels,
                    at,
                    bool(job.get("honor_labels")),
                )
    for at in range(int(now) - _RECORDED_S, int(now), _STEP_S):
        wave = 1 + 0.22 * math.sin(at / 190) + 0.08 * math.sin(at / 47)
        for channel in scene.heights:
            text.setdefault("selvedge:transactions:rate5m", []).append(
                f'selvedge:transactions:rate5m{{channel="{channel}"}} {17 * wave!r} {at}'
            )
            text.setdefault("selvedge_commit_probe_duration_seconds", []).append(
                f'selvedge_commit_probe_duration_seconds{{channel="{channel}"}} {0.5 * wave!r} {at}'
            )
    return "".join(
        f"# TYPE {name} unknown\n" + "".join(f"{line}\n" for line in lines) for name, lines in text.items()
    ) + "# EOF\n"  # fmt: skip


def _collect(text: dict[str, list[str]], answer: str, labels: dict[str, str], at: float, honor: bool) -> None:
    """Add a target's answer at a moment, with the labels that Prometheus gives it."""
    for line in answer.splitlines():
        series, value = line.rsplit(" ", 1)
        name, _unused, own = series.partition("{")
        if honor and name == "selvedge_commit_probe_duration_seconds":
            continue
        given = [f'{key}="{word}"' for key, word in labels.items() if not (honor and f'{key}="' in own)]
        parts = [part for part in (own.rstrip("}"), *given) if part]
        text.setdefault(name, []).append(f"{name}{{{','.join(parts)}}} {value} {at}")


@contextmanager
def running(folder: Path, scene: Scene, port: int, test: str) -> Iterator[Prometheus]:
    """A Prometheus that has asked every target once, and serves the network page."""
    server, promtool = program("prometheus", test), program("promtool", test)
    config = config_of(scene.network, port)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (folder / "rules.yml").write_text(yaml.safe_dump(rules_now(), sort_keys=False))
    pages = folder / "consoles"
    pages.mkdir()
    (pages / "network.html").write_text(network_page(scene.network, f"{SCRAPE_S}s"))
    (pages / "index.html").write_text(front_page())
    (folder / "history.txt").write_text(history(scene, config, time.time() - 20))
    subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", "history.txt", "data"],
                   cwd=folder, check=True, capture_output=True)  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = free.getsockname()[1]
    command = [
        str(server), "--config.file=prometheus.yml", "--storage.tsdb.path=data",
        f"--web.listen-address=127.0.0.1:{listen}",
        f"--query.lookback-delta={LOOKBACK_S}s",
        "--web.console.templates=consoles", "--web.console.libraries=consoles",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env={**os.environ, "TMPDIR": str(folder)}
        )
    found = Prometheus(f"http://127.0.0.1:{listen}", folder, process)
    try:
        targets = sum(len(job["static_configs"]) for job in config["scrape_configs"])
        eventually(lambda: _ready(found, targets), 60, "Prometheus has asked every target")
        yield found
    finally:
        found.pause(False)
        process.terminate()
        process.wait(30)


def _ready(found: Prometheus, targets: int) -> bool:
    """Whether each target was asked, and each group of rules evaluated since."""
    assert found.process.poll() is None, (found.folder / "log").read_text()[-3000:]
    try:
        if not requests.get(f"{found.url}/-/ready", timeout=10).ok:
            return False
    except requests.ConnectionError:
        return False
    asked = found.query("count(up)")
    rules = [rule for group in found.get("rules")["groups"] for rule in group["rules"]]
    # Those never evaluated are of the year 1.
    evaluated = bool(rules) and all(rule["lastEvaluation"] > "0002" for rule in rules)
    return evaluated and bool(asked) and asked[0][1] == targets
