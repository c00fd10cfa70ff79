"""What may lie where, by the closed list: on hosts that seal their boot material, and on one that cannot."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import load
from ansible_collections.selvedge.fabric.tests.leaks import host as search
from ansible_collections.selvedge.fabric.tests.leaks.rules import Rules
from ansible_collections.selvedge.fabric.tests.leaks.secrets import Secret
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    lab_model,
)

SEALED, CLEAR = "/etc/credstore.encrypted", "/etc/credstore"
NAMES = {"store seal_key": "store-seal_key", "store server_key": "store-server_key",
         "registry server_key": "registry-server_key", "AppRole secret id": "agent-secret_id"}  # fmt: skip


@pytest.fixture
def rules() -> Rules:
    """The lab's network, whose first host (of the store and the registry) cannot seal."""
    hosts = {**LAB_HOSTS, "host1": {**LAB_HOSTS["host1"], "seal": "none"}}
    deployment = SimpleNamespace(network=load(lab_model(), hosts), state_dir=Path("/state"))
    return Rules(cast(Deployment, deployment))


def found(path: str, place: str = "disk") -> dict[str, Any]:
    return {"findings": [{"place": place, "path": path, "secret": 0, "forms": ["raw"], "offset": 0}]}


@pytest.mark.parametrize(("secret", "file"), NAMES.items())
def test_a_host_that_cannot_seal_has_each_secret_in_its_one_file(
    rules: Rules, secret: str, file: str
) -> None:
    own = [Secret(f"host1 {secret}", b"x")]
    assert rules.judge("host1", own, found(f"{CLEAR}/selvedge-{file}")) == []
    for path in (f"{SEALED}/selvedge-{file}", f"{CLEAR}/selvedge-{file}.new", f"{CLEAR}/other", "/root/key"):
        assert rules.judge("host1", own, found(path)), path
    assert rules.judge("host1", [Secret(f"host2 {secret}", b"x")], found(f"{CLEAR}/selvedge-{file}"))
    other = next(name for name in NAMES.values() if name != file)
    assert rules.judge("host1", own, found(f"{CLEAR}/selvedge-{other}"))


def test_a_host_that_can_has_nothing_in_the_clear(rules: Rules) -> None:
    own = [Secret("host2 AppRole secret id", b"x")]
    for folder in (CLEAR, SEALED):
        assert rules.judge("host2", own, found(f"{folder}/selvedge-agent-secret_id")), folder


def file(path: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "mode": "0600", "uid": 0, "kind": "x", **more}


def test_files_of_credentials_are_a_closed_list_for_root_alone(rules: Rules) -> None:
    clear, sealed = (f"{folder}/selvedge-agent-secret_id" for folder in (CLEAR, SEALED))
    assert rules.sealed("host1", [file(clear), file(f"{CLEAR}/selvedge-store-seal_key")]) == []
    assert rules.sealed("host2", [file(sealed)]) == []
    for host, path in (("host1", sealed), ("host2", clear), ("host2", f"{SEALED}/selvedge-store-seal_key")):
        (finding,) = rules.sealed(host, [file(path)])
        assert (finding.path, finding.what) == (path, "not in boot-material.yml")
    for wrong in ({"mode": "0640"}, {"uid": 10001}):
        assert rules.sealed("host1", [file(clear, **wrong)])
    (finding,) = rules.sealed("host2", [file(sealed, kind="058469daf6f543248005490d0f8ea2fb")])
    assert "everybody has" in finding.what


def test_both_folders_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (("SEALED", b"WKaGadu19DJIAFSQ0Pjqc1hh"), ("CLEAR", b"\x00secret")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one").write_bytes(content)
        (tmp_path / name / "one").chmod(0o600)
        monkeypatch.setattr(search, name, str(tmp_path / name))
    kinds = {
        item["path"].removeprefix(f"{tmp_path}/"): (item["kind"], item["mode"]) for item in search.sealed()
    }
    assert kinds["CLEAR/one"] == ("clear", "0600")
    assert len(kinds["SEALED/one"][0]) == 32
    assert len(kinds) == 2
