"""References by digest, as people write them."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.images.errors import PullError
from ansible_collections.selvedge.fabric.plugins.module_utils.images.reference import parse

DIGEST = f"sha256:{7:064x}"


@pytest.mark.parametrize(
    ("text", "registry", "repository", "url"),
    [
        ("docker.io/hyperledger/fabric-peer", "docker.io", "hyperledger/fabric-peer", "registry-1.docker.io"),
        ("hyperledger/fabric-peer", "docker.io", "hyperledger/fabric-peer", "registry-1.docker.io"),
        ("docker.io/registry", "docker.io", "library/registry", "registry-1.docker.io"),
        ("registry", "docker.io", "library/registry", "registry-1.docker.io"),
        ("registry:3", "docker.io", "library/registry", "registry-1.docker.io"),
        ("quay.io/openbao/openbao:2.4.0", "quay.io", "openbao/openbao", "quay.io"),
        ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c", "127.0.0.1:5000"),
        ("localhost/demo", "localhost", "demo", "localhost"),
    ],
)
def test_a_reference_is_read(text: str, registry: str, repository: str, url: str) -> None:
    found = parse(f"{text}@{DIGEST}")
    assert (found.registry, found.repository, found.digest) == (registry, repository, DIGEST)
    assert found.url == f"https://{url}/v2/{repository}"
    assert parse(str(found)) == found


@pytest.mark.parametrize(
    "text", ["fabric-peer:2.5.9", "fabric-peer@sha256:abc", "", f"a@{DIGEST}0", f"a@{DIGEST.upper()}"]
)
def test_what_has_no_digest_is_refused(text: str) -> None:
    with pytest.raises(PullError, match="is no image by digest: give a repository and its digest"):
        parse(text)
