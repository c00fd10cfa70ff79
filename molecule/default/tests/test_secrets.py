"""Where secrets lie: in the store and in memory. First that the check sees leaks, then that there are none."""

from __future__ import annotations

import base64
import os
import sys
import uuid
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing import plant
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import key_pem, new_key
from ansible_collections.selvedge.fabric.tests.leaks.check import Report, run

_MARK = f"leak-test-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def planted(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Report]:
    """The check's report of a host with leaks of three kinds and a run's output with a fourth, gone again by now."""
    host = list(deployment.network.hosts)[-1]
    organization = deployment.network.cas[0].organization
    authority = deployment.topology.secret(f"{organization}/ca/server")
    admin = deployment.topology.secret(f"{organization}/users/admin")
    password = base64.b64encode(b"registrar:" + authority["bootstrap_password"].encode()).decode()
    machine = deployment.machine(host)
    log = tmp_path_factory.mktemp("output") / f"{_MARK}.log"
    log.write_text(f'changed: [host1] => {{"key": {admin["tls_key"]!r}}}\n')
    done = machine.run_python(
        [plant.__name__],
        {
            "files": {
                f"/var/lib/selvedge/{_MARK}-known": admin["sign_key"],
                f"/opt/{_MARK}-unknown": key_pem(new_key()),
            },
            "environment": {_MARK.replace("-", "_").upper(): password},
        },
    )
    try:
        return host, run(deployment, [log], hosts=[host], controller=False)
    finally:
        machine.run_python([plant.__name__], {"remove": done})
        log.unlink()


def test_a_copy_of_a_key_on_a_disk_is_found(deployment: Deployment, planted: tuple[str, Report]) -> None:
    host, report = planted
    organization = deployment.network.cas[0].organization
    found = [item for item in report.findings if item.path == f"/var/lib/selvedge/{_MARK}-known"]
    assert [(item.host, item.place) for item in found] == [(host, "disk")]
    assert found[0].what.startswith(f"{organization}/users/admin sign_key")


def test_a_password_in_a_process_environment_is_found(planted: tuple[str, Report]) -> None:
    host, report = planted
    found = [item for item in report.findings if item.place == "process" and "(sleep)" in item.path]
    assert [item.host for item in found] == [host]
    assert "bootstrap_password" in found[0].what
    assert "base64" in found[0].what


def test_a_private_key_of_nobody_is_found(planted: tuple[str, Report]) -> None:
    _unused, report = planted
    found = [item for item in report.findings if item.path == f"/opt/{_MARK}-unknown"]
    assert [item.what for item in found] == ["a private key that nobody put into the store: PEM"]


def test_a_key_in_a_runs_output_is_found(planted: tuple[str, Report]) -> None:
    _unused, report = planted
    found = [item for item in report.findings if item.place == "output"]
    assert found and all("users/admin tls_key" in item.what for item in found)


def test_a_finding_never_shows_a_value(deployment: Deployment, planted: tuple[str, Report]) -> None:
    _unused, report = planted
    organization = deployment.network.cas[0].organization
    for path in (f"{organization}/users/admin", f"{organization}/ca/server"):
        for field, value in deployment.topology.secret(path).items():
            if not field.endswith("_cert"):
                assert all(line not in report.text() for line in value.split("\n") if len(line) > 12)


def test_nothing_leaks(deployment: Deployment) -> None:
    """The whole deployment, this machine, and what the runs that made it have printed (SELVEDGE_OUTPUT_LOGS)."""
    logs = [Path(path) for path in os.environ.get("SELVEDGE_OUTPUT_LOGS", "").split(":") if path]
    report = run(deployment, logs)
    print(report.text(), file=sys.stderr)
    assert not report.findings, report.text()
    assert not any(report.notes.values()), report.text()
