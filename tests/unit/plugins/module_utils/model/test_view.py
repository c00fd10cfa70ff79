"""What each host and the controller get, and that one edit changes one thing."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model import secrets_layout, units, view
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import ModelError, load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import (
    AGENT,
    CA_CERT,
    CONFIG,
    COUCHDB_CONFIG,
    COUCHDB_UID,
    DATA,
    MONITORING,
    SECRETS,
    TEXTFILES,
    UID,
    VERSION_FILE,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import COLLECTORS
from ansible_collections.selvedge.fabric.plugins.module_utils.version import VERSION
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    CA_CERT as PEM,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    MODELS,
    lab_model,
    lock_of,
    sample,
    views,
)

NAMES = list(MODELS)


def changed_lab(change: Callable[[dict[str, Any]], None]) -> dict[str, dict[str, Any]]:
    """The views of the lab after an edit of its model."""
    model = lab_model()
    change(model)
    return views(load(model, LAB_HOSTS))


def differences(before: Any, after: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """Paths of the leaves that differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        found = {}
        for key in {*before, *after}:
            found |= differences(before.get(key), after.get(key), f"{path}/{key}")
        return found
    return {} if before == after else {path: (before, after)}


def stacks(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Only the Compose definitions: host to stack to service."""
    return {host: item["stacks"] for host, item in found.items()}


def files(found: dict[str, Any]) -> dict[str, str]:
    return {item["path"]: item["content"] for item in found["files"]}


def changed_files(before: dict[str, Any], after: dict[str, Any]) -> set[tuple[str, str]]:
    """(host, path) of the files whose content differs."""
    return {
        (host, path)
        for host in before
        for path in {*files(before[host]), *files(after[host])}
        if files(before[host]).get(path) != files(after[host]).get(path)
    }


@pytest.mark.parametrize("name", NAMES)
def test_views_are_pure(name: str) -> None:
    network = sample(name)
    before = copy.deepcopy(network)
    lock = lock_of(network)
    first = json.dumps([views(network), view.controller_view(network, "/state"), view.lab_hosts(network)])
    second = json.dumps([views(network), view.controller_view(network, "/state"), view.lab_hosts(network)])
    assert first == second
    assert network == before
    assert lock == lock_of(network)
    assert json.dumps(views(sample(name))) == json.dumps(views(network))


@pytest.mark.parametrize("name", NAMES)
def test_the_written_definition_is_the_converged_one(name: str) -> None:
    for host in views(sample(name)).values():
        for stack, project in host["stacks"].items():
            text = files(host)[f"{CONFIG}/stacks/{stack}/compose.yml"]
            assert yaml.safe_load(text) == project
            assert "&id" not in text


def test_the_lab_places_what_its_model_says() -> None:
    found = {
        host: {stack: list(project["services"]) for stack, project in item["stacks"].items()}
        for host, item in views(sample("lab")).items()
    }
    assert found == {
        "host1": {
            "store": ["store"],
            "ca": ["ca.orderers.lab.example"],
            "ledger": [
                "orderer1.orderers.lab.example",
                "peer0.org1.lab.example",
                "assets.peer0.org1.lab.example",
            ],
        },
        "host2": {
            "ca": ["ca.org1.lab.example"],
            "ledger": [
                "orderer2.orderers.lab.example",
                "peer1.org1.lab.example",
                "peer0.org2.lab.example",
                "assets.peer1.org1.lab.example",
                "assets.peer0.org2.lab.example",
            ],
        },
        "host3": {
            "ca": ["ca.org2.lab.example"],
            "ledger": [
                "orderer3.orderers.lab.example",
                "peer1.org2.lab.example",
                "assets.peer1.org2.lab.example",
            ],
        },
    }


def test_a_host_without_services_gets_nothing() -> None:
    spare = views(sample("wide"))["spare"]
    assert (spare["stacks"], spare["directories"], spare["images"], spare["units"]) == ({}, [], [], [])
    assert list(files(spare)) == [VERSION_FILE]
    assert spare["agent"] is False
    assert spare["material"] is None


def test_a_host_with_the_store_only_has_no_agent() -> None:
    model = lab_model()
    model["secrets_store"]["host"] = "extra"
    hosts = {**LAB_HOSTS, "extra": {"reach": "127.0.10.9", "address": "172.30.10.19"}}
    extra = views(load(model, hosts))["extra"]
    assert list(extra["stacks"]) == ["store"]
    assert extra["agent"] is False
    assert extra["units"] == ["selvedge-stack@store.service"]
    assert extra["directories"] == [{"path": f"{DATA}/store", "mode": "0750", "owner": UID}]
    assert not [path for path in files(extra) if path.startswith(AGENT)]


# Folders of those who run as root without any capability, and what of the host they read.
LOOKING = (f"{DATA}/otel-collector-", f"{DATA}/fluent-bit-", f"{DATA}/engine-watch-")
COLLECTED = ("/var/lib/docker/containers", "/var/log")


@pytest.mark.parametrize("name", NAMES)
def test_every_writable_bind_has_its_directory(name: str) -> None:
    for host in views(sample(name)).values():
        sources = {
            mount["source"]
            for project in host["stacks"].values()
            for service in project["services"].values()
            for mount in service["volumes"]
            if not mount.get("read_only")
            # The guard's counts are of the folder that is everybody's on the host.
            and not (service["container_name"].startswith("engine-watch-") and mount["source"] == TEXTFILES)
        }
        own = [item for item in host["directories"] if item["path"] != TEXTFILES]
        assert sources == {item["path"] for item in own}
        assert all(item["mode"] == "0750" for item in own)
        for item in own:
            couchdb = item["path"].startswith(f"{DATA}/couchdb.")
            assert item["owner"] == (
                0 if item["path"].startswith(LOOKING) else COUCHDB_UID if couchdb else UID
            )


@pytest.mark.parametrize("name", NAMES)
def test_every_bind_below_etc_is_a_file_of_the_view(name: str) -> None:
    for host in views(sample(name)).values():
        for project in host["stacks"].values():
            for service in project["services"].values():
                for mount in service["volumes"]:
                    if mount["source"].startswith("/etc"):
                        # The monitoring and CouchDB mount the folder of their files.
                        folders = {
                            path.rpartition("/")[0]
                            for path in files(host)
                            if path.startswith((MONITORING, COUCHDB_CONFIG))
                        }
                        assert mount["source"] in {*files(host), *folders, CA_CERT}
                    elif service["container_name"].startswith(COLLECTORS) and mount["source"] in COLLECTED:
                        assert mount["read_only"] is True
                    elif mount["source"] not in ("/", "/var/run/docker.sock"):
                        assert mount["source"].startswith((f"{SECRETS}/", f"{DATA}/"))


@pytest.mark.parametrize("name", NAMES)
def test_a_host_pulls_what_it_runs_and_the_agent(name: str) -> None:
    network = sample(name)
    for host in views(network).values():
        images = {
            item["image"] for project in host["stacks"].values() for item in project["services"].values()
        }
        if host["agent"]:
            images.add(files(host)[f"{AGENT}/image"].strip())
        assert host["images"] == sorted(images)


def test_editing_a_memory_limit_changes_one_line_of_one_service() -> None:
    before = views(sample("lab"))
    after = changed_lab(lambda model: model["organizations"][1]["peers"][1].update(memory="1g"))
    place = "/host2/ledger/services/peer1.org1.lab.example/mem_limit"
    assert differences(stacks(before), stacks(after)) == {place: ("512m", "1g")}
    assert changed_files(before, after) == {("host2", f"{CONFIG}/stacks/ledger/compose.yml")}


def test_editing_a_log_level_changes_one_line_of_one_service() -> None:
    before = views(sample("lab"))
    after = changed_lab(lambda model: model["organizations"][0]["orderers"][2].update(log_level="debug"))
    place = "/host3/ledger/services/orderer3.orderers.lab.example/environment/FABRIC_LOGGING_SPEC"
    assert differences(stacks(before), stacks(after)) == {place: ("info", "debug")}
    assert changed_files(before, after) == {("host3", f"{CONFIG}/stacks/ledger/compose.yml")}


def test_a_new_version_of_fabric_changes_images_only() -> None:
    model = lab_model()
    model["fabric_version"] = "3.1.1"
    before, after = views(sample("lab")), views(load(model, LAB_HOSTS))
    # the sample lock numbers its digests, so the same places have the same digests under another version
    assert differences(stacks(before), stacks(after)) == {}
    lock = lock_of(load(model, LAB_HOSTS)) | {"fabric-peer:3.1.1": f"selvedge/fabric-peer@sha256:{99:064x}"}
    after = {host: view.host_view(load(model, LAB_HOSTS), host, lock, PEM) for host in LAB_HOSTS}
    found = differences(stacks(before), stacks(after))
    assert {path.rsplit("/", 1)[1] for path in found} == {"image"}
    assert {path.split("/")[4].split(".")[0] for path in found} == {"peer0", "peer1"}


def labels(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Service to its label with the hash of what it mounts."""
    return {
        name: service["labels"]["selvedge.config"]
        for host in found.values()
        for project in host["stacks"].values()
        for name, service in project["services"].items()
    }


@pytest.mark.parametrize(
    ("change", "names"),
    [
        # What a CA mounts has its ports in it.
        (lambda model: model["organizations"][1]["ca"].update(port=7777), {"ca.org1.lab.example"}),
        (lambda model: model["organizations"][1]["ca"].update(operations_port=9777), {"ca.org1.lab.example"}),
        # The store's configuration has its own address in it.
        (lambda model: model["secrets_store"].update(port=8300), {"store"}),
        # These change the definition, not what is mounted.
        (lambda model: model["organizations"][1]["ca"].update(memory="1g"), set()),
        (lambda model: model["secrets_store"].update(memory="1g"), set()),
        (lambda model: model["organizations"][1]["peers"][0].update(port=17051), set()),
        (lambda model: model["organizations"][1]["peers"][0].update(log_level="debug"), set()),
        (lambda model: model["channels"][0].update(batch_timeout="2s"), set()),
    ],
)
def test_the_label_changes_with_the_mounted_configuration_and_not_otherwise(
    change: Callable[[dict[str, Any]], None], names: set[str]
) -> None:
    before, after = labels(views(sample("lab"))), labels(changed_lab(change))
    assert {name for name in before if before[name] != after[name]} == names


def test_the_stores_label_changes_with_the_bootstrap_ca() -> None:
    network = sample("lab")
    one = view.host_view(network, "host1", lock_of(network), PEM)
    two = view.host_view(network, "host1", lock_of(network), PEM + "another")
    assert labels({"host1": one})["store"] != labels({"host1": two})["store"]


def test_an_added_peer_leaves_definitions_of_other_organisations_alone() -> None:
    before = views(sample("lab"))
    after = changed_lab(
        lambda model: model["organizations"][2]["peers"].append({"name": "peer2", "host": "host3"})
    )
    touched = {path.split("/")[4] for path in differences(stacks(before), stacks(after))}
    # Nodes elsewhere learn the new name; CAs, the store and chaincodes do not restart.
    assert not {name for name in touched if name.startswith(("ca.", "store"))}
    assert not {name for name in touched if name.startswith("assets.") and "peer2" not in name}


def agent_templates(host: dict[str, Any]) -> list[dict[str, Any]]:
    text = files(host).get(f"{AGENT}/agent.json")
    found: list[dict[str, Any]] = json.loads(text)["template"] if text else []
    return found


def waited_for(host: dict[str, Any], stack: str) -> list[str]:
    return [line.split()[0] for line in files(host)[f"{CONFIG}/stacks/{stack}/secrets"].splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_stacks_wait_for_exactly_what_the_agent_renders(name: str) -> None:
    for host in views(sample(name)).values():
        waits = [line for stack in host["stacks"] if stack != "store" for line in waited_for(host, stack)]
        assert sorted(waits) == sorted(item["destination"] for item in agent_templates(host))
        assert len(waits) == len(set(waits))


@pytest.mark.parametrize("name", NAMES)
def test_secrets_are_for_the_services_user_only(name: str) -> None:
    for host in views(sample(name)).values():
        for item in agent_templates(host):
            uid = "10002" if "/node-exporter-" in item["destination"] else "10001"
            uid = "5984" if f"{SECRETS}/couchdb." in item["destination"] else uid
            uid = "0" if any(f"/{kind}-" in item["destination"] for kind in COLLECTORS) else uid
            assert (item["perms"], item["user"], item["group"]) == ("0400", uid, uid)
            assert item["destination"].startswith(f"{SECRETS}/")


def test_the_store_waits_for_its_boot_material() -> None:
    host = views(sample("lab"))["host1"]
    assert waited_for(host, "store") == [f"{SECRETS}/store/{name}" for name in view.STORE_MATERIAL]
    unit = files(host)["/etc/systemd/system/selvedge-material-store.service"]
    assert [line for line in unit.splitlines() if line.startswith("LoadCredentialEncrypted=")] == [
        f"LoadCredentialEncrypted={name}:/etc/credstore.encrypted/selvedge-store-{name}"
        for name in host["material"]["names"]
    ]


def test_the_stores_certificate_is_good_for_every_way_to_it() -> None:
    material = views(sample("lab"))["host1"]["material"]
    assert material["common_name"] == "store.lab.example"
    assert set(material["hosts"]) == {"store.lab.example", "172.30.10.11", "127.0.10.1", "127.0.0.1"}
    probe = views(sample("lab"))["host1"]["stacks"]["store"]["services"]["store"]["healthcheck"]["test"]
    assert probe[probe.index("-server-name") + 1] in material["hosts"]


def read_paths(host: dict[str, Any]) -> set[str]:
    """Store paths, in the API's form, that a host's templates name."""
    texts = [item["contents"] for item in agent_templates(host)]
    return {text.split('"')[1] for text in texts if text.startswith("{{ with secret")}


@pytest.mark.parametrize("name", NAMES)
def test_a_host_may_read_exactly_what_its_services_use(name: str) -> None:
    network = sample(name)
    layout = view.controller_view(network, "/state")["store_config"]
    allowed = {item["name"]: item for item in layout["hosts"]}
    for host, found in views(network).items():
        if not found["agent"]:
            assert host not in allowed
            continue
        paths = allowed[host]["paths"]
        assert paths == sorted(set(paths))
        assert {path.replace("/", "/data/", 1) for path in paths} == read_paths(found)
        assert allowed[host]["role_id"] == files(found)[f"{AGENT}/role_id"]
        assert not any("*" in path or "+" in path for path in paths)
        # Whoever judges the network is a plain client of each organisation, and no admin.
        generated = {item["path"] for item in secrets_layout.generated_secrets(network)}
        users = {path for path in paths if "/users/" in path} - generated
        judges = host == network.settings["monitoring"]["host"] if network.monitoring else False
        assert users == ({f"{org}/users/probe" for org in network.organizations} if judges else set())


@pytest.mark.parametrize("name", NAMES)
def test_a_credential_works_from_its_own_host_only(name: str) -> None:
    network = sample(name)
    for item in view.controller_view(network, "/state")["store_config"]["hosts"]:
        assert item["cidrs"] == [f"{network.hosts[item['name']].address}/32"]


@pytest.mark.parametrize("name", NAMES)
def test_every_service_has_an_identity_where_its_host_reads_it(name: str) -> None:
    network = sample(name)
    controller = view.controller_view(network, "/state")
    secrets = {item["secret"]: item for item in controller["identities"]}
    monitoring = network.settings["monitoring"] or {"receivers": [], "remote_write": []}
    brought = {item["secret"] for key in ("receivers", "remote_write") for item in monitoring[key]}
    generated = {item["path"] for item in controller["generated_secrets"]}
    mounts = {item["path"] for item in controller["store_config"]["mounts"]}
    for host in controller["store_config"]["hosts"]:
        for path in host["paths"]:
            assert (
                path in secrets
                or path in brought
                or path in generated
                or path.endswith(("/ca/server", "/msp"))
            )
            assert path.split("/")[0] in mounts
    kinds = {item["name"]: item["kind"] for item in controller["identities"]}
    for service in [*network.orderers, *network.peers]:
        assert kinds[service.name] == service.kind
        assert {service.name, service.host.address, service.host.reach} <= set(
            secrets[f"{service.organization}/nodes/{service.name}"]["hosts"]
        )
    judges = network.monitoring_of("health-exporter")
    for service in [
        *network.state_databases,
        *network.chaincodes,
        *(item for item in network.monitoring if item not in judges),
    ]:
        assert kinds[service.name] == "client"
    admins = {item["secret"] for item in controller["identities"] if item["kind"] == "admin"}
    assert admins == {f"{org}/users/admin" for org in network.organizations}


@pytest.mark.parametrize("name", NAMES)
def test_the_lab_publishes_every_port_that_a_stack_publishes(name: str) -> None:
    network = sample(name)
    registry = view.registry_view(network, "sha256:0")["stack"]
    published: dict[str, set[int]] = {host: set() for host in network.hosts}
    for host, found in views(network).items():
        own = [*found["stacks"].values(), *([registry] if host == network.registry_host.name else [])]
        for project in own:
            for service in project["services"].values():
                published[host] |= {int(port.split(":")[0]) for port in service.get("ports", [])}
    assert {item["name"]: set(item["ports"]) for item in view.lab_hosts(network)} == published
    assert all(item["ports"] == sorted(set(item["ports"])) for item in view.lab_hosts(network))
    assert [(item["loopback"], item["address"]) for item in view.lab_hosts(network)] == [
        (host.reach, host.address) for host in network.hosts.values()
    ]


def test_required_images_are_what_the_model_runs() -> None:
    assert view.required_images(sample("lab")) == [
        {"name": "openbao", "version": "2.4.0"},
        {"name": "fabric-ca", "version": "1.5.15"},
        {"name": "fabric-orderer", "version": "2.5.9"},
        {"name": "fabric-peer", "version": "2.5.9"},
        {"name": "chaincode-python"},
    ]
    names = [(item["name"], item.get("version")) for item in view.required_images(sample("wide"))]
    assert ("bonds", "7.1") in names
    assert ("fabric-peer", "3.1.1") in names


def test_a_network_without_peers_needs_no_peers_image() -> None:
    model = lab_model()
    model["organizations"] = model["organizations"][:1]
    model["channels"], model["chaincodes"] = [], []
    names = [item["name"] for item in view.required_images(load(model, LAB_HOSTS))]
    assert names == ["openbao", "fabric-ca", "fabric-orderer"]


def test_a_lock_without_images_says_all_of_them_and_what_to_do() -> None:
    network = sample("lab")
    lock = lock_of(network)
    del lock["fabric-peer:2.5.9"], lock["chaincode-python:1.0.0"]
    with pytest.raises(ModelError) as caught:
        view.host_view(network, "host3", lock, PEM)
    assert [str(problem) for problem in caught.value.problems] == [
        "selvedge_images: has no digest for fabric-peer:2.5.9; run images.yml, it builds and locks",
        "selvedge_images: has no digest for chaincode-python; run images.yml, it builds and locks",
    ]


def test_another_version_in_the_lock_does_not_do() -> None:
    network = sample("lab")
    lock = {
        key.replace("fabric-peer:2.5.9", "fabric-peer:2.5.8"): value
        for key, value in lock_of(network).items()
    }
    with pytest.raises(ModelError, match="no digest for fabric-peer:2.5.9"):
        view.host_view(network, "host1", lock, PEM)


def test_two_locked_versions_are_not_guessed_between() -> None:
    network = sample("lab")
    lock = lock_of(network) | {"chaincode-python:2.0.0": f"selvedge/chaincode-python@sha256:{5:064x}"}
    with pytest.raises(ModelError, match="more than one version of chaincode-python: .*; set image_version"):
        view.host_view(network, "host1", lock, PEM)


def test_base_files_trust_the_registry_and_bring_the_scripts() -> None:
    network = sample("lab")
    found = {item["path"]: item for item in view.base_files(network, "host1", PEM)}
    assert found[CA_CERT]["content"] == PEM
    assert found["/etc/docker/certs.d/172.30.10.11:5000/ca.crt"]["content"] == PEM
    scripts = [item for path, item in found.items() if path.startswith("/usr/local/lib/selvedge/")]
    assert len(scripts) == 3
    assert all(item["mode"] == "0755" and item["content"].startswith("#!/bin/sh\n") for item in scripts)
    assert found["/etc/systemd/system/selvedge-agent.service"]["content"] == units.agent_service(
        "systemd-creds"
    )


def test_a_host_that_cannot_seal_is_told_so_everywhere() -> None:
    """One host's choice: its units, its boot material and what is removed in the end."""
    hosts = {**LAB_HOSTS, "host1": {**LAB_HOSTS["host1"], "seal": "none"}}
    network = load(lab_model(), hosts)
    lock = lock_of(network)
    for host in network.hosts:
        seal = "none" if host == "host1" else "systemd-creds"
        found = view.host_view(network, host, lock, PEM)
        assert found["seal"] == seal
        base = {item["path"]: item["content"] for item in view.base_files(network, host, PEM)}
        assert base["/etc/systemd/system/selvedge-agent.service"] == units.agent_service(seal)
        folder = "/etc/credstore" if seal == "none" else "/etc/credstore.encrypted"
        kept = [path for path in found["traces"]["paths"] if path.startswith("/etc/credstore")]
        assert f"{folder}/selvedge-agent-secret_id" in kept
        assert {path.rpartition("/")[0] for path in kept} == {folder}
    store = view.host_view(network, "host1", lock, PEM)
    written = {item["path"]: item["content"] for item in store["files"]}
    registry = view.registry_view(network, "sha256:0")
    written |= {item["path"]: item["content"] for item in registry["files"]}
    assert store["material"]["seal"] == registry["material"]["seal"] == "none"
    for stack in ("store", "registry"):
        unit = written[f"/etc/systemd/system/selvedge-material-{stack}.service"]
        assert f"LoadCredential=server_key:/etc/credstore/selvedge-{stack}-server_key\n" in unit
        assert "LoadCredentialEncrypted" not in unit


def test_a_lab_host_says_what_it_is_made_from() -> None:
    hosts = {**LAB_HOSTS, "host2": {**LAB_HOSTS["host2"], "lab_image": "debian-12-bare"}}
    images = [item["image"] for item in view.lab_hosts(load(lab_model(), hosts))]
    assert images == ["debian-13", "debian-12-bare", "debian-13"]


def test_a_host_says_which_version_configured_it() -> None:
    """`bootstrap.yml` and `site.yml` write it; the one that ran last is right."""
    network = sample("lab")
    written = f"{VERSION}\n"
    assert {item["path"]: item["content"] for item in view.base_files(network, "host1", PEM)}[
        VERSION_FILE
    ] == written
    assert [files(found)[VERSION_FILE] for found in views(network).values()] == [written] * 3


def test_the_registrys_view_stands_on_its_own() -> None:
    network = sample("wide")
    found = view.registry_view(network, "sha256:1234")
    service = found["stack"]["services"]["registry"]
    assert service["image"] == "sha256:1234"
    assert service["ports"] == ["5005:5000"]
    config = yaml.safe_load(files(found)[f"{CONFIG}/registry/config.yml"])
    assert config["http"]["tls"] == {
        "certificate": "/run/secrets/server_cert",
        "key": "/run/secrets/server_key",
    }
    assert files(found)[f"{CONFIG}/stacks/registry/secrets"].split() == [
        f"{SECRETS}/registry/{name}" for name in view.REGISTRY_MATERIAL
    ]
    assert found["directories"] == [{"path": f"{DATA}/registry", "mode": "0750", "owner": UID}]
    assert found["material"]["stack"] == "registry"


def test_channels_and_chaincodes_name_who_takes_part() -> None:
    controller = view.controller_view(sample("wide"), "/state")
    everyone, north = controller["channels"]
    assert everyone["definition"]["organizations"] == ["north-sea", "south"]
    assert everyone["definition"]["orderer_organizations"] == ["ord"]
    assert everyone["definition"]["capabilities"]["channel"] == "V3_0"
    assert len(everyone["definition"]["orderers"]) == 3
    assert len(everyone["definition"]["peers"]) == 4
    assert len(north["definition"]["peers"]) == 3
    bonds = controller["chaincodes"][1]
    assert (bonds["name"], bonds["channel"], bonds["organizations"]) == ("bonds", "north.only", ["north-sea"])
    assert bonds["peers"] == north["definition"]["peers"]


def test_what_a_chaincode_is_probed_with() -> None:
    model = lab_model()
    assert view.controller_view(load(model, LAB_HOSTS), "/state")["chaincodes"][0]["probe"] == {
        "function": "org.hyperledger.fabric:GetMetadata",
        "args": [],
    }
    model["chaincodes"][0]["probe"] = ["ping", "x"]
    found = view.controller_view(load(model, LAB_HOSTS), "/state")["chaincodes"][0]["probe"]
    assert found == {"function": "ping", "args": ["x"]}


def test_the_topology_names_addresses_by_their_side() -> None:
    topology = view.controller_view(sample("lab"), "/state")["topology"]
    assert [org["role"] for org in topology["organizations"]] == ["orderer", "peer", "peer"]
    orderer, peer = topology["orderers"][1], topology["peers"][0]
    assert orderer["address"] == "127.0.10.2:7050"
    assert orderer["admin_address"] == "127.0.10.2:7053"
    assert orderer["endpoint"] == "orderer2.orderers.lab.example:7050"
    assert peer["operations_address"] == "127.0.10.1:9445"
    assert peer["anchor"] is True
    assert "admin_address" not in peer


def test_the_controller_reaches_store_and_authorities_from_its_own_side() -> None:
    controller = view.controller_view(sample("lab"), "/state")
    assert controller["store"] == {
        "url": "https://127.0.10.1:8200",
        "ca_file": "/state/ca.crt",
        "cert_file": "/state/controller.crt",
        "key_file": "/state/controller.key",
    }
    server = controller["ca_servers"][1]
    assert (server["ca_address"], server["ca_server_name"]) == ("127.0.10.2:7154", "ca.org1.lab.example")
    assert server["ca_server_name"] in controller["ca_material"][1]["server_hosts"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_left_behind_is_listed_for_its_removal(name: str) -> None:
    network = sample(name)
    registry = view.registry_view(network, "sha256:0")
    for host, found in views(network).items():
        traces = found["traces"]
        written = [*files(found), *(item["path"] for item in view.base_files(network, host, PEM))]
        if host == network.registry_host.name:
            written += files(registry)
            assert "registry" in traces["stacks"]
        for path in [*written, *(item["path"] for item in found["directories"])]:
            assert any(path == trace or path.startswith(f"{trace}/") for trace in traces["paths"]), path
        assert set(found["stacks"]) <= set(traces["stacks"])
        assert set(found["units"]) <= set(traces["units"])
        assert all(path.count("/") >= 2 for path in traces["paths"])
