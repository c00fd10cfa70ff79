"""What a network with logs runs, and what its collectors and its Loki are told."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model import view
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.preflight_view import preflight_view
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.log_collector import (
    HostLogs,
    Places,
    Server,
    Sink,
    collector_config,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.loki import Loki, loki_config
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.prometheus import scrape_configs
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    SINK,
    all_services,
    fluent_model,
    logged_model,
    sample,
    views,
)

COLLECTOR = "/etc/selvedge/monitoring/otel-collector/collector.yml"
LOKI = "/etc/selvedge/monitoring/loki/loki.yml"


def files(network: Network, host: str) -> dict[str, str]:
    return {file["path"]: file["content"] for file in views(network)[host]["files"]}


def collector(network: Network, host: str = "host1") -> dict[str, Any]:
    return yaml.safe_load(files(network, host)[COLLECTOR])


def with_sink() -> Network:
    return load(logged_model(sink=dict(SINK)), LAB_HOSTS)


def test_every_host_has_a_collector_and_one_has_loki() -> None:
    network = sample("logged")
    assert [item.host.name for item in network.monitoring_of("otel-collector")] == ["host1", "host2", "host3"]
    assert [item.host.name for item in network.monitoring_of("loki")] == ["host3"]
    for host, item in views(network).items():
        services = item["stacks"]["monitoring"]["services"]
        assert {
            f"otel-collector-{host}.monitoring.lab.example",
            f"engine-watch-{host}.monitoring.lab.example",
        } <= set(services)


def test_without_the_key_there_is_none_of_it() -> None:
    network = sample("monitored")
    assert not network.monitoring_of("otel-collector")
    assert not network.monitoring_of("loki")
    # A rule names the job, which then is nobody's.
    assert "otel-collector-" not in str(views(network))


def test_logs_change_nothing_of_the_other_services_but_prometheus() -> None:
    before, after = all_services(sample("monitored")), all_services(sample("logged"))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"prometheus.monitoring.lab.example"}


def test_logs_go_to_our_own_loki_by_mutual_tls() -> None:
    exporter = collector(sample("logged"))["exporters"]["otlp_http"]
    assert exporter["endpoint"] == "https://172.30.10.13:3100/otlp"
    assert set(exporter["tls"]) >= {"ca_file", "cert_file", "key_file"}
    assert "auth" not in exporter
    tls = yaml.safe_load(files(sample("logged"), "host3")[LOKI])["server"]["http_tls_config"]
    assert tls["client_auth_type"] == "RequireAndVerifyClientCert"


def test_logs_go_to_somebody_elses_sink_by_a_token_from_the_store() -> None:
    network = with_sink()
    assert not network.monitoring_of("loki")
    config = collector(network)
    assert config["exporters"]["otlp_http"]["endpoint"] == SINK["url"]
    assert config["exporters"]["otlp_http"]["auth"] == {"authenticator": "bearertokenauth"}
    assert config["extensions"]["bearertokenauth"] == {"filename": "/run/secrets/sink/token"}
    assert "bearertokenauth" in config["service"]["extensions"]
    agent = files(network, "host1")["/etc/selvedge/agent/agent.json"]
    assert "otel-collector-host1.monitoring.lab.example/sink/token" in agent
    hosts = view.controller_view(network, "/state")["store_config"]["hosts"]
    assert all(SINK["secret"] in host["paths"] for host in hosts)
    assert not any(
        SINK["secret"] in host["paths"]
        for host in view.controller_view(sample("logged"), "/state")["store_config"]["hosts"]
    )


def test_what_is_read_is_on_disk_before_it_counts_as_read() -> None:
    config = collector(sample("logged"))
    for name in ("file_log/containers", "journald"):
        assert config["receivers"][name]["storage"] == "file_storage"
        assert config["receivers"][name]["retry_on_failure"] == {"enabled": True, "max_elapsed_time": "0s"}
        assert config["receivers"][name]["start_at"] == "beginning"
    exporter = config["exporters"]["otlp_http"]
    assert exporter["sending_queue"]["storage"] == "file_storage"
    assert exporter["sending_queue"]["block_on_overflow"] is True
    assert exporter["retry_on_failure"]["max_elapsed_time"] == "0s"
    command = all_services(sample("logged"))["otel-collector-host1.monitoring.lab.example"]["command"]
    assert "--feature-gates=stanza.synchronousLogEmitter" in command


@pytest.mark.parametrize(("size", "expected"), [("256MB", 256_000_000), ("2GB", 2_000_000_000)])
def test_what_waits_is_bounded(size: str, expected: int) -> None:
    network = load(logged_model(queue_size=size), LAB_HOSTS)
    assert collector(network)["exporters"]["otlp_http"]["sending_queue"]["queue_size"] == expected


def test_what_loki_keeps_is_bounded_in_time_and_old_lines_are_taken() -> None:
    network = load(logged_model(retention_days=30), LAB_HOSTS)
    config = yaml.safe_load(files(network, "host3")[LOKI])
    limits = config["limits_config"]
    assert limits["retention_period"] == "720h"
    assert config["compactor"]["retention_enabled"] is True
    assert limits["reject_old_samples"] is False
    assert config["ingester"]["wal"]["enabled"] is True
    # What waits in memory has to be asked for as well.
    hours = [
        int(config[part][key][:-1])
        for part, key in (("ingester", "max_chunk_age"), ("querier", "query_ingesters_within"))
    ]
    assert hours[0] < hours[1]


@pytest.mark.parametrize(
    ("size", "size_bytes", "rate", "burst"),
    # A 16th in half an hour, a 32nd at once.
    [("1GB", 10**9, 0.0331, 29.8023), ("10GB", 10**10, 0.3311, 298.0232), ("2TB", 2 * 10**12, 8.0, 512.0)],
)
def test_what_loki_keeps_is_bounded_on_disk(size: str, size_bytes: int, rate: float, burst: float) -> None:
    network = load(logged_model(retention_size=size, retention_days=30), LAB_HOSTS)
    service = all_services(network)["loki.monitoring.lab.example"]
    assert service["entrypoint"] == ["/usr/local/bin/loki-keeper"]
    keeper, loki = (service["command"][: service["command"].index("--")],
                    service["command"][service["command"].index("--") + 1 :])  # fmt: skip
    told = dict(zip(keeper[::2], keeper[1::2], strict=True))
    assert told["-size"] == str(size_bytes)
    assert told["-period"] == "720h"
    assert loki == ["/usr/local/bin/loki", "-config.file=/etc/loki/loki.yml"]
    config = yaml.safe_load(files(network, "host3")[LOKI])
    # What one writes the other reads, in the folder that outlives the container.
    assert config["runtime_config"]["file"] == told["-limits"] == "/var/lib/loki/limits.yml"
    assert told["-data"] in [mount["target"] for mount in service["volumes"] if not mount.get("read_only")]
    limits = config["limits_config"]
    assert (limits["ingestion_rate_mb"], limits["ingestion_burst_size_mb"]) == (rate, burst)


def test_what_comes_while_loki_deletes_fits_beside_what_it_has() -> None:
    """In the worst case: nothing of it can be compressed, and the write-ahead log has it, too."""
    config = loki_config(Loki("127.0.0.1", 3100, 24, 10**10), ["node"])
    limits, compactor = config["limits_config"], config["compactor"]
    minutes = {key: int(compactor[key][:-1]) for key in ("compaction_interval", "retention_delete_delay")}
    # The keeper's look, retention, which waits half as long again, and the look for chunks to delete.
    deleted = 5 + 1.5 * minutes["compaction_interval"] + minutes["retention_delete_delay"] + 1
    assert deleted < 30
    burst, rate = limits["ingestion_burst_size_mb"] * 2**20, limits["ingestion_rate_mb"] * 2**20
    chunks, log = burst + rate * 60 * 30, burst + rate * 60 * 10
    assert chunks + log < 10**10 / 4
    # The keeper's least, an hour.
    assert burst + rate * 3600 < 10**10 / 4
    # Whoever looks hears of what is gone before it is gone: every five minutes, by Loki's default.
    assert minutes["retention_delete_delay"] >= 2 * 5


@pytest.mark.parametrize("size", ["500MB", "10", "0GB", "10 GB"])
def test_a_size_that_is_none_or_too_small_is_refused(size: str) -> None:
    with pytest.raises(Exception, match=r"monitoring\.logs\.retention_size.*such as 10GB"):
        load(logged_model(retention_size=size), LAB_HOSTS)


def test_a_new_channel_changes_who_reads_it_alone() -> None:
    model = logged_model()
    model["channels"].append({"name": "second", "organizations": ["org1", "org2"]})
    before, after = all_services(sample("logged")), all_services(load(model, LAB_HOSTS))
    changed = {name.partition(".")[0] for name in before if before[name] != after[name]}
    collectors = {"otel-collector-host1", "otel-collector-host2", "otel-collector-host3"}
    assert changed == {*collectors, "health-exporter"}


def test_dollars_are_not_for_filling_in() -> None:
    """In the collector's configuration ``$$`` is a dollar, and ``${x}`` is asked of the environment."""
    text = files(sample("logged"), "host1")[COLLECTOR]
    assert "$" in text
    assert "$" not in text.replace("$$", "")


def test_only_the_guard_has_the_engines_socket() -> None:
    services = all_services(sample("logged"))
    having = {
        name.partition("-host")[0]
        for name, service in services.items()
        if any(mount["source"].endswith("docker.sock") for mount in service["volumes"])
    }
    assert having == {"engine-watch"}
    guard = services["engine-watch-host1.monitoring.lab.example"]
    collecting = services["otel-collector-host1.monitoring.lab.example"]
    assert guard["image"] == collecting["image"]
    shared = {mount["source"] for mount in guard["volumes"]} & {
        mount["source"] for mount in collecting["volumes"]
    }
    assert shared == {"/var/lib/selvedge/engine-watch-host1.monitoring.lab.example"}
    owned = {
        item["path"]: item["owner"]
        for item in views(sample("logged"))["host1"]["directories"]
        if "owner" in item and ".monitoring." in item["path"]
    }
    assert owned == {
        "/var/lib/selvedge/otel-collector-host1.monitoring.lab.example": 0,
        "/var/lib/selvedge/engine-watch-host1.monitoring.lab.example": 0,
    }


def test_prometheus_asks_collectors_and_loki() -> None:
    jobs = {job["job_name"]: job["static_configs"] for job in scrape_configs(sample("logged"))}
    assert [item["targets"] for item in jobs["otel-collector"]] == [
        ["172.30.10.11:8889"],
        ["172.30.10.12:8889"],
        ["172.30.10.13:8889"],
    ]
    assert [item["targets"] for item in jobs["loki"]] == [["172.30.10.13:3100"]]
    assert not {"otel-collector", "loki"} & {job["job_name"] for job in scrape_configs(sample("monitored"))}


def test_preflight_tries_the_way_to_loki() -> None:
    neighbours = {
        item["host"]: item["ports"] for item in preflight_view(sample("logged"), "host1")["neighbours"]
    }
    assert {"port": 3100, "service": "loki.monitoring.lab.example"} in neighbours["host3"]
    before = preflight_view(sample("monitored"), "host1")["neighbours"]
    assert not any(port["port"] == 3100 for item in before for port in item["ports"])


def test_what_is_not_there_is_left_out() -> None:
    logs = HostLogs("h", "lab", ("org1",), (), Sink("http://127.0.0.1:1/otlp"), Server("127.0.0.1:2"),
                    places=Places("", "", "/data", ""))  # fmt: skip
    config = collector_config(logs)
    assert set(config["receivers"]) == {"hostmetrics"}
    assert set(config["service"]["pipelines"]) == {"metrics"}
    assert "tls" not in config["exporters"]["otlp_http"]
    assert "tls" not in config["exporters"]["prometheus"]
    assert "http_tls_config" not in loki_config(Loki("127.0.0.1", 3100, 24, 10**10), ["node"])["server"]


def test_containers_are_measured_whatever_the_engine_speaks() -> None:
    stats = collector(sample("logged"))["receivers"]["docker_stats"]
    assert stats["endpoint"] == "unix:///run/engine/engine.sock"
    # None given means that it is agreed on; the receiver's own default is refused by an engine of Debian 12.
    assert stats["api_version"] == ""


FLUENT = "fluent-bit-host1.monitoring.lab.example"


def test_fluent_bit_stands_in_the_collectors_place() -> None:
    network = sample("fluent")
    assert [item.host.name for item in network.monitoring_of("fluent-bit")] == ["host1", "host2", "host3"]
    assert "otel-collector-" not in str(views(network))
    services = all_services(network)
    found, guard = services[FLUENT], services["engine-watch-host1.monitoring.lab.example"]
    assert found["image"] == guard["image"]
    assert "/fluent-bit@sha256:" in found["image"]
    assert (found["user"], found["ports"]) == ("0:0", [])
    assert found["command"] == ["-c", "/etc/fluent-bit/fluent-bit.yml"]
    assert found["healthcheck"]["test"] == ["CMD", "/usr/local/bin/healthcheck", "http://127.0.0.1:2020/"]
    mounts = {mount["target"]: (mount["source"], mount.get("read_only", False)) for mount in found["volumes"]}
    assert mounts["/var/lib/fluent-bit"] == (f"/var/lib/selvedge/{FLUENT}", False)
    assert mounts["/var/lib/docker/containers"] == ("/var/lib/docker/containers", True)
    assert mounts["/host/log"] == ("/var/log", True)
    assert f"/var/lib/selvedge/{FLUENT}" in {item["path"] for item in views(network)["host1"]["directories"]}
    # The guard counts starts here as well.
    assert "/textfiles/engine.prom" in guard["command"]


def test_fluent_bit_is_told_of_our_own_loki_and_of_what_is_mounted() -> None:
    network = sample("fluent")
    folder = "/etc/selvedge/monitoring/fluent-bit"
    config = yaml.safe_load(files(network, "host1")[f"{folder}/fluent-bit.yml"])
    (output,) = config["pipeline"]["outputs"]
    assert (output["host"], output["port"]) == ("172.30.10.13", 3100)
    assert output["tls.key_file"] == "/run/secrets/tls/server.key"
    assert [item["db"].rpartition("/")[0] for item in config["pipeline"]["inputs"]] == [
        "/var/lib/fluent-bit"
    ] * 2
    assert config["pipeline"]["inputs"][1]["path"] == "/host/log/journal"
    assert config["service"]["storage.path"] == "/var/lib/fluent-bit/queue"
    assert "@HOST@" not in files(network, "host1")[f"{folder}/lines.lua"]


def test_nobody_asks_fluent_bit_and_it_reaches_loki() -> None:
    network = sample("fluent")
    jobs = {job["job_name"] for job in scrape_configs(network)}
    assert "loki" in jobs
    assert not {"otel-collector", "fluent-bit"} & jobs
    seen = preflight_view(network, "host1")
    neighbours = {item["host"]: item["ports"] for item in seen["neighbours"]}
    assert {"port": 3100, "service": "loki.monitoring.lab.example"} in neighbours["host3"]
    assert not any("fluent-bit" in item["service"] for item in seen["ports"])


def test_a_new_line_of_the_script_restarts_fluent_bit() -> None:
    model = fluent_model()
    model["channels"].append({"name": "second", "organizations": ["org1", "org2"]})
    before, after = all_services(sample("fluent")), all_services(load(model, LAB_HOSTS))
    assert before[FLUENT]["labels"] != after[FLUENT]["labels"]
