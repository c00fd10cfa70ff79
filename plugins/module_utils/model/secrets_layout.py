"""Which secret a service sees as which file: from the store's fields to paths below /run/secrets."""

from __future__ import annotations

import hashlib
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import (
    COUCHDB_UID,
    EXPORTER_UID,
    SECRETS,
    UID,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import COLLECTORS, COUCHDB, GRAFANA

# Tells client, peer, admin and orderer certificates apart by their organisational unit.
# Source: Fabric documentation, "Membership Service Provider", Node OUs.
NODE_OUS = "NodeOUs:\n  Enable: true\n" + "".join(
    f"  {kind}OUIdentifier:\n    Certificate: cacerts/ca.crt\n    OrganizationalUnitIdentifier: {kind.lower()}\n"
    for kind in ("Client", "Peer", "Admin", "Orderer")
)

REVISION_FILE = "revision"
_TLS = {"tls/server.crt": "tls_cert", "tls/server.key": "tls_key", "tls/ca.crt": "tls_ca_cert"}
_MSP = {
    "msp/signcerts/cert.pem": "sign_cert",
    "msp/keystore/key.pem": "sign_key",
    "msp/cacerts/ca.crt": "ca_cert",
    "msp/tlscacerts/ca.crt": "tls_ca_cert",
}
_FILES = {"peer": {**_MSP, **_TLS}, "orderer": {**_MSP, **_TLS}, "chaincode": _TLS}
_CLIENT = {"client.crt": "tls_cert", "client.key": "tls_key", "ca.crt": "tls_ca_cert"}
# What nobody has to think up for Grafana: the administrator's password, the one that Prometheus shows at /metrics, and
# the key by which Grafana's database encrypts the keys that it is given.
METRICS_PASSWORD = "metrics_password"  # noqa: S105 - the name of a field
GENERATED = ("admin_password", METRICS_PASSWORD, "secret_key")
# The field of a CouchDB's secret, and the name of the file.
PASSWORD = "password"  # noqa: S105 - the name of a field


def mount_of(organization: str) -> str:
    """An organisation's mount in the store carries its name."""
    return organization


def secret_path(service: Service) -> str:
    """``mount/path`` of a service's secret."""
    folder = "ca/server" if service.kind == "ca" else f"nodes/{service.name}"
    return f"{mount_of(service.organization)}/{folder}"


def monitor_path(network: Network, organization: str) -> str:
    """``mount/path`` of the secret of the client by which Prometheus is known to an organisation's nodes."""
    return f"{mount_of(organization)}/nodes/{network.monitor(organization)}"


def grafana_path(network: Network) -> str:
    """``mount/path`` of the secret with what is generated for Grafana."""
    return f"{mount_of(network.settings['monitoring']['organization'])}/users/{GRAFANA}"


def couchdb_path(couchdb: Service) -> str:
    """``mount/path`` of the secret that a peer's CouchDB and the peer share."""
    return f"{mount_of(couchdb.organization)}/users/{couchdb.name}"


def generated_secrets(network: Network) -> list[dict[str, Any]]:
    """Secrets whose values nobody states: ``path`` and the names of their ``fields``."""
    return [
        *({"path": couchdb_path(item), "fields": [PASSWORD]} for item in network.state_databases),
        *(
            {"path": grafana_path(network), "fields": list(GENERATED)}
            for _one in network.monitoring_of(GRAFANA)
        ),
    ]


def secret_paths(network: Network, service: Service) -> list[str]:
    """``mount/path`` of every secret that is rendered for a service, its own first."""
    return [
        secret_path(service),
        *dict.fromkeys(path for path, _unused in _others(network, service).values()),
    ]


def data_path(service: Service) -> str:
    """Where a service's secret is, as the store's HTTP API names it."""
    return _data_path(secret_path(service))


def _data_path(path: str) -> str:
    mount, rest = path.split("/", 1)
    return f"{mount}/data/{rest}"


def folder_of(service: Service) -> str:
    """The folder in the host's tmpfs that the service's container mounts."""
    return f"{SECRETS}/{service.name}"


def wrap(path: str, text: str) -> str:
    """An agent template: ``text`` may use ``.Data.data.<field>`` of the secret at ``path`` (API form)."""
    return '{{ with secret "' + path + '" }}' + text + "{{ end }}"


def revision_of(rendered: list[dict[str, Any]]) -> str:
    """A hash over what the agent is told to render for a service, without the secrets themselves."""
    texts = [f"{item['dest']} {item['contents']}" for item in rendered]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def templates(network: Network, service: Service, ca_files: dict[str, str]) -> list[dict[str, Any]]:
    """The agent's templates for one service.

    The last one is a marker with the revision of all others: who waits for it does not take yesterday's files
    for today's.

    :param ca_files: for a CA, its configuration files by name, with ``{{ .Data.data.<field> }}`` in them
    """
    path = data_path(service)
    if service.kind == "ca":
        files = {name: wrap(path, text) for name, text in ca_files.items()}
    else:
        files = {name: _field(path, field) for name, field in _FILES.get(service.kind, _TLS).items()}
        files |= {
            name: _field(_data_path(other), field)
            for name, (other, field) in _others(network, service).items()
        }
        if service.kind in ("orderer", "peer"):
            files["msp/config.yaml"] = NODE_OUS
    rendered = [_template(service, name, contents) for name, contents in sorted(files.items())]
    return [*rendered, _template(service, REVISION_FILE, wrap(path, revision_of(rendered)))]


def _field(path: str, field: str) -> str:
    return wrap(path, "{{ .Data.data." + field + " }}")


def _others(network: Network, service: Service) -> dict[str, tuple[str, str]]:
    """What a service is rendered of secrets that are not its own: file to path and field."""
    if service.kind in ("peer", COUCHDB):
        database = service if service.kind == COUCHDB else network.state_database_of(service)
        return {f"{COUCHDB}/{PASSWORD}": (couchdb_path(database), PASSWORD)} if database else {}
    monitoring = network.settings["monitoring"]
    if service.kind == "prometheus":
        clients = {
            f"orgs/{org}/{name}": (monitor_path(network, org), field)
            for org in network.organizations
            for name, field in _CLIENT.items()
        }
        stored = {
            f"remote_write/{item['name']}": (item["secret"], "password")
            for item in monitoring["remote_write"]
            if item["secret"]
        }
        if network.monitoring_of(GRAFANA):
            stored[f"{GRAFANA}/{METRICS_PASSWORD}"] = (grafana_path(network), METRICS_PASSWORD)
        return clients | stored
    if service.kind == GRAFANA:
        return {f"{GRAFANA}/{name}": (grafana_path(network), name) for name in GENERATED}
    if service.kind == "alertmanager":
        return {
            f"receivers/{item['name']}": (item["secret"], "url" if item["kind"] == "webhook" else "password")
            for item in monitoring["receivers"]
            if item["secret"]
        }
    if service.kind == "otel-collector" and (sink := monitoring["logs"]["sink"]):
        return {"sink/token": (sink["secret"], "token"), "sink/ca.crt": (sink["secret"], "ca_cert")}
    if service.kind == "blackbox-exporter":
        # Of the chaincodes beside it, by whose own secret the host knows the CA already.
        return {
            f"orgs/{chaincode.organization}/ca.crt": (secret_path(chaincode), "tls_ca_cert")
            for chaincode in reversed(network.chaincodes)
            if chaincode.host == service.host
        }
    return {}


def uid_of(service: Service) -> int:
    """The user that a service's container runs as, who also owns what is rendered for it."""
    return _USERS.get(service.kind, UID)


# The collector reads what the engine and the journal keep for root alone. It is root without any capability: it owns
# root's files, and may do nothing else that root may.
# Upstream's CouchDB has its files for the user that it made.
_USERS = {"node-exporter": EXPORTER_UID, COUCHDB: COUCHDB_UID, **dict.fromkeys(COLLECTORS, 0)}


def _template(service: Service, name: str, contents: str) -> dict[str, Any]:
    uid = str(uid_of(service))
    return {
        "dest": f"{folder_of(service)}/{name}",
        "contents": contents,
        "perms": "0400",
        "user": uid,
        "group": uid,
    }


def waits(rendered: list[dict[str, Any]]) -> list[str]:
    """Lines for ``wait-secrets``: each path, and for the marker what it must say."""
    revision = revision_of(rendered[:-1])
    return [*(item["dest"] for item in rendered[:-1]), f"{rendered[-1]['dest']} {revision}"]
