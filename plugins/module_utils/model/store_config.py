"""The OpenBao server's configuration: one node that initialises and unseals itself and leaves no root token.

What the self-initialisation sets up is only the door for the controller: login by client certificate, and a
policy behind it. Everything else (mounts, policies, hosts) is the ``store_config`` module's business.

Source: OpenBao 2.4, website/content/docs/configuration/{self-init,audit,seal/static,storage/raft}.mdx; tried
in tests/live/test_secrets.py.
"""

from __future__ import annotations

import json
from typing import Any

ADMIN_POLICY = "selvedge-controller"
# Common name of the controller's client certificate, by which the store knows it.
CONTROLLER_NAME = "selvedge-controller"
_EVERYTHING = ["create", "read", "update", "patch", "delete", "list", "scan"]

# What the controller may do. It can write policies, so this is an administrator; the list says what is used,
# and keeps seal, root generation and raw storage out of reach of a slip.
_ADMIN_RULES: dict[str, list[str]] = {
    "+/config": ["create", "read", "update"],
    "+/data/*": _EVERYTHING,
    "+/metadata": ["list"],
    "+/metadata/*": _EVERYTHING,
    "auth/approle/*": _EVERYTHING,
    "auth/cert/certs/*": _EVERYTHING,
    "sys/audit": ["read", "sudo"],
    "sys/auth": ["read"],
    "sys/auth/*": ["create", "read", "update", "delete", "sudo"],
    "sys/mounts": ["read"],
    "sys/mounts/*": ["create", "read", "update", "delete", "sudo"],
    "sys/policies/acl": ["list"],
    "sys/policies/acl/*": _EVERYTHING,
    "sys/step-down": ["update", "sudo"],
    "sys/storage/raft/*": ["create", "read", "update", "sudo"],
}


def policy_text(rules: dict[str, list[str]]) -> str:
    """An ACL policy in JSON, which OpenBao stores as it is given; equal rules give equal bytes.

    :param rules: path (``+`` one segment, trailing ``*`` a prefix) to capabilities
    """
    paths = {path: {"capabilities": rules[path]} for path in sorted(rules)}
    return json.dumps({"path": paths})


def server_config(
    *,
    node_id: str,
    api_addr: str,
    cluster_addr: str,
    client_ca_pem: str,
    client_name: str,
    listen_address: str = "0.0.0.0:8200",
    cluster_listen_address: str = "0.0.0.0:8201",
    data_dir: str = "/var/lib/openbao",
    tls_cert_file: str = "/run/secrets/server_cert",
    tls_key_file: str = "/run/secrets/server_key",
    seal_key_file: str = "/run/secrets/seal_key",
    seal_key_id: str = "1",
    audit_file: str = "stdout",
    token_ttl_s: int = 900,
    telemetry: bool = False,
) -> str:
    """Return the server's configuration file (JSON, file name ``openbao.json``). It holds no secret.

    :param node_id: name of this node in the Raft cluster
    :param api_addr: ``https://host:8200`` as clients reach this node; its certificate must carry the host
    :param cluster_addr: ``https://host:8201`` as other nodes reach it
    :param client_ca_pem: certificate of the CA that signs the controller's client certificate
    :param client_name: common name of the controller's client certificate. Without it every certificate of
        that CA, the store's own server certificate too, would be an administrator.
    :param seal_key_file: 32 raw bytes; boot material
    :param seal_key_id: its name; a new key needs a new name
    :param audit_file: where the audit device writes (values are HMACs), a path or ``stdout``
    :param token_ttl_s: how long the controller's token lives, in seconds
    :param telemetry: whether it counts what it does, and tells its counts to whoever reaches it
    """
    audit_options = {"file_path": audit_file, "mode": "0600"}
    config: dict[str, Any] = {
        "ui": False,
        "log_format": "json",
        "api_addr": api_addr,
        "cluster_addr": cluster_addr,
        "listener": [
            {
                "tcp": {
                    "address": listen_address,
                    "cluster_address": cluster_listen_address,
                    "tls_cert_file": tls_cert_file,
                    "tls_key_file": tls_key_file,
                    "tls_min_version": "tls13",
                }
            }
        ],
        "storage": {"raft": {"path": data_dir, "node_id": node_id, "performance_multiplier": 1}},
        "seal": {"static": {"current_key_id": seal_key_id, "current_key": f"file://{seal_key_file}"}},
        # Only the configuration can declare an audit device; the API refuses to.
        # Without a description HCL's JSON reader takes the lone nested object for part of the name.
        "audit": [{"file": {"file": {"description": "requests, values as HMAC", "options": audit_options}}}],
        "initialize": [{"controller": {"request": _requests(client_ca_pem, client_name, token_ttl_s)}}],
    }
    if telemetry:
        # Without this stanza there are no metrics for Prometheus; a host's name in each would make new ones of them.
        config["telemetry"] = [{"prometheus_retention_time": "10m", "disable_hostname": True}]
        # They are counts, without names of secrets or values. A token of the monitoring's host would not do: it works
        # from the host's address, and a container beside the store comes from the engine's bridge.
        config["listener"][0]["tcp"]["telemetry"] = [{"unauthenticated_metrics_access": True}]
    return json.dumps(config, indent=2, sort_keys=True) + "\n"


def _requests(client_ca_pem: str, client_name: str, token_ttl_s: int) -> list[dict[str, Any]]:
    role = {
        "certificate": client_ca_pem,
        "allowed_common_names": client_name,
        "token_policies": ADMIN_POLICY,
        # A batch token is not written to storage: a login is one round trip and leaves nothing behind.
        "token_type": "batch",
        "token_ttl": token_ttl_s,
    }
    return [
        _request("policy", f"sys/policies/acl/{ADMIN_POLICY}", {"policy": policy_text(_ADMIN_RULES)}),
        _request("mount", "sys/auth/cert", {"type": "cert"}),
        _request("role", "auth/cert/certs/controller", role),
        # OpenBao 2.4.0 says that it revokes the root token that these requests are made with. It does not:
        # nobody knows the token, but it lives on without end.
        _request("revoke", "auth/token/revoke-self", {}),
    ]


def _request(name: str, path: str, data: dict[str, Any]) -> dict[str, Any]:
    return {name: {"operation": "update", "path": path, "data": data}}
