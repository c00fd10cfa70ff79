"""Pushing an image to a registry over its HTTP API (OCI distribution spec 1.1)."""

from __future__ import annotations

import json
from contextlib import suppress
from urllib.parse import urljoin

from ansible_collections.selvedge.fabric.plugins.module_utils.images.oci import MANIFEST, OCI_MANIFEST, Image

with suppress(ImportError):  # the module says which package is missing
    import requests


class PushError(Exception):
    """The registry refused something."""


class Registry:
    """A registry over TLS.

    :param url: ``https://host:port``
    :param ca_file: path of the CA certificate to trust
    """

    def __init__(self, url: str, ca_file: str, timeout: float = 60) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.verify = ca_file
        self._session.trust_env = False

    def _call(self, method: str, url: str, expect: set[int], **kwargs: object) -> requests.Response:
        try:
            response = self._session.request(method, url, timeout=self._timeout, **kwargs)  # type: ignore[arg-type]
        except requests.RequestException as error:
            raise PushError(f"{method} {url}: {error}. Next: look whether the registry runs") from error
        if response.status_code not in expect:
            raise PushError(f"{method} {url} answered {response.status_code}: {response.text[:200]}")
        return response

    def has(self, repository: str, digest: str) -> bool:
        """Whether the registry holds this manifest."""
        url = f"{self._url}/v2/{repository}/manifests/{digest}"
        return (
            self._call("HEAD", url, {200, 404}, headers={"Accept": f"{MANIFEST}, {OCI_MANIFEST}"}).status_code
            == 200
        )

    def push(self, repository: str, tag: str, image: Image, beside: str = "") -> None:
        """Upload blobs that are missing, then the manifest under ``tag``.

        :param beside: another repository of this registry that may have some of the blobs; those are not sent again
        """
        base = f"{self._url}/v2/{repository}"
        parsed = json.loads(image.manifest)
        for part in [*parsed["layers"], parsed["config"]]:
            digest = part["digest"]
            if self._call("HEAD", f"{base}/blobs/{digest}", {200, 404}).status_code == 200:
                continue
            mount = {"mount": digest, "from": beside} if beside else {}
            started = self._call(
                "POST", f"{base}/blobs/uploads/", {201, 202} if beside else {202}, params=mount
            )
            if started.status_code == 201:
                continue
            location = urljoin(f"{base}/blobs/uploads/", started.headers.get("Location", ""))
            joiner = "&" if "?" in location else "?"
            self._call(
                "PUT",
                f"{location}{joiner}digest={digest}",
                {201},
                data=image.blobs[digest],
                headers={"Content-Type": "application/octet-stream"},
            )
        self._call(
            "PUT",
            f"{base}/manifests/{tag}",
            {201},
            data=image.manifest,
            headers={"Content-Type": image.media_type},
        )
