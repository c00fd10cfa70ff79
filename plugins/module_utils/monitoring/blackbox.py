"""The blackbox exporter's configuration: how chaincodes, certificates and the store's seal are looked at.

Source: prometheus/blackbox_exporter, CONFIGURATION.md.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import IN_SECRETS

FOLDER = "/etc/blackbox"
_TIMEOUT = "5s"


def blackbox_config(network: Network, service: Service) -> dict[str, Any]:
    """The modules of the exporter on one host."""
    organizations = dict.fromkeys(
        item.organization for item in network.chaincodes if item.host == service.host
    )
    modules = {
        f"chaincode_{name}": _tls({"ca_file": f"{IN_SECRETS}/orgs/{name}/ca.crt"}) for name in organizations
    }
    # Only dates are read, and whoever connects to use the service verifies. So an expired one is seen as such.
    modules["certificate"] = _tls({"insecure_skip_verify": True})
    modules["store"] = {
        "prober": "http",
        "timeout": _TIMEOUT,
        "http": {
            "preferred_ip_protocol": "ip4",
            "ip_protocol_fallback": False,
            "follow_redirects": False,
            "tls_config": {"ca_file": f"{FOLDER}/ca.crt"},
        },
    }
    return {"modules": modules}


def _tls(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "prober": "tcp",
        "timeout": _TIMEOUT,
        "tcp": {
            "preferred_ip_protocol": "ip4",
            "ip_protocol_fallback": False,
            "tls": True,
            "tls_config": config,
        },
    }
