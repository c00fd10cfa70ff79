"""Values are sealed by the real systemd-creds where there is one, with a host key of the test's own."""

from __future__ import annotations

import base64
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.modules import sealed_credentials
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.systemd import Systemctl

UNIT = "selvedge-material-store.service"
VALUES = {"seal_key": bytes(range(32)), "server_key": b"-----BEGIN PRIVATE KEY-----\n"}
ENCODED = {name: base64.b64encode(value).decode() for name, value in VALUES.items()}
RESTART = [f"enable {UNIT}", f"restart {UNIT}"]
needs_creds = pytest.mark.skipif(not shutil.which("systemd-creds"), reason="systemd-creds is not installed")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where sealed files go, and the key that seals them: nothing of this machine's own."""
    place = tmp_path / "credstore.encrypted"
    monkeypatch.setattr(
        sealed_credentials, "FOLDERS", {"systemd-creds": str(place), "none": str(tmp_path / "credstore")}
    )
    monkeypatch.setenv("SYSTEMD_CREDENTIAL_SECRET", str(tmp_path / "credential.secret"))
    return place


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    return Systemctl(tmp_path / "systemd", monkeypatch)


def call(run: ModuleRunner, check: bool = False, **more: Any) -> dict[str, Any]:
    options = {"stack": "store", "names": list(VALUES), "unit": UNIT, **more}
    return run(sealed_credentials.main, check=check, **options)


def unsealed(folder: Path, name: str) -> bytes:
    path = folder / f"selvedge-store-{name}"
    command = ["systemd-creds", "decrypt", f"--name={name}", str(path), "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_without_values_it_only_says_what_is_missing(
    run: ModuleRunner, folder: Path, systemctl: Systemctl
) -> None:
    for check in (True, False):
        result = call(run, check=check)
        assert (result["changed"], result["missing"]) == (True, list(VALUES))
    assert not folder.exists()
    assert systemctl.commands() == []


@needs_creds
def test_values_are_sealed_and_the_unit_takes_them(
    run: ModuleRunner, folder: Path, systemctl: Systemctl
) -> None:
    predicted = call(run, check=True, values=ENCODED)
    assert predicted["changed"] is True
    assert not folder.exists()
    assert systemctl.commands() == []
    result = call(run, values=ENCODED)
    assert result["changed"] is True
    assert systemctl.commands() == RESTART
    assert {name: unsealed(folder, name) for name in VALUES} == VALUES
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == [
        "selvedge-store-seal_key",
        "selvedge-store-server_key",
    ]
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not any(
            value in path.read_bytes() or value in str(result).encode() for value in VALUES.values()
        )
    again = call(run)
    assert (again["changed"], again["missing"]) == (False, [])
    assert systemctl.commands() == []


@needs_creds
def test_only_the_values_that_are_given_are_sealed_anew(
    run: ModuleRunner, folder: Path, systemctl: Systemctl
) -> None:
    call(run, values=ENCODED)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    new = base64.b64encode(b"new").decode()
    call(run, values={"server_key": new})
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after["selvedge-store-seal_key"] == before["selvedge-store-seal_key"]
    assert unsealed(folder, "server_key") == b"new"


@needs_creds
@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("state", "loaded", "changed"),
    [("active", "same", False), ("failed", "same", True), ("active", "older", True), ("active", None, True)],
)
def test_a_unit_that_does_not_run_is_started_and_check_mode_knows(
    run: ModuleRunner,
    folder: Path,
    systemctl: Systemctl,
    state: str,
    loaded: str | None,
    changed: bool,
    check: bool,
    tmp_path: Path,
) -> None:
    """A unit that runs with another configuration than the host has is restarted."""
    more = {"revision": "same", "loaded": str(tmp_path / "loaded")}
    if loaded:
        (tmp_path / "loaded").write_text(loaded)
    call(run, values=ENCODED)
    systemctl.commands()
    systemctl.unit(UNIT, "enabled", state)
    assert call(run, check=check, **more)["changed"] is changed
    assert systemctl.commands() == (RESTART if changed and not check else [])


def test_a_lost_seal_key_is_not_made_anew_beside_its_data(
    run: ModuleRunner, folder: Path, systemctl: Systemctl, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    assert call(run, data=str(tmp_path / "data"))["changed"] is True, "a new store has no data"
    (tmp_path / "data" / "raft.db").write_text("x")
    result = call(run, data=str(tmp_path / "data"))
    assert result["failed"] is True
    assert "seal_key is missing, but" in result["msg"]


def test_without_a_seal_values_are_files_for_root_alone(
    run: ModuleRunner, folder: Path, systemctl: Systemctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No systemd-creds takes part, and nobody else could read them for a moment."""
    (tmp_path / "bin").mkdir()
    for name in ("sh", "cat", "grep"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    monkeypatch.setenv("PATH", f"{os.environ['PATH'].split(':')[0]}:{tmp_path / 'bin'}")
    clear = tmp_path / "credstore"
    before = os.umask(0)
    try:
        predicted = call(run, check=True, seal="none", values=ENCODED)
        assert (predicted["changed"], clear.exists()) == (True, False)
        # What a killed run left is no way in: the new file is never the old one.
        clear.mkdir(mode=0o755)
        (clear / "selvedge-store-seal_key.new").write_text("older")
        (clear / "selvedge-store-seal_key.new").chmod(0o644)
        result = call(run, seal="none", values=ENCODED)
    finally:
        os.umask(before)
    assert result["changed"] is True
    assert systemctl.commands() == RESTART
    assert {path.name for path in clear.iterdir()} == {f"selvedge-store-{name}" for name in VALUES}
    for name, value in VALUES.items():
        path = clear / f"selvedge-store-{name}"
        assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (value, 0o600)
    assert not folder.exists()
    again = call(run, seal="none")
    assert (again["changed"], again["missing"]) == (False, [])


@needs_creds
def test_another_seal_replaces_what_can_be_made_anew(
    run: ModuleRunner, folder: Path, systemctl: Systemctl, tmp_path: Path
) -> None:
    secret = {"names": ["secret_id"], "values": {"secret_id": base64.b64encode(b"first").decode()}}
    call(run, seal="none", **secret)
    assert call(run, names=["secret_id"])["missing"] == ["secret_id"]
    call(run, **{**secret, "values": {"secret_id": base64.b64encode(b"second").decode()}})
    assert unsealed(folder, "secret_id") == b"second"
    assert list((tmp_path / "credstore").iterdir()) == []


@pytest.mark.parametrize(("then", "now"), [("none", "systemd-creds"), ("systemd-creds", "none")])
def test_another_seal_does_not_lock_the_store(
    run: ModuleRunner, folder: Path, systemctl: Systemctl, tmp_path: Path, then: str, now: str
) -> None:
    place = tmp_path / ("credstore" if then == "none" else "credstore.encrypted")
    place.mkdir()
    (place / "selvedge-store-seal_key").write_bytes(b"the one that opens the store")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "raft.db").write_text("x")
    result = call(run, seal=now, data=str(tmp_path / "data"), values=ENCODED)
    assert result["failed"] is True
    assert "selvedge_seal was changed after its store was made. Set it back." in result["msg"]
    assert (place / "selvedge-store-seal_key").read_bytes() == b"the one that opens the store"


def test_a_value_that_nobody_named_is_refused(run: ModuleRunner, folder: Path, systemctl: Systemctl) -> None:
    result = call(run, values={"other": "eA=="})
    assert result["failed"] is True
    assert "values for other, which the option 'names' does not have" in result["msg"]
    assert not folder.exists()


def test_a_failed_seal_is_a_failure_and_starts_nothing(
    run: ModuleRunner, folder: Path, systemctl: Systemctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without systemd-creds on the host."""
    for name in ("sh", "cat", "grep"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    monkeypatch.setenv("PATH", f"{os.environ['PATH'].split(':')[0]}:{tmp_path / 'bin'}")
    result = call(run, values=ENCODED)
    assert result["failed"] is True
    assert systemctl.commands() == []
    assert list(folder.iterdir()) == []
