"""A CouchDB beside a peer, as its state database: what it is told, its container, and what the peer is told of it.

Fabric speaks to CouchDB without TLS, so both are on one host and one network of its engine, with the other nodes and
chaincodes there: what is published is a window on its metrics alone, by mutual TLS. They share a password of their own,
which nobody else knows but the store; it stands in no container's definition.

Source: CouchDB's manual, "Configuration"; apache/couchdb 3.5, rel/files/couchdb.in (``COUCHDB_INI_FILES``,
``COUCHDB_ARGS_FILE``); hyperledger/fabric 2.5, sampleconfig/core.yaml (``ledger.state``).
"""

from __future__ import annotations

from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.compose import (
    bind,
    digest_of,
    shell,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import (
    COUCHDB_CONFIG,
    COUCHDB_UID,
    DATA,
    IN_SECRETS,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import COUCHDB
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import PASSWORD, folder_of

PORT = 5984
USER = "selvedge"
PASSWORD_FILE = f"{IN_SECRETS}/{COUCHDB}/{PASSWORD}"
_FOLDER = "/etc/couchdb"
_DATA_FOLDER = "/var/lib/couchdb"
_METRICS_PORT = 17986
_METRICS = f"http://127.0.0.1:{_METRICS_PORT}/_node/_local/_prometheus"
_TLS = f"{IN_SECRETS}/tls"
# CouchDB writes its password's hash here, where nothing stays.
_LOCAL = "/tmp/local.ini"  # noqa: S108 - inside the container, where it is a memory file system of its own
_HOME = "/opt/couchdb"

# What differs from CouchDB's defaults.
_SETTINGS = {
    "couchdb": {"database_dir": _DATA_FOLDER, "view_index_dir": _DATA_FOLDER, "single_node": "true"},
    "chttpd": {
        "bind_address": "0.0.0.0",
        "port": str(PORT),
        # The healthcheck has no password.
        "require_valid_user_except_for_up": "true",
    },
    # There is no other to keep a copy.
    "cluster": {"n": "1"},
    "prometheus": {"additional_port": "true", "bind_address": "127.0.0.1", "port": str(_METRICS_PORT)},
    # At `notice` it writes a line for each request.
    "log": {"writer": "stderr", "level": "warning"},
}
# Its own defaults; the name is the one that its databases remember, and it has no other node to speak to.
_ARGUMENTS = """\
-name couchdb@127.0.0.1
-kernel inet_dist_use_interface {127,0,0,1}
-kernel error_logger silent
-kernel prevent_overlapping_partitions false
-sasl sasl_error_logger false
-ssl session_lifetime 300
-os_mon start_cpu_sup false
-os_mon start_memsup false
-os_mon disk_space_check_interval 5
-os_mon disk_almost_full_threshold 1.0
+SDio 16
+zdbbl 32768
+Bd -noinput
"""


def config_files() -> dict[str, str]:
    """Name in the folder to content, the same for every CouchDB. No secret in it."""
    sections = (
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for name, keys in _SETTINGS.items()
    )
    return {"selvedge.ini": "\n".join(sections), "vm.args": _ARGUMENTS}


def couchdb(service: Service, image: str, revision: str) -> dict[str, Any]:
    """Its container.

    :param revision: of the secrets that are rendered for it
    """
    probe, window = ["/usr/local/bin/healthcheck", f"http://127.0.0.1:{PORT}/_up"], []
    if port := service.ports.get("operations"):
        files = {name: f"{_TLS}/{file}" for name, file in
                 {"ca": "ca.crt", "cert": "server.crt", "key": "server.key"}.items()}  # fmt: skip
        named = [word for name, file in files.items() for word in (f"-{name}", file)]
        probe += [f"https://127.0.0.1:{port}/metrics", *named, "-server-name", service.name]
        window = ["-listen", f"0.0.0.0:{port}", *named, "-metrics", _METRICS]
    return {
        **shell(service.name, image, service.settings, probe),
        "user": f"{COUCHDB_UID}:{COUCHDB_UID}",
        # Erlang has a table for as many files as it may open, in memory, however few it opens.
        "ulimits": {"nofile": 65536},
        "entrypoint": ["/usr/local/bin/couchdb-keeper"],
        "environment": {
            "COUCHDB_ARGS_FILE": f"{_FOLDER}/vm.args",
            "COUCHDB_INI_FILES": f"{_HOME}/etc/default.ini {_FOLDER}/selvedge.ini {_LOCAL}",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        },
        "ports": [f"{port}:{port}" for port in service.ports.values()],
        "command": [
            *("-user", USER),
            *("-password", PASSWORD_FILE),
            *("-local", _LOCAL),
            *window,
            "--",
            "/usr/local/bin/couchdb",
        ],
        "labels": {"selvedge.config": digest_of(*config_files().values(), revision)},
        "volumes": [
            bind(COUCHDB_CONFIG, _FOLDER),
            bind(folder_of(service), IN_SECRETS),
            bind(f"{DATA}/{service.name}", _DATA_FOLDER, read_only=False),
        ],
    }


def told_of(service: Service, log_level: str) -> dict[str, Any]:
    """What differs in the container of the peer whose state database ``service`` is.

    :param log_level: the peer's
    """
    return {
        "entrypoint": ["/usr/local/bin/secret-env"],
        "command": [
            f"CORE_LEDGER_STATE_COUCHDBCONFIG_PASSWORD={PASSWORD_FILE}",
            "--",
            "/usr/local/bin/peer",
            "node",
            "start",
        ],
        "environment": {
            # When it starts, a peer writes all that it is told to its log, the password with it.
            # Source: hyperledger/fabric 2.5, internal/peer/node/start.go (serve).
            "FABRIC_LOGGING_SPEC": f"{log_level}:nodeCmd=warning",
            "CORE_LEDGER_STATE_STATEDATABASE": "CouchDB",
            "CORE_LEDGER_STATE_COUCHDBCONFIG_COUCHDBADDRESS": f"{service.name}:{PORT}",
            "CORE_LEDGER_STATE_COUCHDBCONFIG_USERNAME": USER,
        },
    }
