"""OpenBao, the default secrets store: KV version 2, one mount an organisation, login by certificate."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import (
    AbsentError,
    Secret,
    SecretsBackend,
    SecretsError,
)

with suppress(ImportError):  # the registry says which package is missing
    import hvac
    import requests
    from hvac import exceptions as hvac_errors
    from requests.adapters import HTTPAdapter

_T = TypeVar("_T")
_LOGIN = "logging in with the client certificate"
UNREACHED = "preflight.yml tells what keeps it from answering; where it was stopped, start.yml starts it"
SEALED = (
    "on its host, which preflight.yml names: systemctl restart selvedge-material-store selvedge-stack@store. The store "
    "unseals itself when it starts; if it stays sealed, read its log, and replace nothing before you have copies"
)
# One request; the store answers in milliseconds, this only bounds a hung one.
_REQUEST_TIMEOUT_S = 10.0
_POLL_S = 0.1
# The part of a token's time that it is used for: the rest is for requests under way.
_LEASE_USED = 0.8
_THREADS = 8


def _named_adapter(server_name: str) -> HTTPAdapter:
    """Checks the server's certificate against ``server_name``, whatever address the connection goes to."""

    class NamedAdapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            if server_name:
                kwargs.update(server_hostname=server_name, assert_hostname=server_name)
            super().init_poolmanager(*args, **kwargs)

    return NamedAdapter(pool_maxsize=_THREADS)


class OpenBao(SecretsBackend):
    """A store reached over HTTPS.

    It logs in when the first request is made, and again before the token's time is up; the token stays in this object.

    :param url: ``https://127.0.10.1:8200``
    :param ca_file: PEM file of the CA that signed the store's certificate
    :param cert_file: PEM file of the controller's client certificate
    :param key_file: PEM file of its key
    :param server_name: the name in the store's certificate, where it differs from the URL's
    :param timeout: seconds to wait for a store that is starting, sealed or without a leader
    :param role: the certificate role to log in to; empty lets the store choose by certificate
    """

    def __init__(
        self,
        url: str,
        ca_file: str,
        cert_file: str,
        key_file: str,
        server_name: str = "",
        timeout: float = 30,
        role: str = "",
    ) -> None:
        for name, path in (("ca_file", ca_file), ("cert_file", cert_file), ("key_file", key_file)):
            if not Path(path).is_file():
                raise SecretsError(
                    f"the store's {name} {path!r} is not a file", url, "run bootstrap.yml first"
                )
        self.url = url
        self._timeout = timeout
        self._role = role
        self._login = Lock()
        self._logged_in_until = -math.inf
        session = requests.Session()
        # Proxies and REQUESTS_CA_BUNDLE of the operator's shell must not redirect or weaken this connection.
        session.trust_env = False
        session.verify, session.cert = ca_file, (cert_file, key_file)
        session.mount("https://", _named_adapter(server_name))
        self._client = hvac.Client(url=url, session=session, timeout=_REQUEST_TIMEOUT_S)
        # Client() takes a token from the environment or ~/.vault-token, which is somebody else's.
        self._client.token = None

    def call(self, what: str, where: str, request: Callable[[hvac.Client], _T]) -> _T:
        """Run one request against the API, logged in; turn what fails into SecretsError.

        :param what: the request as a phrase, ``"reading a secret"``
        :param where: the path in the store
        :raises AbsentError: what is asked for does not exist
        """
        with self._login:
            if time.monotonic() >= self._logged_in_until:
                self._retry(_LOGIN, "auth/cert/login", self._do_login)
        return self._retry(what, where, request)

    def each(self, function: Callable[[str], _T], items: Sequence[str]) -> list[_T]:
        """``[function(item) for item in items]``, a few at a time."""
        if len(items) < 2:
            return [function(item) for item in items]
        with ThreadPoolExecutor(min(_THREADS, len(items))) as pool:
            return list(pool.map(function, items))

    def get(self, path: str) -> Secret | None:
        mount, name = _split(path)
        try:
            answer = self.call(
                "reading a secret",
                path,
                lambda client: client.secrets.kv.v2.read_secret_version(
                    name, mount_point=mount, raise_on_deleted_version=True
                ),
            )
        except AbsentError:
            return None
        data = answer["data"]
        return Secret(
            {key: str(value) for key, value in data["data"].items()}, int(data["metadata"]["version"])
        )

    def get_many(self, paths: Sequence[str]) -> dict[str, Secret | None]:
        return dict(zip(paths, self.each(self.get, paths), strict=True))

    def write(self, path: str, fields: dict[str, str], expected_version: int | None = None) -> int:
        mount, name = _split(path)
        try:
            answer = self.call(
                "writing a secret",
                path,
                lambda client: client.secrets.kv.v2.create_or_update_secret(
                    name, fields, cas=expected_version, mount_point=mount
                ),
            )
        except AbsentError as error:
            raise _no_mount(path) from error
        return int(answer["data"]["version"])

    def list(self, path: str) -> list[str]:
        mount, name = _split(path, mount_alone=True)
        try:
            answer = self.call(
                "listing secrets",
                path,
                lambda client: client.secrets.kv.v2.list_secrets(name, mount_point=mount),
            )
        except AbsentError:
            return []
        return [str(key) for key in answer["data"]["keys"]]

    def delete(self, path: str) -> None:
        mount, name = _split(path)
        self.call(
            "deleting a secret",
            path,
            lambda client: client.secrets.kv.v2.delete_metadata_and_all_versions(name, mount_point=mount),
        )

    def _do_login(self, client: hvac.Client) -> None:
        parameters = {"name": self._role} if self._role else {}
        # Not client.auth.cert.login(): that one reads the key file's path into the request's body.
        asked = time.monotonic()
        answer = client.adapter.post("/v1/auth/cert/login", json=parameters)
        client.token = answer["auth"]["client_token"]
        # 0 is a token without an end.
        lease = answer["auth"]["lease_duration"] or math.inf
        self._logged_in_until = asked + _LEASE_USED * lease

    def _retry(self, what: str, where: str, request: Callable[[hvac.Client], _T]) -> _T:
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                return request(self._client)
            except hvac_errors.InvalidPath as error:
                raise AbsentError(f"{what}: there is no such path", f"{self.url} {where}") from error
            except (requests.exceptions.SSLError, requests.exceptions.InvalidURL) as error:
                raise SecretsError(
                    f"{what} failed: {_last(error)}",
                    self.url,
                    "check url, server_name and ca_file of the store",
                ) from error
            except requests.exceptions.RequestException as error:
                failure = SecretsError(f"{what} failed: {_last(error)}", self.url, UNREACHED)
                if not isinstance(error, requests.exceptions.ConnectionError):
                    raise failure from error
            except hvac_errors.Forbidden as error:
                raise SecretsError(
                    f"{what} is not allowed: {_last(error)}",
                    f"{self.url} {where}",
                    "check the client certificate and the policy that its role carries",
                ) from error
            except hvac_errors.VaultError as error:
                failure = SecretsError(
                    f"{what} failed: {_last(error)}", f"{self.url} {where}", _remedy(error, what)
                )
                if not _passes(error):
                    raise failure from error
            if time.monotonic() >= deadline:
                raise failure
            time.sleep(_POLL_S)


def _passes(error: hvac_errors.VaultError) -> bool:
    """Whether the store only says that it is sealed, starting, electing a leader or making a mount."""
    if isinstance(error, (hvac_errors.VaultDown, hvac_errors.VaultNotInitialized)):
        return True
    text = str(error).lower()
    # A standby without a leader answers 500; a KV mount that was just made answers 400 for a moment.
    if isinstance(error, hvac_errors.InternalServerError | hvac_errors.BadGateway):
        return "active" in text
    return isinstance(error, hvac_errors.InvalidRequest) and "upgrading from non-versioned" in text


def _remedy(error: hvac_errors.VaultError, what: str) -> str:
    """What to do about an error that the store answered with. Source: OpenBao, http/handler.go."""
    text = str(error).lower()
    if isinstance(error, hvac_errors.VaultDown):
        return SEALED if "sealed" in text else UNREACHED
    if isinstance(error, hvac_errors.VaultNotInitialized):
        return "site.yml brings the store, which initialises itself at its first start; if it did not, read its log"
    if "check-and-set" in text:
        return "somebody else has written it meanwhile: run again"
    if what == _LOGIN and isinstance(error, hvac_errors.InvalidRequest | hvac_errors.Unauthorized):
        return "the folder .state must be the one that the store was deployed with: restore it"
    return "read the store's log with docker logs on its host, then run again"


def _split(path: str, mount_alone: bool = False) -> tuple[str, str]:
    mount, _unused, name = path.strip("/").partition("/")
    if not mount or not (name or mount_alone):
        raise SecretsError(f"{path!r} is not a path of the form mount/name", path)
    return mount, name


def _no_mount(path: str) -> SecretsError:
    return SecretsError("there is no such mount", path, "run the store_config module, it makes the mounts")


def _last(error: Exception) -> str:
    """The innermost reason in one line; requests wraps it three times, the store spreads it over lines."""
    return " ".join(str(getattr(error, "reason", None) or error).split())[:300]
