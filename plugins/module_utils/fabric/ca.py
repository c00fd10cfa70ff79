"""A fabric-ca client: its REST interface, spoken from memory.

Requests that change something carry a token: ``b64(certificate PEM).b64(signature)``, where the signature
(low-S ECDSA) is over ``METHOD.b64(URI).b64(body).b64(certificate PEM)``. Source: fabric-ca 1.5.15,
util/util.go (GenECDSAToken) and swagger/swagger-fabric-ca.json.
"""

from __future__ import annotations

import http.client
import json
import secrets
import time
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import quote

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint, tls_context

_TIMEOUT_S = 20.0
_POLL_S = 0.1
_CONFLICT = 74  # lib/caerrors/servererror.go: ErrDupIdentityReg


class CaRefusedError(FabricError):
    """The server answered, and said no.

    :ivar code: its error code, of lib/caerrors/servererror.go
    """

    def __init__(self, what: str, where: str, code: int, next_step: str = "") -> None:
        self.code = code
        super().__init__(what, where, next_step)


class CertificateAuthority:
    """One CA of a fabric-ca server, over one connection that is kept open. Not for use by several threads.

    :param endpoint: the server
    :param name: which of its CAs
    """

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        self.endpoint, self.name = endpoint, name
        self._connection: http.client.HTTPSConnection | None = None

    def __enter__(self) -> CertificateAuthority:
        return self

    def __exit__(self, *_unused: object) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def info(self) -> dict[str, Any]:
        """``CAName``, ``CAChain`` (PEM), ``Version``. Raises NotReadyError while there is no answer."""
        result = self._request("GET", f"/cainfo?ca={quote(self.name)}")
        return {**result, "CAChain": b64decode(result["CAChain"]).decode()}

    def wait(self, seconds: float) -> dict[str, Any]:
        """``info`` as soon as the server answers; raises NotReadyError after ``seconds``."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.info()
            except NotReadyError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(_POLL_S)

    def enroll(self, name: str, password: str, request_pem: str, profile: str = "") -> str:
        """Have a certificate signed; return it as PEM.

        :param name: the identity; must be the request's common name
        :param request_pem: certificate signing request
        :param profile: the server's signing profile; empty for its default
        """
        basic = b64encode(f"{name}:{password}".encode()).decode()
        body = {"certificate_request": request_pem, "profile": profile, "caname": self.name}
        result = self._request("POST", "/api/v1/enroll", body, f"Basic {basic}")
        return b64decode(result["Cert"]).decode()

    def register(self, registrar: Signer, name: str, kind: str) -> str:
        """Register an identity and return its new password; an identity that is there gets a new password.

        :param registrar: an identity of this CA with the right to register
        :param kind: ``peer``, ``orderer``, ``client`` or ``admin``; the certificate's organisational unit
        """
        password = secrets.token_urlsafe(32)
        body = {"type": kind, "secret": password, "caname": self.name}
        try:
            self._signed(registrar, "POST", "/api/v1/register", {"id": name, **body})
        except CaRefusedError as error:
            if error.code != _CONFLICT:
                raise
            self._signed(registrar, "PUT", f"/api/v1/identities/{quote(name, safe='')}", {"id": name, **body})
        return password

    def _signed(self, signer: Signer, method: str, uri: str, body: dict[str, Any]) -> Any:
        data = json.dumps(body).encode()
        return self._request(method, uri, data, token(signer, method, uri, data))

    def _request(
        self, method: str, uri: str, body: dict[str, Any] | bytes | None = None, authorization: str = ""
    ) -> Any:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        headers = {"Content-Type": "application/json"}
        if authorization:
            headers["Authorization"] = authorization
        try:
            if self._connection is None:
                self._connection = self._connect()
            self._connection.request(method, uri, data, headers)
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.__exit__()
            raise NotReadyError(
                f"the certificate authority {self.name!r} does not answer: {error or type(error).__name__}",
                str(self.endpoint),
                "check that its container runs, and its log",
            ) from error
        return self._result(method, uri, response.status, text)

    def _connect(self) -> http.client.HTTPSConnection:
        host, _unused, port = self.endpoint.address.rpartition(":")
        connection = _NamedConnection(host, int(port), timeout=_TIMEOUT_S, context=tls_context(self.endpoint))
        connection.server_name = self.endpoint.server_name
        connection.connect()
        return connection

    def _result(self, method: str, uri: str, status: int, text: bytes) -> Any:
        try:
            answer = json.loads(text)
        except ValueError as error:
            what = f"{method} {uri} was answered with HTTP {status} and no JSON"
            raise FabricError(what, str(self.endpoint)) from error
        if answer.get("success"):
            return answer["result"]
        first = (answer.get("errors") or [{}])[0]
        raise CaRefusedError(
            f"the certificate authority {self.name!r} refused {method} {uri}: {first.get('message', status)}",
            str(self.endpoint),
            int(first.get("code", 0)),
        )


class _NamedConnection(http.client.HTTPSConnection):
    """Checks the server's certificate against ``server_name``, whatever address the connection goes to."""

    server_name = ""

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._context.wrap_socket(  # type: ignore[attr-defined]
            self.sock, server_hostname=self.server_name or self.host
        )


def token(signer: Signer, method: str, uri: str, body: bytes) -> str:
    """The authorisation header of a signed request.

    :param uri: path with query, as in the request line
    """
    certificate = b64encode(signer.cert_pem.encode()).decode()
    parts = [method, b64encode(uri.encode()).decode(), b64encode(body).decode(), certificate]
    return f"{certificate}.{b64encode(signer.sign('.'.join(parts).encode())).decode()}"
