"""Grafana as a service of the monitoring: its configuration, its sources, its container.

It is the one server of the monitoring that people log in to, so it asks nobody for a client certificate, and holds none
but its own: with that, Prometheus and Loki answer it, and no node does. What is secret it reads from files, none of it
stands in its configuration or its environment.

Source: Grafana's manual, "Configure Grafana" and "Provision Grafana"; grafana/grafana, conf/defaults.ini,
pkg/setting/expanders.go (``$__file``), pkg/services/provisioning/values, packaging/docker/run.sh.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.compose import (
    WATCHER_EVERY,
    bind,
    digest_of,
    shell,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import DATA, IN_SECRETS, MONITORING
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import GRAFANA
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import (
    METRICS_PASSWORD,
    folder_of,
    uid_of,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.dashboards import (
    FOLDER,
    PROVIDER_FILE,
    SOURCE,
    SOURCES_FILE,
    dashboard_files,
    dashboard_provider,
    datasource,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.prometheus import GRAFANA_USER

DATA_FOLDER = "/var/lib/grafana"
# Where upstream's image has its program's pages.
HOME = "/usr/share/grafana"
CONFIG_FILE = "grafana.ini"
# Grafana reads dashboards again every ten seconds, so a new one needs no restart.
DASHBOARDS = "dashboards"
LOGS_SOURCE = "selvedge-logs"
_TLS = f"{IN_SECRETS}/tls"
_OWN = {
    "tlsCACert": f"{_TLS}/ca.crt",
    "tlsClientCert": f"{_TLS}/server.crt",
    "tlsClientKey": f"{_TLS}/server.key",
}
Settings = dict[str, dict[str, str]]


def settings(service: Service) -> Settings:
    """What differs from Grafana's defaults: section to key to value."""
    return {
        "paths": {
            "data": DATA_FOLDER,
            "logs": f"{DATA_FOLDER}/log",
            "plugins": f"{DATA_FOLDER}/plugins",
            "provisioning": f"{FOLDER}/provisioning",
        },
        "server": {
            "protocol": "https",
            "http_addr": "0.0.0.0",
            "http_port": str(service.ports["main"]),
            "domain": service.host.reach,
            "cert_file": f"{_TLS}/server.crt",
            "cert_key": f"{_TLS}/server.key",
            "min_tls_version": "TLS1.3",
            # A renewed certificate is served without a restart.
            "certs_watch_interval": "1m",
        },
        "security": {
            "admin_user": "admin",
            "admin_password": _generated("admin_password"),
            "secret_key": _generated("secret_key"),
            "cookie_secure": "true",
            "cookie_samesite": "strict",
            "disable_gravatar": "true",
        },
        "users": {"allow_sign_up": "false", "allow_org_create": "false"},
        "auth.anonymous": {"enabled": "false"},
        "metrics": {
            "enabled": "true",
            "basic_auth_username": GRAFANA_USER,
            "basic_auth_password": _generated(METRICS_PASSWORD),
        },
        # Nobody outside is told of it or asked by it.
        "analytics": {
            "reporting_enabled": "false",
            "check_for_updates": "false",
            "check_for_plugin_updates": "false",
            "feedback_links_enabled": "false",
        },
        "news": {"news_feed_enabled": "false"},
        "snapshots": {"external_enabled": "false"},
        "public_dashboards": {"enabled": "false"},
        # What it runs is what is in its image.
        "plugins": {
            "plugin_admin_enabled": "false",
            "preinstall_disabled": "true",
            "preinstall_auto_update": "false",
            "public_key_retrieval_disabled": "true",
        },
        # Alerts are Prometheus' and Alertmanager's.
        "unified_alerting": {"enabled": "false"},
        "dashboards": {"default_home_dashboard_path": f"{FOLDER}/{DASHBOARDS}/network.json"},
        "log": {"mode": "console", "level": "info"},
        "log.console": {"format": "text"},
    }


def _generated(field: str) -> str:
    """Grafana replaces this by the file's content when it starts."""
    return f"$__file{{{IN_SECRETS}/{GRAFANA}/{field}}}"


def ini(sections: Settings) -> str:
    """The settings as Grafana reads them."""
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for name, keys in sections.items()
    )


def sources(network: Network) -> dict[str, Any]:
    """Whom it asks: Prometheus, and Loki where there is one of ours."""
    found = [_source(item, SOURCE, "Selvedge") for item in network.monitoring_of("prometheus")]
    found += [_source(item, LOGS_SOURCE, "Selvedge logs") for item in network.monitoring_of("loki")]
    # A source that left this file leaves Grafana.
    return {"apiVersion": 1, "prune": True, "datasources": found}


def _source(server: Service, uid: str, name: str) -> dict[str, Any]:
    url = f"https://{server.host.address}:{server.ports['main']}"
    return datasource(server.kind, uid, name, url, server.name, _OWN)


def grafana_config_files(network: Network, service: Service) -> dict[str, str]:
    """Name in the service's folder to content. No secret in it; JSON is YAML."""
    provisioned = {SOURCES_FILE: sources(network), PROVIDER_FILE: dashboard_provider(network.name)}
    return {
        CONFIG_FILE: ini(settings(service)),
        **{
            f"provisioning/{path}": json.dumps(content, indent=1) + "\n"
            for path, content in provisioned.items()
        },
        **{f"{DASHBOARDS}/{name}": text for name, text in dashboard_files().items()},
    }


def service(item: Service, image: str, files: dict[str, str], revision: str) -> dict[str, Any]:
    """Its container; parameters as of ``services.service``."""
    port = item.ports["main"]
    probe = [
        "/usr/local/bin/healthcheck",
        f"https://127.0.0.1:{port}/api/health",
        "-ca", f"{_TLS}/ca.crt",
        "-server-name", item.name,
    ]  # fmt: skip
    mounted = [f"{name} {files[name]}" for name in sorted(files) if not name.startswith(f"{DASHBOARDS}/")]
    return {
        **shell(item.name, image, item.settings, probe, WATCHER_EVERY),
        # Upstream's is 472; its image lets any user read, and write nowhere but where we mount something.
        "user": f"{uid_of(item)}:{uid_of(item)}",
        "ports": [f"{port}:{port}"],
        "command": ["server", f"--homepath={HOME}", f"--config={FOLDER}/{CONFIG_FILE}", "--packaging=docker"],
        "labels": {"selvedge.config": digest_of(*mounted, revision)},
        "volumes": [
            bind(f"{MONITORING}/{item.kind}", FOLDER),
            bind(folder_of(item), IN_SECRETS),
            bind(f"{DATA}/{item.name}", DATA_FOLDER, read_only=False),
        ],
    }
