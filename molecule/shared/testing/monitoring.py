"""Prometheus and Alertmanager of a deployed network, asked from the controller by the monitoring's own client."""

from __future__ import annotations

import json
import os
import ssl
import urllib.parse
import urllib.request
from functools import cached_property
from typing import Any

from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import (
    monitor_path,
    secret_path,
)


class Server:
    """One server of the monitoring.

    :param kind: ``prometheus`` or ``alertmanager``
    """

    def __init__(self, deployment: Deployment, kind: str) -> None:
        self._deployment = deployment
        (self.service,) = deployment.network.monitoring_of(kind)

    def ask(self, path: str, **query: str) -> Any:
        """The answer's JSON, which for Prometheus is what stands under ``data``."""
        words = f"?{urllib.parse.urlencode(query)}" if query else ""
        url = f"https://{self.service.reach()}{path}{words}"
        with urllib.request.urlopen(url, context=self.monitor, timeout=20) as answer:
            found = json.load(answer)
        return found["data"] if isinstance(found, dict) and "data" in found else found

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an expression, each with ``metric`` (labels) and ``value`` (time, text)."""
        return list(self.ask("/api/v1/query", query=expression)["result"])

    def context(self, secret: str) -> ssl.SSLContext:
        """TLS with the certificate of a secret, whose key is in no file."""
        fields = self._deployment.store.read(secret)
        assert fields, secret
        context = ssl.create_default_context(cadata=fields["tls_ca_cert"])
        handle = os.memfd_create("pair")
        os.write(handle, f"{fields['tls_cert']}{fields['tls_key']}".encode())
        context.load_cert_chain(f"/proc/self/fd/{handle}")
        os.close(handle)
        return context

    @cached_property
    def monitor(self) -> ssl.SSLContext:
        return self.context(monitor_path(self._deployment.network, self.service.organization))

    def refuses(self, node: str) -> bool:
        """Whether a node's own certificate, of the same authority, is not enough."""
        services = [*self._deployment.network.orderers, *self._deployment.network.peers]
        secret = next(secret_path(item) for item in services if item.name == node)
        try:
            url = f"https://{self.service.reach()}/-/healthy"
            urllib.request.urlopen(url, context=self.context(secret), timeout=20).close()
        except (OSError, ssl.SSLError):
            return True
        return False
