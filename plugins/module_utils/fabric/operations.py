"""Operations endpoints (health checks and metrics), and the HTTPS requests without side effects beside them.

Source: hyperledger/fabric ``core/operations/system.go``, fabric-lib-go ``healthz/checker.go``; fabric-ca's
operations endpoint is the same.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.clock import Clock, clock_of
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import (
    FabricError,
    NoAnswerError,
    NotReadyError,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.metrics import Metrics
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint, tls_context

_LOOK = "check that it runs on its host, and read its log"


class _Connection(http.client.HTTPSConnection):
    """Checks the certificate against ``server_name``, whatever address it connects to, and remembers it."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._tls, self._server_name = tls_context(endpoint), endpoint.server_name
        self.certificate_pem = ""
        super().__init__(endpoint.address, context=self._tls, timeout=timeout)

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock: ssl.SSLSocket = self._tls.wrap_socket(self.sock, server_hostname=self._server_name)
        self.certificate_pem = ssl.DER_cert_to_PEM_cert(self.sock.getpeercert(binary_form=True) or b"")


@dataclass(frozen=True)
class Answers:
    """What GET requests over one connection brought.

    :param replies: HTTP status and body, in the order of the paths
    :param certificate_pem: the certificate that the server presented
    :param moments: of each reply, the clock here (seconds since 1970) when it was asked and when it came
    :param dates: of each reply, its header ``Date``
    """

    replies: list[tuple[int, bytes]] = field(repr=False)
    certificate_pem: str = field(repr=False)
    moments: list[tuple[float, float]] = field(default_factory=list, repr=False)
    dates: list[str] = field(default_factory=list, repr=False)


def get(endpoint: Endpoint, paths: list[str], timeout: float) -> Answers:
    """GET ``paths`` one after the other.

    Raises NotReadyError when nobody answers in ``timeout`` seconds or the connection is just closed, FabricError
    when TLS fails.
    """
    connection: _Connection | None = None
    try:
        connection = _Connection(endpoint, timeout)
        connection.connect()
        answers = Answers([], connection.certificate_pem)
        for path in paths:
            asked = time.time()
            connection.request("GET", path)
            response = connection.getresponse()
            answers.moments.append((asked, time.time()))
            answers.dates.append(response.headers.get("Date", ""))
            answers.replies.append((response.status, response.read()))
        return answers
    except ssl.SSLCertVerificationError as error:
        next_step = "check its TLS certificate, the name in it, and the CA that signed it"
        raise FabricError(f"its TLS certificate: {error.verify_message}", str(endpoint), next_step) from error
    except TimeoutError as error:
        raise NoAnswerError(f"no answer in {timeout:g} s", str(endpoint), _LOOK) from error
    except ssl.SSLEOFError as error:
        # Nobody who speaks TLS ends so: a proxy holds the port, with nothing behind it.
        raise NotReadyError("the connection was closed before an answer", str(endpoint), _LOOK) from error
    except ssl.SSLError as error:
        next_step = "check the client certificate, and the client CAs that the node is configured with"
        raise FabricError(f"TLS failed: {error.reason or error}", str(endpoint), next_step) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise NotReadyError(reason, str(endpoint), _LOOK) from error
    finally:
        if connection:
            connection.close()


def decode(body: bytes, what: str, endpoint: Endpoint) -> dict[str, Any]:
    """A JSON object. Raises FabricError when ``body`` is none."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise FabricError(f"{what} is no JSON object", str(endpoint), _LOOK)
    return found


@dataclass(frozen=True)
class Operations:
    """What an operations endpoint says.

    :param failed_checks: ``component: reason`` of each failed health check; empty when all is well
    :param metrics: None when the node keeps none
    :param certificate_pem: the TLS certificate that it presents
    :param clock: its clock against ours; None when it did not tell
    """

    failed_checks: tuple[str, ...]
    metrics: Metrics | None
    certificate_pem: str = field(default="", repr=False)
    clock: Clock | None = None

    @property
    def version(self) -> str:
        """The node's version, ``v2.5.9``; empty when it is unknown."""
        if self.metrics is None:
            return ""
        return self.metrics.label("fabric_version", "version")


def read_operations(endpoint: Endpoint, timeout: float) -> Operations:
    """Ask ``/healthz`` and ``/metrics``. Raises NotReadyError and FabricError as :func:`get`."""
    return operations_of(get(endpoint, ["/healthz", "/metrics"], timeout), endpoint)


def operations_of(answers: Answers, endpoint: Endpoint) -> Operations:
    """Read the answers of ``/healthz`` and ``/metrics``. Raises FabricError when they are none."""
    (health_status, health), (metrics_status, text) = answers.replies
    return Operations(
        failed_checks(health_status, health, endpoint),
        metrics_of(metrics_status, text, endpoint),
        answers.certificate_pem,
        clock_of(health, "time", answers.dates[0], answers.moments[0]),
    )


def failed_checks(status: int, body: bytes, endpoint: Endpoint) -> tuple[str, ...]:
    """The failed checks in an answer of ``/healthz``. Raises FabricError for any other answer."""
    if status == http.HTTPStatus.OK:
        return ()
    if status != http.HTTPStatus.SERVICE_UNAVAILABLE:
        raise _refused("/healthz", status, endpoint)
    checks = decode(body, "the answer of /healthz", endpoint).get("failed_checks") or []
    return tuple(f"{check.get('component')}: {check.get('reason')}" for check in checks) or ("unnamed",)


def metrics_of(status: int, body: bytes, endpoint: Endpoint) -> Metrics | None:
    """The metrics in an answer of ``/metrics``; None when the node's provider is not Prometheus."""
    if status == http.HTTPStatus.NOT_FOUND:
        return None
    if status != http.HTTPStatus.OK:
        raise _refused("/metrics", status, endpoint)
    try:
        return Metrics.from_text(body.decode())
    except ValueError as error:
        raise FabricError(f"/metrics is not readable: {error}", str(endpoint), _LOOK) from error


def _refused(path: str, status: int, endpoint: Endpoint) -> FabricError:
    next_step = "check the client certificate, and the client CAs that the node is configured with"
    return FabricError(f"{path} answered with HTTP {status}", str(endpoint), next_step)
