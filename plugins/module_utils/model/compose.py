"""Compose definitions: one project a stack, made from the model and from nothing else.

Every service gets the same hard shell: its digest, a plain user, a read-only root, no capabilities, limits,
bounded logs and a healthcheck. What differs is what it is told.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import (
    DATA,
    HOSTS_FILE,
    IN_SECRETS,
    SECRETS,
    UID,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import folder_of

_CERTS = f"{IN_SECRETS}/tls"
CHAINCODE_PORT = 9999
# How often the engine runs a container's healthcheck. Each run is a new process in the container, and three of the
# engine's; what watches is asked by Prometheus as well.
_EVERY, WATCHER_EVERY = "15s", "30s"


def bind(source: str, target: str, read_only: bool = True) -> dict[str, Any]:
    """A bind mount whose source must be there: an empty folder in place of keys would look healthy."""
    mount = {"type": "bind", "source": source, "target": target, "bind": {"create_host_path": False}}
    return {**mount, "read_only": True} if read_only else mount


def digest_of(*texts: str) -> str:
    """A short hash over configuration texts, for a label: Compose does not look into mounted files."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def shell(
    name: str, image: str, settings: dict[str, Any], healthcheck: list[str], every: str = _EVERY
) -> dict[str, Any]:
    """What every service has in common.

    :param every: how often the engine runs the healthcheck, as a duration
    """
    return {
        "container_name": name,
        "image": image,
        "user": f"{UID}:{UID}",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "tmpfs": ["/tmp:mode=1777,size=64m"],  # noqa: S108 - a mount inside the container
        "mem_limit": settings["memory"],
        "pids_limit": settings["pids"],
        "runtime": settings["runtime"],
        # The engine brings back what crashes. A boot has to wait for secrets, so it is a systemd unit's job.
        "restart": "on-failure",
        # The tag stands in each line: whoever collects the files knows by it whose they are.
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3", "tag": name}},
        "healthcheck": {
            "test": ["CMD", *healthcheck],
            "interval": every,
            "timeout": "5s",
            "retries": 3,
            "start_period": "60s",
        },
    }


def operations_healthcheck(service: Service, ca: str, cert: str, key: str, *more: str) -> list[str]:
    """Ask the service's operations endpoint with its own certificate; names of files below /run/secrets.

    :param more: what else to ask, in the words of ``images/helper/cmd/healthcheck``
    """
    return [
        "healthcheck",
        f"https://127.0.0.1:{service.ports['operations']}/healthz",
        *more,
        "-ca", f"{IN_SECRETS}/{ca}",
        "-cert", f"{IN_SECRETS}/{cert}",
        "-key", f"{IN_SECRETS}/{key}",
        "-server-name", service.name,
    ]  # fmt: skip


def _operations(prefix: str, service: Service) -> dict[str, str]:
    return {
        f"{prefix}_OPERATIONS_LISTENADDRESS": f"0.0.0.0:{service.ports['operations']}",
        f"{prefix}_OPERATIONS_TLS_ENABLED": "true",
        f"{prefix}_OPERATIONS_TLS_CLIENTAUTHREQUIRED": "true",
        f"{prefix}_METRICS_PROVIDER": "prometheus",
    }


def _publish(service: Service) -> list[str]:
    """A node listens inside on the port that it has outside, so that one address is right from everywhere."""
    return [f"{port}:{port}" for port in service.ports.values()]


def hosts_file(network: Network, host: str) -> str:
    """What nodes on ``host`` see as ``/etc/hosts``: the nodes on other hosts.

    Those on the same host are found by their container's name. It is a mounted file and no part of a service's
    definition, so that a network grows without a restart: Go's resolver reads the file again when it changed.
    """
    nodes = [*network.orderers, *network.peers]
    lines = [f"{node.host.address} {node.name}" for node in nodes if node.host.name != host]
    return "".join(f"{line}\n" for line in ["127.0.0.1 localhost", "::1 localhost", *lines])


def orderer(network: Network, service: Service, image: str) -> dict[str, Any]:
    """An ordering node: channel participation, no system channel, mutual TLS on admin and operations."""
    environment = {
        "FABRIC_LOGGING_SPEC": service.settings["log_level"],
        "ORDERER_GENERAL_LISTENADDRESS": "0.0.0.0",
        "ORDERER_GENERAL_LISTENPORT": str(service.ports["main"]),
        "ORDERER_GENERAL_LOCALMSPID": network.organizations[service.organization].msp_id,
        "ORDERER_GENERAL_LOCALMSPDIR": f"{IN_SECRETS}/msp",
        "ORDERER_GENERAL_BOOTSTRAPMETHOD": "none",
        "ORDERER_CHANNELPARTICIPATION_ENABLED": "true",
        "ORDERER_GENERAL_TLS_ENABLED": "true",
        "ORDERER_GENERAL_TLS_CERTIFICATE": f"{_CERTS}/server.crt",
        "ORDERER_GENERAL_TLS_PRIVATEKEY": f"{_CERTS}/server.key",
        "ORDERER_GENERAL_TLS_ROOTCAS": f"[{_CERTS}/ca.crt]",
        "ORDERER_GENERAL_CLUSTER_CLIENTCERTIFICATE": f"{_CERTS}/server.crt",
        "ORDERER_GENERAL_CLUSTER_CLIENTPRIVATEKEY": f"{_CERTS}/server.key",
        "ORDERER_GENERAL_CLUSTER_ROOTCAS": f"[{_CERTS}/ca.crt]",
        "ORDERER_ADMIN_LISTENADDRESS": f"0.0.0.0:{service.ports['admin']}",
        "ORDERER_ADMIN_TLS_ENABLED": "true",
        "ORDERER_ADMIN_TLS_CERTIFICATE": f"{_CERTS}/server.crt",
        "ORDERER_ADMIN_TLS_PRIVATEKEY": f"{_CERTS}/server.key",
        "ORDERER_ADMIN_TLS_CLIENTAUTHREQUIRED": "true",
        "ORDERER_ADMIN_TLS_CLIENTROOTCAS": f"[{_CERTS}/ca.crt]",
        "ORDERER_FILELEDGER_LOCATION": "/var/hyperledger/production/orderer",
        "ORDERER_CONSENSUS_WALDIR": "/var/hyperledger/production/etcdraft/wal",
        "ORDERER_CONSENSUS_SNAPDIR": "/var/hyperledger/production/etcdraft/snapshot",
        **_operations("ORDERER", service),
        "ORDERER_OPERATIONS_TLS_CERTIFICATE": f"{_CERTS}/server.crt",
        "ORDERER_OPERATIONS_TLS_PRIVATEKEY": f"{_CERTS}/server.key",
        "ORDERER_OPERATIONS_TLS_CLIENTROOTCAS": f"[{_CERTS}/ca.crt]",
    }
    return _node(service, image, environment, "orderer/chains")


def peer(network: Network, service: Service, image: str) -> dict[str, Any]:
    """A peer with Gateway and the chaincode-as-a-service builder; it keeps its state itself, in LevelDB."""
    organization = network.organizations[service.organization]
    # Only those before it, so that a peer that comes later changes nobody's definition. Anchor peers, and what the
    # others remember, bring back whoever was away.
    earlier = [node.endpoint for node in organization.peers[: organization.peers.index(service)]]
    builder = {"peername": service.name, "root_cert_file": f"{_CERTS}/ca.crt"}
    environment = {
        "FABRIC_LOGGING_SPEC": service.settings["log_level"],
        "CORE_PEER_ID": service.name,
        "CORE_PEER_ADDRESS": service.endpoint,
        "CORE_PEER_LISTENADDRESS": f"0.0.0.0:{service.ports['main']}",
        "CORE_PEER_LOCALMSPID": organization.msp_id,
        "CORE_PEER_MSPCONFIGPATH": f"{IN_SECRETS}/msp",
        "CORE_PEER_FILESYSTEMPATH": "/var/hyperledger/production",
        "CORE_LEDGER_SNAPSHOTS_ROOTDIR": "/var/hyperledger/production/snapshots",
        "CORE_PEER_GOSSIP_BOOTSTRAP": " ".join(earlier[:2]) or service.endpoint,
        "CORE_PEER_GOSSIP_EXTERNALENDPOINT": service.endpoint,
        # Of two peers that join a channel together, one is refused by the other, which is not there yet. It would try
        # again after 25 s, and until then neither knows that the other can endorse. Fabric gives up after 120 attempts:
        # more of them, so that it tries for 50 minutes as before.
        "CORE_PEER_GOSSIP_RECONNECTINTERVAL": "2s",
        "CORE_PEER_GOSSIP_MAXCONNECTIONATTEMPTS": "1500",
        "CORE_PEER_TLS_ENABLED": "true",
        "CORE_PEER_TLS_CERT_FILE": f"{_CERTS}/server.crt",
        "CORE_PEER_TLS_KEY_FILE": f"{_CERTS}/server.key",
        "CORE_PEER_TLS_ROOTCERT_FILE": f"{_CERTS}/ca.crt",
        "CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG": json.dumps(builder, sort_keys=True),
        **_operations("CORE", service),
        "CORE_OPERATIONS_TLS_CERT_FILE": f"{_CERTS}/server.crt",
        "CORE_OPERATIONS_TLS_KEY_FILE": f"{_CERTS}/server.key",
        "CORE_OPERATIONS_TLS_CLIENTROOTCAS_FILES": f"{_CERTS}/ca.crt",
    }
    return _node(service, image, environment, "ledgersData/chains/chains")


def _node(service: Service, image: str, environment: dict[str, str], ledgers: str) -> dict[str, Any]:
    """:param ledgers: the folder below its data that has a folder for each channel"""
    # Operations and gRPC are two servers in one process; and Fabric's own check does not miss a channel that it could
    # not open.
    more = (
        f"tls://127.0.0.1:{service.ports['main']}",
        "-ledgers",
        f"/var/hyperledger/production/{ledgers}",
    )
    probe = operations_healthcheck(service, "tls/ca.crt", "tls/server.crt", "tls/server.key", *more)
    return {
        **shell(service.name, image, service.settings, probe),
        "environment": environment,
        "ports": _publish(service),
        "volumes": [
            bind(HOSTS_FILE, "/etc/hosts"),
            bind(folder_of(service), IN_SECRETS),
            bind(f"{DATA}/{service.name}", "/var/hyperledger/production", read_only=False),
        ],
    }


def chaincode(service: Service, image: str, package_id: str) -> dict[str, Any]:
    """One instance of a chaincode, reached by its peer under the instance's name."""
    probe = ["/usr/local/bin/healthcheck", f"tls://127.0.0.1:{CHAINCODE_PORT}", "-ca", f"{_CERTS}/ca.crt",
             "-server-name", service.name]  # fmt: skip
    return {
        **shell(service.name, image, service.settings, probe),
        "environment": {
            "CHAINCODE_ID": package_id,
            "CHAINCODE_SERVER_ADDRESS": f"0.0.0.0:{CHAINCODE_PORT}",
            "CHAINCODE_TLS_KEY": f"{_CERTS}/server.key",
            "CHAINCODE_TLS_CERT": f"{_CERTS}/server.crt",
        },
        "volumes": [bind(folder_of(service), IN_SECRETS)],
    }


def store(network: Network, image: str, config_file: str, config: str) -> dict[str, Any]:
    """The OpenBao server."""
    settings = network.settings["secrets_store"]
    name = f"store.{network.settings['domain']}"
    probe = ["healthcheck", "https://127.0.0.1:8200/v1/sys/health?standbyok=true", "-ca", f"{IN_SECRETS}/ca_cert",
             "-server-name", name]  # fmt: skip
    return {
        **shell(name, image, settings, probe),
        "command": ["server", "-config=/etc/openbao/openbao.json"],
        "ports": [f"{settings['port']}:8200"],
        "labels": {"selvedge.config": digest_of(config)},
        "volumes": [
            bind(config_file, "/etc/openbao/openbao.json"),
            bind(f"{SECRETS}/store", IN_SECRETS),
            bind(f"{DATA}/store", "/var/lib/openbao", read_only=False),
        ],
    }


def registry(network: Network, image: str, config_file: str, config: str) -> dict[str, Any]:
    """The image registry."""
    name = f"registry.{network.settings['domain']}"
    settings = {"memory": "256m", "pids": 256, "runtime": "runc"}
    probe = [
        "healthcheck",
        "https://127.0.0.1:5000/v2/",
        "-ca",
        f"{IN_SECRETS}/ca_cert",
        "-server-name",
        name,
    ]
    return {
        **shell(name, image, settings, probe),
        # It comes from an archive, no registry is there before the registry.
        "pull_policy": "never",
        "command": ["serve", "/etc/distribution/config.yml"],
        "ports": [f"{network.settings['registry']['port']}:5000"],
        "labels": {"selvedge.config": digest_of(config)},
        "volumes": [
            bind(config_file, "/etc/distribution/config.yml"),
            bind(f"{SECRETS}/registry", IN_SECRETS),
            bind(f"{DATA}/registry", "/var/lib/registry", read_only=False),
        ],
    }
