"""Downloads by digest from a registry that logs in, breaks off, cuts short and lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.images.blobs import ATTEMPTS, Blobs
from ansible_collections.selvedge.fabric.plugins.module_utils.images.client import Client
from ansible_collections.selvedge.fabric.plugins.module_utils.images.credentials import CredentialError
from ansible_collections.selvedge.fabric.plugins.module_utils.images.errors import PullError
from ansible_collections.selvedge.fabric.plugins.module_utils.images.oci import digest_of
from ansible_collections.selvedge.fabric.plugins.module_utils.images.reference import Reference, parse
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.images.registry_server import (
    RegistryServer,
)

REPOSITORY = "hyperledger/demo"
MANIFEST = b'{"schemaVersion": 2, "layers": []}'
BLOB = bytes(range(256)) * 1000
DIGEST = digest_of(BLOB)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path) as running:
        running.state.publish(REPOSITORY, MANIFEST, blobs={DIGEST: BLOB}, kind="application/json")
        yield running


@pytest.fixture
def reference(server: RegistryServer) -> Reference:
    return parse(f"{server.url.removeprefix('https://')}/{REPOSITORY}@{digest_of(MANIFEST)}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


def blobs_of(server: RegistryServer, folder: Path, known: dict[str, tuple[str, str]] | None = None) -> Blobs:
    return Blobs(folder, Client(server.ca_file, timeout=10, credentials=(known or {}).get), pause=0)


def test_what_is_there_is_not_asked_for_again(
    server: RegistryServer, reference: Reference, folder: Path
) -> None:
    for _unused in range(2):
        blobs = blobs_of(server, folder)
        assert blobs.manifest(reference, reference.digest) == MANIFEST
        assert blobs.blob(reference, DIGEST, len(BLOB)) == BLOB
    assert len(server.state.log) == 2
    assert {path.name for path in folder.iterdir()} == {digest_of(MANIFEST)[7:], DIGEST[7:]}


def test_a_damaged_cache_is_found_and_filled_again(
    server: RegistryServer, reference: Reference, folder: Path
) -> None:
    blobs = blobs_of(server, folder)
    blobs.blob(reference, DIGEST, len(BLOB))
    (folder / DIGEST[7:]).write_bytes(BLOB[:-1] + b"\0")
    assert blobs.blob(reference, DIGEST, len(BLOB)) == BLOB
    assert (folder / DIGEST[7:]).read_bytes() == BLOB


@pytest.mark.parametrize("ranges", [True, False], ids=["with ranges", "without ranges"])
def test_a_download_that_breaks_off_is_continued(
    server: RegistryServer, reference: Reference, folder: Path, ranges: bool
) -> None:
    server.state.cuts, server.state.ranges = [100_000, 70_000], ranges
    assert blobs_of(server, folder).blob(reference, DIGEST, len(BLOB)) == BLOB
    # Less than a chunk is lost at each break.
    assert server.state.starts == ([0, 65536, 131072] if ranges else [0, 0, 0])


def test_a_later_run_continues_too(server: RegistryServer, reference: Reference, folder: Path) -> None:
    server.state.cuts = [100_000] + [0] * (ATTEMPTS - 1)
    with pytest.raises(
        PullError, match=r"hyperledger/demo@.*Next: look whether 127\.0\.0\.1:\d+ can be reached"
    ):
        blobs_of(server, folder).blob(reference, DIGEST, len(BLOB))
    assert (folder / f"{DIGEST[7:]}.part").stat().st_size == 65536
    server.state.damaged[DIGEST] = b"-" * 65536 + BLOB[65536:]  # what was there comes from the first run
    assert blobs_of(server, folder).blob(reference, DIGEST, len(BLOB)) == BLOB


def test_a_truncated_blob_says_where_it_ends(
    server: RegistryServer, reference: Reference, folder: Path
) -> None:
    server.state.damaged[DIGEST] = BLOB[:1234]
    with pytest.raises(
        PullError, match=rf"blob {DIGEST} ends after \d+ of 256000 bytes, {ATTEMPTS} times. Next: "
    ):
        blobs_of(server, folder).blob(reference, DIGEST, len(BLOB))
    assert not (folder / DIGEST[7:]).exists()


def test_a_blob_with_other_bytes_is_thrown_away(
    server: RegistryServer, reference: Reference, folder: Path
) -> None:
    server.state.damaged[DIGEST] = BLOB[:-1] + b"\0"
    with pytest.raises(
        PullError, match=rf"came as blob {DIGEST} has the digest sha256:.*it was thrown away. Next: "
    ):
        blobs_of(server, folder).blob(reference, DIGEST, len(BLOB))
    assert list(folder.iterdir()) == []


def test_a_blob_that_is_too_long_is_not_read_to_its_end(
    server: RegistryServer, reference: Reference, folder: Path
) -> None:
    server.state.damaged[DIGEST] = BLOB * 40
    with pytest.raises(PullError, match="has more than the 256000 bytes"):
        blobs_of(server, folder).blob(reference, DIGEST, len(BLOB))
    assert (folder / f"{DIGEST[7:]}.part").stat().st_size == 0


def test_a_manifest_with_another_digest_is_refused(
    server: RegistryServer, reference: Reference, folder: Path
) -> None:
    server.state.manifests[f"{REPOSITORY}@{reference.digest}"] = MANIFEST + b" "
    with pytest.raises(
        PullError, match=rf"came as manifest {reference.digest} has the digest {digest_of(MANIFEST + b' ')}"
    ):
        blobs_of(server, folder).manifest(reference, reference.digest)
    assert not folder.exists()


@pytest.mark.parametrize("login", ["token", "basic"])
def test_a_login_is_done_once_a_repository(
    server: RegistryServer, reference: Reference, folder: Path, login: str
) -> None:
    server.state.login, server.state.users = login, {"me": "secret"}
    blobs = blobs_of(server, folder, {reference.registry: ("me", "secret")})
    assert blobs.manifest(reference, reference.digest) == MANIFEST
    assert blobs.blob(reference, DIGEST, len(BLOB)) == BLOB
    # Refused, the login, again with it; then with it at once.
    assert len(server.state.log) == (4 if login == "token" else 3)


def test_a_token_is_given_without_credentials_where_everybody_may_read(
    server: RegistryServer, reference: Reference, folder: Path
) -> None:
    server.state.login, server.state.public = "token", True
    assert blobs_of(server, folder).manifest(reference, reference.digest) == MANIFEST
    assert server.state.seen[1] == ("/token", "")


def test_an_expired_token_is_renewed(server: RegistryServer, reference: Reference, folder: Path) -> None:
    server.state.login, server.state.users = "token", {"me": "secret"}
    blobs = blobs_of(server, folder, {reference.registry: ("me", "secret")})
    blobs.manifest(reference, reference.digest)
    server.state.tokens = {"another"}
    assert blobs.blob(reference, DIGEST, len(BLOB)) == BLOB


@pytest.mark.parametrize("login", ["token", "basic"])
@pytest.mark.parametrize("known", [{}, {"me": "wrong"}], ids=["no credentials", "wrong ones"])
def test_a_registry_that_does_not_let_in_names_the_login(
    server: RegistryServer, reference: Reference, folder: Path, login: str, known: dict[str, str]
) -> None:
    server.state.login, server.state.users = login, {"me": "secret"}
    given = {reference.registry: next(iter(known.items()))} if known else {}
    with pytest.raises(
        PullError, match=r"answered 401: .*Next: log in there with `docker login 127\.0\.0\.1:\d+`"
    ) as said:
        blobs_of(server, folder, given).manifest(reference, reference.digest)
    assert "wrong" not in str(said.value)


def test_credentials_do_not_follow_a_redirect(
    server: RegistryServer, reference: Reference, folder: Path, tmp_path: Path
) -> None:
    server.state.login, server.state.users = "basic", {"me": "secret"}
    (tmp_path / "cdn").mkdir()
    with RegistryServer(tmp_path / "cdn") as cdn:
        cdn.state.publish(REPOSITORY, blobs={DIGEST: BLOB}, kind="")
        server.state.redirect = cdn.url.replace("127.0.0.1", "localhost")
        bundle = tmp_path / "both.crt"
        bundle.write_text(Path(server.ca_file).read_text() + Path(cdn.ca_file).read_text())
        client = Client(str(bundle), timeout=10, credentials={reference.registry: ("me", "secret")}.get)
        assert Blobs(folder, client, pause=0).blob(reference, DIGEST, len(BLOB)) == BLOB
        assert [sent for _unused, sent in cdn.state.seen] == [""]
    assert server.state.seen[-1][1].startswith("Basic ")


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (403, "look whether the user of .* may read the repository"),
        (404, "upstream has no such repository or digest"),
        (429, "the registry limits downloads: wait, or log in"),
        (500, "try again later"),
    ],
)
def test_a_refusal_says_what_was_asked_and_what_to_do(
    server: RegistryServer, reference: Reference, folder: Path, status: int, step: str
) -> None:
    server.state.refuse["GET", "/manifests/"] = status
    with pytest.raises(
        PullError,
        match=rf"GET {server.url}/v2/{REPOSITORY}/manifests/{reference.digest} answered {status}: .*{step}",
    ):
        blobs_of(server, folder).manifest(reference, reference.digest)


def test_a_login_over_http_is_refused(server: RegistryServer, reference: Reference, folder: Path) -> None:
    server.state.login, server.state.realm = "token", "http://127.0.0.1:1/token"
    with pytest.raises(PullError, match="sends logins to 'http://127.0.0.1:1/token', which is not https://"):
        blobs_of(server, folder).manifest(reference, reference.digest)


def test_credentials_that_cannot_be_read_are_an_error_of_the_pull(
    server: RegistryServer, reference: Reference, folder: Path
) -> None:
    def broken(registry: str) -> tuple[str, str] | None:
        raise CredentialError(f"no credentials for {registry}")

    server.state.login = "basic"
    with pytest.raises(PullError, match="no credentials for 127"):
        Blobs(folder, Client(server.ca_file, 10, broken)).manifest(reference, reference.digest)


def test_a_stranger_is_not_trusted(server: RegistryServer, reference: Reference, folder: Path) -> None:
    with pytest.raises(PullError, match=r"CERTIFICATE_VERIFY_FAILED.*images_upstream_ca_file"):
        Blobs(folder, Client(timeout=10)).manifest(reference, reference.digest)
    assert server.state.log == []


def test_the_operators_netrc_is_left_alone(
    server: RegistryServer,
    reference: Reference,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    blobs_of(server, folder).manifest(reference, reference.digest)
    assert [sent for _unused, sent in server.state.seen] == [""]
