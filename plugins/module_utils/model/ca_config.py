"""The configuration of one fabric-ca server with two CAs: ``enrollment`` (the default one) and ``tls``.

The server writes beside its configuration file: it copies its key to ``msp/keystore`` there and makes Idemix
issuer keys that nobody uses. So the folder of each configuration file is a tmpfs of the container, with the
file mounted into it. CA keys and certificates come from the store, on a read-only mount: where one is missing
the server would make itself a new CA, and the mount turns that into an error. Only the database is on a disk;
it holds certificates and bcrypt hashes.

Both CAs use one database: an identity is registered once, has one password, and is revoked in one place. (It
also saves a quarter of the time to enrol, which is nearly all bcrypt.)

Source: fabric-ca 1.5.15, lib/server.go, lib/ca.go, util/util.go (ValidateAndReturnAbsConf); tried in
tests/live/test_certificate_authority.py.
"""

from __future__ import annotations

import json
from typing import Any

ENROLLMENT = "enrollment"
TLS = "tls"
REGISTRAR = "registrar"
MAIN_FILE = "fabric-ca-server-config.yaml"
TLS_FILE = "tls-ca-config.yaml"

# Fields of the secret <mount>/ca/server that the server reads as files of the same name.
SECRET_FILES = ("enrollment_cert", "enrollment_key", "tls_cert", "tls_key", "server_cert", "server_key")
_YEAR_H = 8760


def server_config(
    *,
    secrets_dir: str = "/run/secrets",
    home: str = "/run/fabric-ca",
    data_dir: str = "/var/lib/fabric-ca",
    listen_address: str = "0.0.0.0",
    port: int = 7054,
    operations_address: str = "0.0.0.0:9443",
    node_expiry_h: int = _YEAR_H,
) -> dict[str, str]:
    """Return file name to template text for the store's agent, all to be rendered into ``secrets_dir``.

    Every text is the inside of ``{{ with secret "<mount>/data/ca/server" }}...{{ end }}``. Besides the files
    of ``SECRET_FILES`` there are two configurations (YAML, in its JSON form), which the container sees at

    * ``<home>/fabric-ca-server-config.yaml``: MAIN_FILE, the one with the registrar's password
    * ``<home>/tls/fabric-ca-server-config.yaml``: TLS_FILE, without a secret

    :param secrets_dir: where the container sees the rendered files, read-only
    :param home: tmpfs of the container; ``<home>/tls`` is another
    :param data_dir: on disk, for the database ``fabric-ca.db``
    :param operations_address: ``host:port`` of metrics and health, with mutual TLS by the TLS CA
    :param node_expiry_h: lifetime of the certificates that are issued, in hours
    """
    main = {
        "version": "1.5.15",
        "address": listen_address,
        "port": port,
        "debug": False,
        "cors": {"enabled": False},
        "tls": {
            "enabled": True,
            "certfile": f"{secrets_dir}/server_cert",
            "keyfile": f"{secrets_dir}/server_key",
            "clientauth": {"type": "noclientcert"},
        },
        "cafiles": [f"{home}/tls/{MAIN_FILE}"],
        "registry": {"maxenrollments": -1, "identities": [_registrar()]},
        # An empty mapping, or the server would make up org1.department1.
        "affiliations": {},
        "operations": {
            "listenaddress": operations_address,
            "tls": {
                "enabled": True,
                "cert": {"file": f"{secrets_dir}/server_cert"},
                "key": {"file": f"{secrets_dir}/server_key"},
                # fabric-ca documents clientAuthRequired and clientRootCAs.files, and reads neither: these are
                # the fields of its structure (lib/server/operations/tls.go). Without them anybody gets the
                # metrics.
                "clientcertrequired": True,
                "clientcacertfiles": [f"{secrets_dir}/tls_cert"],
            },
        },
        "metrics": {"provider": "prometheus"},
        **_authority(ENROLLMENT, secrets_dir, data_dir, node_expiry_h),
    }
    # What is missing here (the registrar) the server takes over from the main file.
    second = {"version": "1.5.15", **_authority(TLS, secrets_dir, data_dir, node_expiry_h)}
    return {
        MAIN_FILE: _text(main),
        TLS_FILE: _text(second),
        **{name: "{{ .Data.data." + name + " }}" for name in SECRET_FILES},
    }


def _authority(name: str, secrets_dir: str, data_dir: str, expiry_h: int) -> dict[str, Any]:
    # No "ca" profile: these roots sign nodes and users, never another CA (path length 0).
    usages = {
        "default": ["digital signature"],
        "tls": ["digital signature", "key agreement", "server auth", "client auth"],
    }
    profiles = {key: {"usage": usage, "expiry": f"{expiry_h}h"} for key, usage in usages.items()}
    return {
        "ca": {
            "name": name,
            "certfile": f"{secrets_dir}/{name}_cert",
            "keyfile": f"{secrets_dir}/{name}_key",
        },
        "db": {"type": "sqlite3", "datasource": f"{data_dir}/fabric-ca.db"},
        "signing": {"default": profiles["default"], "profiles": {"tls": profiles["tls"]}},
        "crl": {"expiry": "24h"},
        # Passwords are long random strings. A limit would only let a stranger lock out the registrar.
        "cfg": {"identities": {"passwordattempts": 0, "allowremove": True}},
        "bccsp": {
            "default": "SW",
            "sw": {"hash": "SHA2", "security": 256, "filekeystore": {"keystore": "msp/keystore"}},
        },
    }


def _registrar() -> dict[str, Any]:
    return {
        "name": REGISTRAR,
        "pass": "{{ .Data.data.bootstrap_password }}",
        "type": "client",
        "affiliation": "",
        "attrs": {
            "hf.Registrar.Roles": "*",
            "hf.Registrar.DelegateRoles": "*",
            "hf.Registrar.Attributes": "*",
            "hf.Revoker": True,
            "hf.GenCRL": True,
            "hf.AffiliationMgr": True,
        },
    }


def _text(config: dict[str, Any]) -> str:
    # JSON is YAML that needs no rules for quoting.
    return json.dumps(config, indent=2) + "\n"
