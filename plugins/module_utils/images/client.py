"""A registry that images are taken from, over its HTTP API (OCI distribution spec 1.1), with token authentication.

Source of the latter: distribution/distribution, docs/spec/auth/token.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from ansible_collections.selvedge.fabric.plugins.module_utils.images.credentials import (
    CredentialError,
    config_file,
    credentials_of,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.images.errors import PullError
from ansible_collections.selvedge.fabric.plugins.module_utils.images.reference import Reference

with suppress(ImportError):  # the module says which package is missing
    import requests

Credentials: TypeAlias = Callable[[str], "tuple[str, str] | None"]


def _nothing(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """A way to log in that keeps requests from looking into ``~/.netrc``."""
    return request


class Client:
    """Reads from registries; logs in where one asks for it.

    :param ca_file: path of the CA certificates to trust; by default those that Python trusts, or the environment names
    :param credentials: registry to user and password
    """

    def __init__(
        self, ca_file: str = "", timeout: float = 60, credentials: Credentials = credentials_of
    ) -> None:
        self._verify = ca_file or None
        self._timeout = timeout
        self._credentials = credentials
        self._authorization: dict[tuple[str, str], str] = {}
        # Proxies of the environment hold: upstream is somewhere in the world.
        self._session = requests.Session()
        self._session.auth = _nothing

    def get(self, reference: Reference, path: str, headers: dict[str, str]) -> requests.Response:
        """``GET`` below the reference's repository, as a stream; the caller closes it.

        :raises requests.RequestException: when the connection breaks
        :raises PullError: when the registry refuses
        """
        key, url = (reference.registry, reference.repository), f"{reference.url}/{path}"
        sent = {"Accept-Encoding": "identity", **headers}
        for last in (False, True):
            if key in self._authorization:
                sent["Authorization"] = self._authorization[key]
            response = self._session.get(
                url, headers=sent, stream=True, timeout=self._timeout, verify=self._verify
            )
            if response.status_code != 401 or last:
                break
            # Also when a token has expired between two blobs.
            self._authorization[key] = self._login(reference, response.headers.get("WWW-Authenticate", ""))
            response.close()
        if response.status_code in (200, 206, 416):
            return response
        text = read(response, 300).decode(errors="replace")
        response.close()
        raise refusal(reference, f"GET {url}", response.status_code, text)

    def _login(self, reference: Reference, challenge: str) -> str:
        """Do what a registry asks for; return the value of ``Authorization``."""
        scheme, _unused, rest = challenge.partition(" ")
        asked = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        try:
            known = self._credentials(reference.registry)
        except CredentialError as error:
            raise PullError(str(error)) from error
        if scheme.lower() == "basic" and known:
            basic = self._session.prepare_request(
                requests.Request("GET", reference.url, auth=requests.auth.HTTPBasicAuth(*known))
            )
            return basic.headers["Authorization"]
        if scheme.lower() != "bearer":
            raise refusal(reference, f"GET {reference.url}", 401, f"it asks for {challenge or 'nothing'}")
        realm = asked.get("realm", "")
        # A password does not travel in the clear, whatever a registry asks for.
        if not realm.startswith("https://"):
            raise PullError(f"{reference.registry} sends logins to {realm!r}, which is not https://")
        scope = asked.get("scope") or f"repository:{reference.repository}:pull"
        response = self._session.get(
            realm,
            params={"scope": scope, **({"service": asked["service"]} if "service" in asked else {})},
            auth=requests.auth.HTTPBasicAuth(*known) if known else _nothing,
            timeout=self._timeout,
            verify=self._verify,
        )
        if response.status_code != 200:
            raise refusal(reference, f"GET {realm}", response.status_code, response.text)
        try:
            said = response.json()
            return f"Bearer {said.get('token') or said['access_token']}"
        except (ValueError, KeyError, AttributeError) as error:
            raise PullError(f"GET {realm} answered without a token") from error


def read(response: requests.Response, limit: int) -> bytes:
    """What a streamed response has, at most a little more than ``limit`` bytes."""
    data = b""
    for chunk in response.iter_content(1 << 16):
        data += chunk
        if len(data) > limit:
            break
    return data


_NEXT = {
    401: "log in there with `docker login {registry}` (credentials are read from {file}), and look whether the "
    "repository's name is right: registries answer this for repositories that they do not have, too",
    403: "look whether the user of {file} may read the repository",
    404: "look whether the reference is right: upstream has no such repository or digest (any more)",
    429: "the registry limits downloads: wait, or log in with `docker login {registry}`; what was downloaded is kept",
}


def refusal(reference: Reference, asked: str, status: int, text: str) -> PullError:
    """A registry's answer as a sentence with a next step."""
    step = _NEXT.get(status, "try again later, the registry has trouble; what was downloaded is kept")
    step = step.format(registry=reference.registry, file=config_file())
    return PullError(f"{reference}: {asked} answered {status}: {' '.join(text.split())[:200]}. Next: {step}")
