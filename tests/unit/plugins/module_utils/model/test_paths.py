from __future__ import annotations

from pathlib import PurePosixPath

from ansible_collections.selvedge.fabric.plugins.module_utils.model import paths


def test_secrets_lie_in_memory_and_nothing_else_does() -> None:
    assert paths.SECRETS.startswith("/run/")
    for place in (paths.CONFIG, paths.DATA, paths.LIBRARY, paths.CREDENTIALS, paths.AGENT):
        assert not place.startswith("/run")


def test_no_place_lies_in_another_kinds() -> None:
    places = [PurePosixPath(path) for path in (paths.CONFIG, paths.DATA, paths.LIBRARY, paths.SECRETS)]
    for one in places:
        assert not any(other in one.parents for other in places)


def test_containers_run_as_a_user_without_privileges() -> None:
    assert paths.UID >= 10000
