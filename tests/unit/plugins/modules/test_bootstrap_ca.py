"""The controller's boot material: made once, never half, keys for their owner only."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.modules import bootstrap_ca
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAMES = ["ca.crt", "ca.key", "controller.crt", "controller.key"]


def ensure(run: ModuleRunner, folder: Path, check: bool = False) -> dict[str, Any]:
    return run(bootstrap_ca.main, check=check, path=str(folder), common_name="test bootstrap CA")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_check_run_run_check(run: ModuleRunner, tmp_path: Path) -> None:
    folder = tmp_path / "inventory" / ".state"
    created = [str(folder / name) for name in NAMES]
    predicted = ensure(run, folder, check=True)
    assert (predicted["changed"], predicted["created"]) == (True, created)
    assert not folder.parent.exists()
    done = ensure(run, folder)
    assert (done["changed"], done["created"]) == (True, created)
    made = contents(folder)
    assert sorted(made) == NAMES
    for check in (False, True):
        again = ensure(run, folder, check=check)
        assert (again["changed"], again["created"]) == (False, [])
    assert contents(folder) == made


def test_keys_are_for_their_owner_only(run: ModuleRunner, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    ensure(run, folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "ca.crt": 0o644,
        "ca.key": 0o600,
        "controller.crt": 0o644,
        "controller.key": 0o600,
    }


def test_no_key_is_in_the_result(run: ModuleRunner, tmp_path: Path) -> None:
    assert "PRIVATE" not in str(ensure(run, tmp_path / "state"))


def test_the_controllers_certificate_comes_from_the_ca(run: ModuleRunner, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    ensure(run, folder)
    root, controller = certificate(folder / "ca.crt"), certificate(folder / "controller.crt")
    controller.verify_directly_issued_by(root)
    (name,) = controller.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "selvedge-controller"
    (name,) = root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "test bootstrap CA"
    usage = controller.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.CLIENT_AUTH in usage
    assert controller.not_valid_after_utc <= root.not_valid_after_utc
    for cert, name_of_key in ((root, "ca.key"), (controller, "controller.key")):
        key = serialization.load_pem_private_key((folder / name_of_key).read_bytes(), None)
        assert key.public_key() == cert.public_key()


@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
@pytest.mark.parametrize(
    "lost",
    [
        ["ca.key"],
        ["ca.crt"],
        ["controller.key"],
        ["controller.crt"],
        ["ca.crt", "ca.key"],
        ["ca.crt", "controller.key"],
    ],
    ids="+".join,
)
def test_half_of_the_material_is_refused_and_left_as_it_is(
    run: ModuleRunner, tmp_path: Path, lost: list[str], check: bool
) -> None:
    folder = tmp_path / "state"
    ensure(run, folder)
    for name in lost:
        (folder / name).unlink()
    before = contents(folder)
    result = ensure(run, folder, check=check)
    assert result["failed"] is True
    lacks = ", ".join(str(folder / name) for name in lost)
    assert result["msg"].startswith(f"{folder} lacks {lacks}: restore it from your backup.")
    assert contents(folder) == before


def test_a_ca_without_a_controllers_pair_issues_a_new_one(run: ModuleRunner, tmp_path: Path) -> None:
    """That is how the controller's certificate is rotated."""
    folder = tmp_path / "state"
    ensure(run, folder)
    before = contents(folder)
    for name in ("controller.crt", "controller.key"):
        (folder / name).unlink()
    assert ensure(run, folder)["created"] == [str(folder / name) for name in NAMES[2:]]
    after = contents(folder)
    assert {name for name in NAMES if before[name] != after[name]} == {"controller.crt", "controller.key"}
    certificate(folder / "controller.crt").verify_directly_issued_by(certificate(folder / "ca.crt"))


def test_an_unreadable_ca_is_a_sentence(run: ModuleRunner, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    ensure(run, folder)
    for name in ("controller.crt", "controller.key"):
        (folder / name).unlink()
    (folder / "ca.crt").write_text("not a certificate")
    result = ensure(run, folder)
    assert result["failed"] is True
    assert f"the boot material in {folder}: a certificate is not readable as PEM" in result["msg"]


def test_a_folder_that_cannot_be_made_is_a_sentence(run: ModuleRunner, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = ensure(run, tmp_path / "file" / "state")
    assert result["failed"] is True
    assert "Not a directory" in result["msg"]
