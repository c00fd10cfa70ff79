"""References to images of other registries, always by digest."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.selvedge.fabric.plugins.module_utils.images.errors import PullError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Reference:
    """Where an image lies.

    :param registry: ``host[:port]`` as people write it, such as ``docker.io``
    :param repository: such as ``hyperledger/fabric-peer``
    :param digest: ``sha256:`` and 64 hexadecimal digits
    """

    registry: str
    repository: str
    digest: str

    @property
    def url(self) -> str:
        """The repository's place in the registry's API."""
        # Docker's registry answers under another name than the one in references.
        host = "registry-1.docker.io" if self.registry == "docker.io" else self.registry
        return f"https://{host}/v2/{self.repository}"

    def __str__(self) -> str:
        return f"{self.registry}/{self.repository}@{self.digest}"


def parse(text: str) -> Reference:
    """Read ``[registry/]repository[:tag]@sha256:...``; the tag says nothing beside a digest.

    :raises PullError: when it is none
    """
    name, _unused, digest = text.partition("@")
    if not _DIGEST.fullmatch(digest):
        raise PullError(
            f"{text!r} is no image by digest: give a repository and its digest, such as repository@sha256:..."
        )
    first, _unused, rest = name.partition("/")
    if not rest or not (set(".:") & set(first) or first == "localhost"):
        first, rest = "docker.io", name
    repository = rest.rsplit(":", 1)[0] if ":" in rest.rsplit("/", 1)[-1] else rest
    if first == "docker.io" and "/" not in repository:
        repository = f"library/{repository}"
    return Reference(first, repository, digest)
