"""A CouchDB beside every peer: where it is, who reaches it, and that a network without it has nothing of it."""

from __future__ import annotations

import configparser
import json
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model import view
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import COUCHDB_CONFIG
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import COUCHDB
from ansible_collections.selvedge.fabric.plugins.module_utils.model.preflight_view import preflight_view
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import (
    folder_of,
    templates,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.prometheus import scrape_configs
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    COUCHDB_IMAGE,
    LAB_HOSTS,
    all_services,
    couched_model,
    sample,
    views,
)

PEER = "peer0.org1.lab.example"
NAME = f"{COUCHDB}.{PEER}"


def couched(**couchdb: Any) -> Network:
    return load(couched_model(**couchdb), LAB_HOSTS)


def ini(host: str = "host1") -> configparser.ConfigParser:
    found = {item["path"]: item["content"] for item in views(couched())[host]["files"]}
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.read_string(found[f"{COUCHDB_CONFIG}/selvedge.ini"])
    return parser


def test_without_its_key_nothing_of_it_is_anywhere() -> None:
    network = sample("logged")
    controller = view.controller_view(network, "/state")
    text = json.dumps([views(network), controller, view.required_images(network)]).lower()
    # The rules know the job's name whether there is one or not.
    assert text.replace("peer|ca|couchdb|store", "").count("couchdb") == 0


def test_with_it_the_peers_change_and_who_watches_and_nobody_else() -> None:
    before, after = all_services(sample("logged")), all_services(couched())
    peers = {peer.name for peer in couched().peers}
    assert set(after) - set(before) == {f"{COUCHDB}.{name}" for name in peers}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {*peers, "prometheus.monitoring.lab.example"}


def test_every_peer_has_one_beside_it() -> None:
    for name in ("couched", "wide-couched"):
        network = sample(name)
        assert [item.name for item in network.state_databases] == [
            f"couchdb.{item.name}" for item in network.peers
        ]
        assert [item.host for item in network.state_databases] == [item.host for item in network.peers]


def test_a_peer_is_told_where_it_is_and_reads_the_password_from_a_file() -> None:
    network = couched()
    peer = all_services(network)[PEER]
    told = {key: value for key, value in peer["environment"].items() if key.startswith("CORE_LEDGER_STATE_")}
    assert told == {
        "CORE_LEDGER_STATE_STATEDATABASE": "CouchDB",
        "CORE_LEDGER_STATE_COUCHDBCONFIG_COUCHDBADDRESS": f"{NAME}:5984",
        "CORE_LEDGER_STATE_COUCHDBCONFIG_USERNAME": "selvedge",
    }
    # At `info` it would write the password to its log.
    assert peer["environment"]["FABRIC_LOGGING_SPEC"] == "info:nodeCmd=warning"
    assert peer["entrypoint"] == ["/usr/local/bin/secret-env"]
    variable, _unused, file = peer["command"][0].partition("=")
    assert variable == "CORE_LEDGER_STATE_COUCHDBCONFIG_PASSWORD"
    assert peer["command"][1:] == ["--", "/usr/local/bin/peer", "node", "start"]
    service = next(item for item in network.peers if item.name == PEER)
    assert file.replace("/run/secrets", folder_of(service)) in {
        item["dest"] for item in templates(network, service, {})
    }


def test_each_has_a_password_of_its_own_that_its_host_alone_may_read() -> None:
    network = couched()
    controller = view.controller_view(network, "/state")
    made = {item["path"]: item["fields"] for item in controller["generated_secrets"]}
    assert made == {f"{peer.organization}/users/couchdb.{peer.name}": ["password"] for peer in network.peers}
    readers = [
        item["name"] for item in controller["store_config"]["hosts"] if f"org1/users/{NAME}" in item["paths"]
    ]
    assert readers == ["host1"]
    for service in [*network.peers, *network.state_databases]:
        own = "org1/data/users/couchdb." if service.organization == "org1" else "org2/data/users/couchdb."
        asked = [item for item in templates(network, service, {}) if "/data/users/" in item["contents"]]
        peer = service.name.removeprefix("couchdb.")
        assert [item["contents"] for item in asked] == [
            '{{ with secret "' + own + peer + '" }}{{ .Data.data.password }}{{ end }}'
        ]


def test_only_its_metrics_are_seen_from_elsewhere() -> None:
    item = all_services(couched())[NAME]
    assert item["ports"] == ["9446:9446"]
    command = item["command"]
    window = {command[place]: command[place + 1] for place in range(0, command.index("--"), 2)}
    assert window["-listen"] == "0.0.0.0:9446"
    settings = ini()
    port = settings["prometheus"]["port"]
    assert window["-metrics"] == f"http://127.0.0.1:{port}/_node/_local/_prometheus"
    assert settings["prometheus"]["bind_address"] == "127.0.0.1"
    assert settings.getboolean("chttpd", "require_valid_user_except_for_up")
    # Nobody asks where there is no monitoring.
    for name, alone in all_services(sample("wide-couched")).items():
        if name.startswith("couchdb."):
            assert alone["ports"] == [] and "-listen" not in alone["command"]
            assert [word for word in alone["healthcheck"]["test"] if "://" in word] == [
                "http://127.0.0.1:5984/_up"
            ]


def test_it_runs_in_the_same_hard_shell_as_the_user_of_its_image() -> None:
    item = all_services(couched(memory="1500m", pids=99))[NAME]
    assert (item["user"], item["mem_limit"], item["pids_limit"]) == ("5984:5984", "1500m", 99)
    mounts = {mount["target"]: mount for mount in item["volumes"]}
    assert [name for name, mount in mounts.items() if not mount.get("read_only")] == ["/var/lib/couchdb"]
    data = {found["path"]: found for found in views(couched())["host1"]["directories"]}
    assert data[f"/var/lib/selvedge/{NAME}"]["owner"] == 5984
    # What it is told: the image's defaults, ours, and last what lies in memory, which it writes to.
    assert item["environment"]["COUCHDB_INI_FILES"].split() == [
        "/opt/couchdb/etc/default.ini",
        "/etc/couchdb/selvedge.ini",
        item["command"][item["command"].index("-local") + 1],
    ]
    assert "/tmp:mode=1777,size=64m" in item["tmpfs"]


def test_it_comes_from_upstream_by_digest_whatever_the_source_of_the_others() -> None:
    (image,) = [item for item in view.required_images(couched()) if item["name"] == COUCHDB]
    assert image == {"name": "couchdb", "version": "decadedecade", "upstream": COUCHDB_IMAGE}


def test_its_port_is_the_peers_to_say() -> None:
    model = couched_model()
    model["organizations"][1]["peers"][0]["couchdb_port"] = 9999
    network = load(model, LAB_HOSTS)
    found = {item["service"]: item for item in preflight_view(network, "host1")["ports"]}
    assert found[NAME] == {
        "port": 9999,
        "service": NAME,
        "key": "organizations[org1].peers[peer0].couchdb_port",
    }


def test_prometheus_asks_each_by_its_organizations_certificate() -> None:
    found = {
        target["labels"]["node"]: (config["tls_config"]["ca_file"], *target["targets"])
        for config in scrape_configs(couched())
        for target in config["static_configs"]
        if target["labels"]["job"] == COUCHDB
    }
    assert set(found) == {item.name for item in couched().state_databases}
    assert found[NAME] == ("/run/secrets/orgs/org1/ca.crt", "172.30.10.11:9446")
    watched = {
        target["labels"]["node"]
        for config in scrape_configs(couched())
        if config["job_name"] == "certificate"
        for target in config["static_configs"]
    }
    assert NAME in watched
