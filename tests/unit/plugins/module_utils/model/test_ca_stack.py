from __future__ import annotations

import json

from ansible_collections.selvedge.fabric.plugins.module_utils.model.ca_config import MAIN_FILE, TLS_FILE
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ca_stack import ca_files, ca_service
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import sample

WIDE = sample("wide")
CA = WIDE.cas[0]
IMAGE = f"registry/selvedge/fabric-ca@sha256:{1:064x}"


def test_only_a_ca_has_a_cas_files() -> None:
    assert ca_files(WIDE, WIDE.peers[0]) == {}
    assert {MAIN_FILE, TLS_FILE} <= set(ca_files(WIDE, CA))


def test_the_server_listens_on_the_models_ports() -> None:
    main = json.loads(ca_files(WIDE, CA)[MAIN_FILE])
    assert main["port"] == 17054
    assert main["operations"]["listenaddress"] == "0.0.0.0:19444"


def test_whatever_the_server_writes_beside_its_database_is_in_memory() -> None:
    service = ca_service(WIDE, CA, IMAGE)
    homes = [item.split(":")[0] for item in service["tmpfs"]]
    assert homes == ["/tmp", "/run/fabric-ca", "/run/fabric-ca/tls"]
    assert all("uid=10001" in item and "mode=0700" in item for item in service["tmpfs"][1:])
    writable = [mount["target"] for mount in service["volumes"] if not mount.get("read_only")]
    assert writable == ["/var/lib/fabric-ca"]


def test_the_healthcheck_asks_both_cas() -> None:
    """The operations endpoint asks the database only."""
    probe = ca_service(WIDE, CA, IMAGE)["healthcheck"]["test"]
    assert probe[2:5] == [
        "https://127.0.0.1:19444/healthz",
        "https://127.0.0.1:17054/cainfo?ca=enrollment",
        "https://127.0.0.1:17054/cainfo?ca=tls",
    ]


def test_each_configuration_file_lies_in_the_home_of_its_ca() -> None:
    service = ca_service(WIDE, CA, IMAGE)
    targets = {mount["target"]: mount["source"] for mount in service["volumes"]}
    folder = f"/run/selvedge/secrets/{CA.name}"
    assert targets[f"/run/fabric-ca/{MAIN_FILE}"] == f"{folder}/{MAIN_FILE}"
    assert targets[f"/run/fabric-ca/tls/{MAIN_FILE}"] == f"{folder}/{TLS_FILE}"
    assert targets["/run/secrets"] == folder
    assert service["environment"]["FABRIC_CA_SERVER_HOME"] == "/run/fabric-ca"
