"""The fabric-ca server as a Compose service, and the files that the store's agent renders for it."""

from __future__ import annotations

from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.ca_config import (
    ENROLLMENT,
    MAIN_FILE,
    TLS,
    TLS_FILE,
    server_config,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.compose import (
    bind,
    operations_healthcheck,
    shell,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import DATA, IN_SECRETS, UID
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import folder_of

_HOME = "/run/fabric-ca"


def ca_files(network: Network, service: Service) -> dict[str, str]:
    """The CA's files, with the store's fields as placeholders; nothing for other kinds."""
    if service.kind != "ca":
        return {}
    return server_config(
        port=service.ports["main"], operations_address=f"0.0.0.0:{service.ports['operations']}", home=_HOME
    )


def ca_service(network: Network, service: Service, image: str) -> dict[str, Any]:
    """One server with the enrolment and the TLS CA. Whatever it writes beside its database is in memory."""
    # Its operations endpoint asks the database only; each of the two CAs has to answer.
    answers = (f"https://127.0.0.1:{service.ports['main']}/cainfo?ca={name}" for name in (ENROLLMENT, TLS))
    probe = operations_healthcheck(service, "tls_cert", "server_cert", "server_key", *answers)
    definition = shell(service.name, image, service.settings, probe)
    owned = f"uid={UID},gid={UID},mode=0700,size=8m"
    return {
        **definition,
        "environment": {"FABRIC_CA_SERVER_HOME": _HOME},
        "command": ["start", "--home", _HOME],
        "ports": [f"{port}:{port}" for port in service.ports.values()],
        "tmpfs": [*definition["tmpfs"], f"{_HOME}:{owned}", f"{_HOME}/tls:{owned}"],
        "volumes": [
            bind(folder_of(service), IN_SECRETS),
            bind(f"{folder_of(service)}/{MAIN_FILE}", f"{_HOME}/{MAIN_FILE}"),
            bind(f"{folder_of(service)}/{TLS_FILE}", f"{_HOME}/tls/{MAIN_FILE}"),
            bind(f"{DATA}/{service.name}", "/var/lib/fabric-ca", read_only=False),
        ],
    }
