"""Logs on their way: real Fabric processes' lines through a real collector into a real Loki.

Fluent Bit has to pass the same tests as the collector, where there is one.

The engine is played by files in its format, with its way of rotating them. The journal and the engine itself are tried
where there are hosts, in the scenario ``monitoring``.
"""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
import requests
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel import (
    apply_channel,
    plan_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.fluent_bit import HEALTH_PORT
from ansible_collections.selvedge.fabric.tests.live.network import running
from ansible_collections.selvedge.fabric.tests.live.pki import Authority
from ansible_collections.selvedge.fabric.tests.live.stores import eventually
from ansible_collections.selvedge.fabric.tests.logs.lab import COLLECTORS, LogLab

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# Fabric's four letters, and what they are called as a label.
LETTERS = {"DEBU": "debug", "INFO": "info", "WARN": "warn", "ERRO": "error", "PANI": "fatal", "FATA": "fatal"}


@pytest.fixture(params=COLLECTORS)
def lab(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LogLab]:
    found = LogLab(tmp_path, request.param)
    try:
        yield found
    finally:
        found.end()


# What has to do with one of them only.
ours = pytest.mark.parametrize("lab", COLLECTORS[:1], indirect=True)
theirs = pytest.mark.parametrize("lab", COLLECTORS[1:], indirect=True)


def marked(first: int, last: int) -> list[str]:
    return [f"2026-11-24 23:00:48,380 INFO marker {number:05d}" for number in range(first, last)]


def test_the_programs_accept_their_configuration(lab: LogLab) -> None:
    for done in lab.check():
        assert done.returncode == 0, done.stdout + done.stderr
    if lab.is_ours:
        reading = "receivers", "file_log/containers", "operators"
        lab.change("collector.yml", lambda config: reduce(getitem, reading, config)[0].update(type="json"))
    else:
        lab.change("collector.yml", lambda config: config["pipeline"]["outputs"][0].update(labells="a=b"))
    (lab.folder / "loki.yml").write_text("limits_config: {retention: 24h}\n")
    for done in lab.check():
        assert done.returncode != 0, done.args


def test_lines_of_every_kind_arrive_with_their_labels(lab: LogLab) -> None:
    lab.start_loki()
    lab.start_collector()
    written = {
        "orderer1.orderer.lab": (
            "\x1b[34m2026-11-24 23:00:54.914 UTC 0016 INFO\x1b[0m [orderer.consensus.etcdraft] \x1b[34;1mStart\x1b[0m "
            "-> Starting Raft node channel=main node=1",
            {"organization": "orderer", "channel": "main", "level": "info", "source": "container"},
        ),
        "peer0.org1.lab": (
            "\x1b[33m2026-11-24 23:17:54.413 UTC 0010 WARN\x1b[0m [gossip.gossip] \x1b[33;1mfunc1\x1b[0m -> "
            "Deep probe for channel second failed",
            {"organization": "org1", "channel": "second", "level": "warn", "source": "container"},
        ),
        "assets.peer0.org1.lab": (
            "2026-11-24 23:00:48,380 ERROR no peer",
            {"organization": "org1", "level": "error", "source": "container"},
        ),
        "ca.org1.lab": (
            "2026/11/24 22:59:50 [INFO] Listening on https://0.0.0.0:7054",
            {"organization": "org1", "level": "info", "source": "container"},
        ),
        "store.lab": (
            '{"time":"2026-11-24T23:10:24Z","type":"response","auth":{"client_token":"hmac-sha256:0f"},'
            '"error":"permission denied"}',
            {"level": "warn", "source": "audit"},
        ),
        "registry.lab": ('time="2026" level=warning msg="x"', {"level": "warn", "source": "container"}),
        "": ("somebody else's container", {"level": "unknown", "source": "container"}),
    }
    for name, (line, labels) in written.items():
        log = lab.container(name)
        log.write(line, "")
        plain = COLOURS.sub("", line)
        lab.await_lines(f'{{node="{log.name}"}}', [plain])
        ((found, _unused),) = lab.find(f'{{node="{log.name}"}}')
        expected = {**labels, "node": log.name, "host": "host1"}
        wrong = {key: found.get(key) for key in ("organization", "channel", *expected)
                 if found.get(key) != expected.get(key)}  # fmt: skip
        assert not wrong, f"{log.name}: {wrong}"
    labels = set(lab.ask("/loki/api/v1/labels").json()["data"])
    assert labels == {"organization", "node", "channel", "level", "host", "source"}


def test_an_event_of_the_engine_belongs_to_its_container(lab: LogLab) -> None:
    lab.start_loki()
    lab.start_collector()
    line = '{"event":"container die","node":"peer0.org1.lab","level":"warn","exit":"137","time":"2026-11-24T23:00:00Z"}'
    lab.container("engine-watch-host1.monitoring.lab").write(line)
    lab.await_lines('{node="peer0.org1.lab", organization="org1", source="engine", level="warn"}', [line])


def test_secrets_do_not_come_along(lab: LogLab) -> None:
    secret = "Kq7-dont-tell-9zW4pLm2"  # noqa: S105 - made up
    key = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTHs7Kq7dont9zW4p"
    lab.start_loki()
    lab.start_collector()
    lab.container("peer0.org1.lab").write(
        f"login with password={secret}",
        f"Authorization: Bearer {secret}",
        f'{{"secret_id":"{secret}"}}',
        f"https://admin:{secret}@ca.org1.lab:7054",
        f"revoked hvs.{secret}{secret}",
        "-----BEGIN PRIVATE KEY-----",
        key,
        "-----END PRIVATE KEY-----",
        "the end",
    )
    found = lab.await_lines('{node="peer0.org1.lab"}', ["the end"])
    assert not [line for line in found if secret in line or key in line]
    assert sum(count for line, count in found.items() if "[redacted]" in line) == 7


def test_what_real_nodes_write_arrives_whole(lab: LogLab, tmp_path: Path) -> None:
    """An orderer and a peer make a channel and a block; line by line their logs are compared with what Loki has."""
    with running(tmp_path / "network", orderers=1, peers={"Org1": 1}) as network:
        definition = ChannelDefinition.from_option("main", network.definition)
        apply_channel(network.topology, plan_channel(network.topology, definition, timeout=60), timeout=120)
        logs = {name: lab.container(name) for name in network.names}
        lab.start_loki()
        lab.start_collector()
        for name, log in logs.items():
            text = (network.root / name / "log").read_text()
            lines = [line for line in text.splitlines() if COLOURS.sub("", line)]
            assert len(lines) > 20
            log.write(*lines)
            plain = Counter(COLOURS.sub("", line) for line in lines)
            lab.await_lines(f'{{node="{name}"}}', [line for line in plain if is_told(line)])
            found = lab.find(f'{{node="{name}"}}')
            assert len(found) == len(lines)
            for labels, line in found:
                assert labels["organization"] == name.split(".")[1]
                if match := re.match(r"\d{4}-\S+ \S+ \S+ [0-9a-f]{4} ([A-Z]{4}) ", line):
                    assert labels["level"] == LETTERS[match[1]], line
                if re.search(r" channel=main( |$)", line):
                    assert labels["channel"] == "main", line
                elif "main" not in line:
                    assert "channel" not in labels, line
            assert any(labels.get("channel") == "main" for labels, _unused in found), name


def is_told(line: str) -> bool:
    """Whether a line goes along word by word: the lines of a certificate look like those of a key."""
    return not re.fullmatch(r"[A-Za-z0-9+/]{40,76}={0,2}", line) and "key" not in line.lower()


def test_nothing_is_lost_when_the_collector_is_ended_and_killed(lab: LogLab) -> None:
    lab.start_loki()
    log = lab.container("peer0.org1.lab")
    for number, how in enumerate((signal.SIGTERM, signal.SIGKILL, signal.SIGTERM)):
        lab.start_collector()
        first = 1000 * number
        log.write(*marked(first, first + 500))
        if number:
            # In the middle of its work.
            lab.await_lines('{node="peer0.org1.lab"}', marked(first, first + 1))
        lab.collector.end(how)
        log.write(*marked(first + 500, first + 1000))
    lab.start_collector()
    found = lab.await_lines('{node="peer0.org1.lab"}', marked(0, 3000))
    twice = sum(count - 1 for count in found.values())
    print(f"{twice} of 3000 lines arrived twice")
    assert set(found) == set(marked(0, 3000))
    assert twice == 0, "Loki takes a line with the same time and text once"


def test_nothing_is_lost_while_the_sink_is_away(lab: LogLab) -> None:
    """And neither when the collector is killed meanwhile, nor what Loki took before it was killed."""
    lab.start_loki()
    lab.start_collector()
    log = lab.container("peer0.org1.lab")
    log.write(*marked(0, 100))
    lab.await_lines('{node="peer0.org1.lab"}', marked(0, 100))
    lab.loki.end(signal.SIGKILL)
    log.write(*marked(100, 200))
    # They were read, and wait on the disk.
    eventually(
        lambda: any(b"marker 00199" in path.read_bytes() for path in lab.queue.rglob("*") if path.is_file()),
        60,
    )
    lab.collector.end(signal.SIGKILL)
    log.write(*marked(200, 300))
    lab.start_collector()
    log.write(*marked(300, 400))
    lab.start_loki()
    found = lab.await_lines('{node="peer0.org1.lab"}', marked(0, 400))
    print(f"{sum(found.values()) - 400} of 400 lines arrived twice")
    assert sum(found.values()) == 400


def test_nothing_is_lost_when_files_turn_over_meanwhile(lab: LogLab) -> None:
    lab.start_loki()
    lab.start_collector()
    log = lab.container("peer0.org1.lab")
    log.write(*marked(0, 50))
    lab.await_lines('{node="peer0.org1.lab"}', marked(0, 50))
    lab.collector.end()
    for number in (1, 2):
        log.write(*marked(50 * number, 50 * number + 50))
        log.rotate()
    log.write(*marked(150, 200))
    lab.start_collector()
    found = lab.await_lines('{node="peer0.org1.lab"}', marked(0, 200))
    assert sum(found.values()) == 200
    log.rotate()
    log.write(*marked(200, 250))
    assert sum(lab.await_lines('{node="peer0.org1.lab"}', marked(0, 250)).values()) == 250


@ours
def test_strangers_are_refused(lab: LogLab) -> None:
    lab.start_loki()
    for certificate in (None, _stranger(lab)):
        with pytest.raises((requests.exceptions.SSLError, requests.ConnectionError)):
            requests.get(
                f"https://127.0.0.1:{lab.port}/loki/api/v1/labels",
                cert=certificate,
                verify=str(lab.folder / "ca.crt"),
                timeout=30,
            )
    assert lab.ask("/loki/api/v1/labels").ok


def _stranger(lab: LogLab) -> tuple[str, str]:
    """A certificate for the collector's name by another CA of the same name."""
    cert, key = Authority("tlsca.org1.lab").issue("otel-collector.lab", tls=True)
    (lab.folder / "stranger.crt").write_text(cert)
    (lab.folder / "stranger.key").write_text(key)
    return str(lab.folder / "stranger.crt"), str(lab.folder / "stranger.key")


@ours
def test_prometheus_finds_the_hosts_metrics(lab: LogLab) -> None:
    lab.start_collector()

    def scraped() -> str:
        try:
            answer = requests.get(
                f"https://{lab.metrics}/metrics",
                cert=lab.files["loki.lab"],
                verify=str(lab.folder / "ca.crt"),
                timeout=10,
            )
        except requests.ConnectionError:
            return ""
        return answer.text if "system_memory_usage_bytes" in answer.text else ""

    text = eventually(scraped, 90)
    assert "system_cpu_load_average_1m" in text


@theirs
def test_fluent_bit_is_well_by_its_healthcheck(lab: LogLab) -> None:
    lab.start_collector()

    def answers() -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{HEALTH_PORT}/", timeout=10).ok
        except requests.ConnectionError:
            return False

    eventually(answers, 60)


@theirs
def test_fluent_bit_sends_only_to_whom_the_certificate_names(lab: LogLab) -> None:
    """Everybody of the same CA has a certificate; only the sink's has the sink's address."""
    lab.change("loki.yml", lambda config: config["server"].update(http_listen_address="0.0.0.0"))  # noqa: S104
    # An address of this machine too, of which the certificate says nothing.
    lab.change("collector.yml", lambda config: config["pipeline"]["outputs"][0].update(host="127.0.0.2"))
    lab.start_loki()
    lab.start_collector()
    lab.container("peer0.org1.lab").write(*marked(0, 1))
    eventually(lambda: "certificate verify failed" in lab.collector.log, 60)
    assert not lab.find('{host="host1"}')


@theirs
def test_what_fluent_bit_keeps_on_disk_is_bounded(lab: LogLab) -> None:
    """The sink is away for long: the oldest lines go, the newest are kept, and the bound holds."""
    limit = {"storage.total_limit_size": "4M"}
    lab.change("collector.yml", lambda config: config["pipeline"]["outputs"][0].update(limit))
    lab.start_collector()
    log = lab.container("peer0.org1.lab")
    most = 0
    for number in range(24):
        log.write(
            *(
                f"2026-11-24 23:00:48,380 INFO marker {number:02d} {line:04d} {'x' * 900}"
                for line in range(500)
            )
        )
        log.rotate()
        time.sleep(1.5)
        most = max(
            most, sum(path.stat().st_size for path in (lab.queue / "queue").rglob("*") if path.is_file())
        )
    assert 2_000_000 < most < 7_000_000, most
    assert lab.collector.running
    lab.start_loki()
    newest = [f"2026-11-24 23:00:48,380 INFO marker 23 {line:04d} {'x' * 900}" for line in range(500)]
    lab.await_lines('{node="peer0.org1.lab"} |= "marker 23"', newest)
    print(f"at most {most} bytes on disk")
