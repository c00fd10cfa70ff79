"""Blobs and manifests of registries, kept by digest and verified each time they are read."""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from ansible_collections.selvedge.fabric.plugins.module_utils.images.client import Client, read
from ansible_collections.selvedge.fabric.plugins.module_utils.images.errors import PullError
from ansible_collections.selvedge.fabric.plugins.module_utils.images.oci import (
    MANIFEST,
    OCI_MANIFEST,
    digest_of,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.images.reference import Reference

with suppress(ImportError):  # the module says which package is missing
    import requests

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
# What registries themselves refuse to store as a manifest. Source: OCI distribution spec 1.1, "Pushing Manifests".
MANIFEST_LIMIT = 4 << 20
ATTEMPTS = 4
WORTH_SAYING = 1_000_000
# What is lost at most when a connection breaks.
CHUNK = 1 << 16


class Blobs:
    """A folder of blobs, filled from registries.

    :param folder: where they lie, each under its digest; ``.part`` is one that is not complete
    :param pause: seconds before another attempt, times the number of attempts so far
    :param progress: called with one line for each download
    """

    def __init__(
        self,
        folder: Path,
        client: Client,
        pause: float = 1,
        progress: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._folder = folder
        self._client = client
        self._pause = pause
        self._progress = progress

    def manifest(self, reference: Reference, digest: str) -> bytes:
        """The manifest or the list of manifests with this digest."""
        if (known := self._known(digest)) is not None:
            return known
        accept = ", ".join((MANIFEST, MANIFEST_LIST, OCI_MANIFEST, INDEX))
        try:
            with self._client.get(reference, f"manifests/{digest}", {"Accept": accept}) as response:
                data = read(response, MANIFEST_LIMIT)
        except requests.RequestException as error:
            raise _broken(reference, error) from error
        if digest_of(data) != digest:
            raise _lies(reference, "manifest", digest, digest_of(data))
        self._folder.mkdir(parents=True, exist_ok=True)
        new = self._path(digest).with_suffix(".new")
        new.write_bytes(data)
        new.rename(self._path(digest))
        return data

    def blob(self, reference: Reference, digest: str, size: int) -> bytes:
        """The blob with this digest and size; a download that broke off is continued where it stopped."""
        if (known := self._known(digest)) is not None:
            return known
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._path(digest).with_suffix(".part")
        with part.open("a+b") as file:
            # Another run may want the same blob: it waits here, and finds it.
            fcntl.flock(file, fcntl.LOCK_EX)
            if (known := self._known(digest)) is not None:
                return known
            if size > WORTH_SAYING:
                self._progress(
                    f"downloading {size / 1e6:.1f} MB of {reference.registry}/{reference.repository}"
                )
            self._download(reference, digest, size, file)
            actual = _digest_of(file)
            if actual != digest:
                part.unlink()
                raise _lies(reference, "blob", digest, actual)
            part.rename(self._path(digest))
        return self._path(digest).read_bytes()

    def _download(self, reference: Reference, digest: str, size: int, file: IO[bytes]) -> None:
        trouble: Exception | None = None
        for attempt in range(ATTEMPTS):
            have = file.seek(0, 2)
            if have > size:
                have = file.truncate(0)
            if have == size:
                return
            time.sleep(self._pause * attempt)
            headers = {"Range": f"bytes={have}-"} if have else {}
            try:
                with self._client.get(reference, f"blobs/{digest}", headers) as response:
                    if response.status_code != 206 and have:
                        # A registry that knows no ranges sends it all again.
                        file.truncate(0)
                    if response.status_code == 416:
                        continue
                    for chunk in response.iter_content(CHUNK):
                        file.write(chunk)
                        if file.tell() > size:
                            break
                trouble = None
            except requests.RequestException as error:
                trouble = error
            finally:
                file.flush()
        have = file.seek(0, 2)
        if have > size:
            file.truncate(0)
            raise PullError(
                f"{reference}: blob {digest} has more than the {size} bytes that its manifest says"
            )
        if have < size:
            if trouble:
                raise _broken(reference, trouble)
            raise PullError(
                f"{reference}: blob {digest} ends after {have} of {size} bytes, {ATTEMPTS} times. Next: run again, "
                "it continues there; when it ends there again, the registry's copy is damaged"
            )

    def _known(self, digest: str) -> bytes | None:
        path = self._path(digest)
        if not path.is_file():
            return None
        data = path.read_bytes()
        if digest_of(data) == digest:
            return data
        # A disk that was full, or a cache that was copied halfway.
        path.unlink()
        return None

    def _path(self, digest: str) -> Path:
        return self._folder / digest.removeprefix("sha256:")


def _digest_of(file: IO[bytes]) -> str:
    file.seek(0)
    return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"  # type: ignore[arg-type]


def _lies(reference: Reference, what: str, wanted: str, actual: str) -> PullError:
    return PullError(
        f"{reference}: what came as {what} {wanted} has the digest {actual}; it was thrown away. "
        "Next: something between here and upstream changes or damages what is downloaded, find out what"
    )


def _broken(reference: Reference, error: Exception) -> PullError:
    return PullError(
        f"{reference}: {error}. Next: look whether {reference.registry} can be reached from the controller, by a proxy "
        "(HTTPS_PROXY) where there is one, and whether its certificate is trusted (images_upstream_ca_file)"
    )
