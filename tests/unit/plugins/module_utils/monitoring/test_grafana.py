"""Grafana as a service: what it is told, what it may read, and that a network without it has nothing of it."""

from __future__ import annotations

import configparser
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model import view
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import MONITORING
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import GRAFANA
from ansible_collections.selvedge.fabric.plugins.module_utils.model.preflight_view import preflight_view
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import (
    folder_of,
    templates,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.view import required_images
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring import dashboards
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.files import config_files
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.grafana import LOGS_SOURCE
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.prometheus import scrape_configs
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.web import web_config
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    CA_CERT,
    GRAFANA_IMAGE,
    LAB_HOSTS,
    SINK,
    all_services,
    logged_model,
    pictured_model,
    sample,
    views,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.oracles import accepted

NAME = "grafana.monitoring.lab.example"
PROMETHEUS = "prometheus.monitoring.lab.example"


def pictured(**grafana: Any) -> Network:
    return load(pictured_model(**grafana), LAB_HOSTS)


def told(network: Network) -> dict[str, str]:
    """Name in Grafana's folder to content."""
    (service,) = network.monitoring_of(GRAFANA)
    return config_files(network, service, CA_CERT)


def settings(network: Network) -> configparser.ConfigParser:
    # Grafana's own reader knows %(name)s as well.
    parser = configparser.ConfigParser(strict=True)
    parser.read_string(told(network)["grafana.ini"])
    return parser


def sources(network: Network) -> dict[str, dict[str, Any]]:
    found = yaml.safe_load(told(network)["provisioning/datasources/selvedge.yml"])
    assert (found["apiVersion"], found["prune"]) == (1, True)
    return {item["uid"]: item for item in found["datasources"]}


def test_without_its_key_nothing_of_it_is_anywhere() -> None:
    network = sample("logged")
    controller = view.controller_view(network, "/state")
    assert controller["generated_secrets"] == []
    text = json.dumps([views(network), controller, required_images(network)])
    # Two of Loki's own files and of the page speak of grafana.com's programs; a service, a folder, a target do not.
    assert NAME not in text and f"{MONITORING}/grafana" not in text and "users/grafana" not in text
    assert "docker.io/grafana/grafana" not in text


def test_with_it_nobody_else_changes_but_prometheus() -> None:
    before, after = all_services(sample("logged")), all_services(pictured())
    assert set(after) - set(before) == {NAME}
    assert {name for name in before if before[name] != after[name]} == {PROMETHEUS}
    # And of Prometheus only that it is configured otherwise.
    for item in (before[PROMETHEUS], after[PROMETHEUS]):
        del item["labels"]
    assert before[PROMETHEUS] == after[PROMETHEUS]
    for host in ("host1", "host2"):
        assert views(sample("logged"))[host]["stacks"] == views(pictured())[host]["stacks"]


def test_it_comes_from_upstream_by_digest_whatever_the_source_of_the_others() -> None:
    (image,) = [item for item in required_images(pictured()) if item["name"] == GRAFANA]
    assert image == {"name": "grafana", "version": "c0ffeec0ffee", "upstream": GRAFANA_IMAGE}
    assert not [item for item in required_images(pictured()) if "upstream" in item and item != image]
    # Hosts ask our registry, by the digest that is locked.
    reference = all_services(pictured())[NAME]["image"]
    assert reference.startswith("172.30.10.11:5000/selvedge/grafana@sha256:")
    # Another digest is another version, which the lock does not have yet.
    other = required_images(pictured(image=f"docker.io/grafana/grafana@sha256:{'d' * 64}"))
    assert other[-1]["version"] == "d" * 12


def test_it_runs_in_the_same_hard_shell() -> None:
    item = all_services(pictured(memory="700m", pids=99, port=3033))[NAME]
    assert (item["user"], item["read_only"], item["cap_drop"]) == ("10001:10001", True, ["ALL"])
    assert (item["mem_limit"], item["pids_limit"], item["ports"]) == ("700m", 99, ["3033:3033"])
    assert "environment" not in item
    mounts = {mount["target"]: mount for mount in item["volumes"]}
    assert mounts["/var/lib/grafana"]["source"] == f"/var/lib/selvedge/{NAME}"
    assert [name for name, mount in mounts.items() if not mount.get("read_only")] == ["/var/lib/grafana"]
    directories = {found["path"]: found for found in views(pictured())["host3"]["directories"]}
    assert directories[f"/var/lib/selvedge/{NAME}"]["owner"] == 10001
    # It lets browsers in without a certificate, so its healthcheck needs none.
    assert "https://127.0.0.1:3033/api/health" in item["healthcheck"]["test"]
    assert "-cert" not in item["healthcheck"]["test"]


def test_its_settings_are_what_a_server_with_logins_needs() -> None:
    found = settings(pictured(port=3033))
    server = found["server"]
    assert (server["protocol"], server["http_port"], server["domain"]) == ("https", "3033", "127.0.10.3")
    assert (server["cert_file"], server["cert_key"]) == (
        "/run/secrets/tls/server.crt",
        "/run/secrets/tls/server.key",
    )
    off = [
        ("auth.anonymous", "enabled"),
        ("users", "allow_sign_up"),
        ("analytics", "reporting_enabled"),
        ("analytics", "check_for_updates"),
        ("analytics", "check_for_plugin_updates"),
        ("news", "news_feed_enabled"),
        ("snapshots", "external_enabled"),
        ("plugins", "plugin_admin_enabled"),
    ]
    on = [("security", "disable_gravatar"), ("security", "cookie_secure"), ("plugins", "preinstall_disabled")]
    assert [found.getboolean(*place) for place in off] == [False] * len(off)
    assert [found.getboolean(*place) for place in on] == [True] * len(on)
    # The first page is one that is written.
    home = found["dashboards"]["default_home_dashboard_path"]
    assert home.removeprefix("/etc/grafana/") in told(pictured())


def test_every_secret_is_read_from_a_file_that_is_rendered() -> None:
    network = pictured()
    (service,) = network.monitoring_of(GRAFANA)
    text = "".join(told(network).values())
    named = {part.partition("}")[0] for part in text.split("$__file{")[1:]}
    server = settings(network)["server"]
    named |= {server["cert_file"], server["cert_key"]}
    rendered = {
        item["dest"].replace(folder_of(service), "/run/secrets"): item
        for item in templates(network, service, {})
    }
    assert named == set(rendered) - {"/run/secrets/revision"}
    assert {(item["perms"], item["user"]) for item in rendered.values()} == {("0400", "10001")}
    secret = settings(network)["security"]
    for key in ("admin_password", "secret_key"):
        assert secret[key] == f"$__file{{/run/secrets/grafana/{key}}}"


def test_what_is_generated_is_what_is_rendered() -> None:
    network = pictured()
    (made,) = view.controller_view(network, "/state")["generated_secrets"]
    assert made["path"] == "org1/users/grafana"
    (service,) = network.monitoring_of(GRAFANA)
    wanted = {
        item["dest"].rpartition("/")[2]
        for item in templates(network, service, {})
        if "org1/data/users/grafana" in item["contents"]
    }
    assert set(made["fields"]) == wanted
    layout = view.controller_view(network, "/state")["store_config"]
    readers = [item["name"] for item in layout["hosts"] if made["path"] in item["paths"]]
    assert readers == ["host3"]


def test_its_sources_are_those_that_dashboards_use() -> None:
    found = sources(pictured())
    assert set(found) == {dashboards.SOURCE, LOGS_SOURCE}
    source = found[dashboards.SOURCE]
    assert (source["type"], source["url"], source["isDefault"]) == (
        "prometheus",
        "https://172.30.10.13:9090",
        True,
    )
    assert source["jsonData"]["serverName"] == PROMETHEUS
    logs = found[LOGS_SOURCE]
    assert (logs["type"], logs["url"], logs["isDefault"]) == ("loki", "https://172.30.10.13:3100", False)
    used = {
        panel["datasource"]["uid"]
        for name, text in told(pictured()).items()
        if name.startswith("dashboards/")
        for panel in json.loads(text)["panels"]
        if "datasource" in panel
    }
    assert used == {dashboards.SOURCE}
    provider = yaml.safe_load(told(pictured())["provisioning/dashboards/selvedge.yml"])["providers"][0]
    assert (provider["options"]["path"], provider["folder"]) == ("/etc/grafana/dashboards", "lab")


@pytest.mark.parametrize("logs", [None, {"sink": SINK}])
def test_without_a_loki_of_ours_there_is_one_source(logs: Any) -> None:
    model = pictured_model()
    model["monitoring"]["logs"] = logs
    assert set(sources(load(model, LAB_HOSTS))) == {dashboards.SOURCE}


def test_it_asks_as_itself_and_prometheus_alone_lets_it_in() -> None:
    """Not as the monitoring's client, which every node lets in."""
    network = pictured()
    for source in sources(network).values():
        assert source["secureJsonData"]["tlsClientKey"] == "$__file{/run/secrets/tls/server.key}"
    (service,) = network.monitoring_of(GRAFANA)
    assert not [item for item in templates(network, service, {}) if "monitor." in item["contents"]]
    let_in = {
        item.kind: NAME in web_config(network, item)["tls_server_config"]["client_allowed_sans"]
        for item in network.monitoring
    }
    assert [kind for kind, allowed in let_in.items() if allowed and kind != GRAFANA] == ["prometheus"]
    (identity,) = [
        item for item in view.controller_view(network, "/state")["identities"] if item["name"] == NAME
    ]
    assert identity["kind"] == "client"
    assert {NAME, "127.0.10.3", "172.30.10.13", "127.0.0.1"} == set(identity["hosts"])


def test_prometheus_asks_it_by_a_password_and_its_certificate_is_watched() -> None:
    network = pictured()
    (job,) = [item for item in scrape_configs(network) if item["job_name"] == GRAFANA]
    assert job["basic_auth"] == {
        "username": settings(network)["metrics"]["basic_auth_username"],
        "password_file": "/run/secrets/grafana/metrics_password",
    }
    assert job["static_configs"][0]["targets"] == ["172.30.10.13:3000"]
    (prometheus,) = network.monitoring_of("prometheus")
    rendered = [item["dest"] for item in templates(network, prometheus, {})]
    assert f"{folder_of(prometheus)}/grafana/metrics_password" in rendered
    # It is shown that password alone.
    assert not [path for path in rendered if path.endswith(("admin_password", "secret_key"))]
    (watched,) = [item for item in scrape_configs(network) if item["job_name"] == "certificate"]
    assert NAME in [static["labels"]["node"] for static in watched["static_configs"]]


def test_promtool_accepts_what_prometheus_is_told(tmp_path: Path) -> None:
    network = pictured()
    (service,) = network.monitoring_of("prometheus")
    for file, text in config_files(network, service, CA_CERT).items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text.replace("/etc/prometheus", str(tmp_path)))
    accepted("prometheus/promtool", "check", "config", "--syntax-only", tmp_path / "prometheus.yml")


def test_a_new_dashboard_restarts_nothing_and_another_setting_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def label(network: Network) -> str:
        text: str = all_services(network)[NAME]["labels"]["selvedge.config"]
        return text

    before = label(pictured())
    assert label(pictured(port=3033)) != before
    monkeypatch.setattr(dashboards, "_GRAPH", 9)
    assert '"h": 9' in told(pictured())["dashboards/network.json"]
    assert label(pictured()) == before


def test_preflight_knows_its_port() -> None:
    expected = preflight_view(pictured(), "host3")
    assert {"port": 3000, "service": NAME, "key": "monitoring.grafana.port"} in expected["ports"]
    assert expected["limits"][NAME] == 512 * 2**20


def test_the_sample_is_the_logged_one_and_grafana() -> None:
    model = pictured_model()
    del model["monitoring"]["grafana"]
    assert model == logged_model()
