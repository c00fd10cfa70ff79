"""A client's file: what is in it, who opens it. OpenSSL reads it as browsers do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import issue_server, make_root
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.bundle import (
    BundleError,
    holds,
    make_bundle,
)

PASSPHRASE = "correct horse battery"


def client(name: str = "monitor.org1.lab.example") -> dict[str, str]:
    root = make_root("tlsca.org1", "org1", 10)
    pair = issue_server(root, name, "org1", [name], 10)
    return {"tls_cert": pair.cert_pem, "tls_key": pair.key_pem, "tls_ca_cert": root.cert_pem}


def test_it_has_the_certificate_and_opens_by_the_passphrase() -> None:
    fields = client()
    made = make_bundle(fields, "monitor", PASSPHRASE)
    assert holds(made, fields, PASSPHRASE)
    assert not holds(made, fields, "something else 12")
    assert not holds(made, client(), PASSPHRASE), "that of another enrolment"
    assert not holds(b"no bundle", fields, PASSPHRASE)
    assert b"PRIVATE" not in made


def test_openssl_reads_it(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is missing")
    fields = client()
    path = tmp_path / "monitor.p12"
    path.write_bytes(make_bundle(fields, "monitor", PASSPHRASE))
    command = [openssl, "pkcs12", "-in", str(path), "-passin", "env:PASS", "-info", "-nokeys"]
    done = subprocess.run(command, env={"PASS": PASSPHRASE}, capture_output=True, text=True, check=True)
    assert "friendlyName: monitor" in done.stdout
    assert done.stdout.count("BEGIN CERTIFICATE") == 2
    assert "PBES2, PBKDF2, AES-256-CBC" in done.stderr and "MAC: sha256" in done.stderr


def test_what_is_no_client_is_refused() -> None:
    with pytest.raises(BundleError, match="no field tls_key"):
        make_bundle({**client(), "tls_key": ""}, "monitor", PASSPHRASE)


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(BundleError, match="fewer than 12"):
        make_bundle(client(), "monitor", "short")
