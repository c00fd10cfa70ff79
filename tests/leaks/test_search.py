"""The search itself: which forms it finds, wherever they begin, and what it leaves alone. Needs no network."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import issue_server, make_root
from ansible_collections.selvedge.fabric.tests.leaks.engine import (
    BLOCK,
    NESTED_LIMIT,
    OVERLAP,
    SOME_KEY,
    Patterns,
    Searcher,
)
from ansible_collections.selvedge.fabric.tests.leaks.forms import forms_of, private_number
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

PASSWORD = b"kX7-pq_0RtZ3vYw1LmN5sUe8aBc2dFgHiJ4oKyQ6TuV"
RAW = bytes(range(7, 200, 6))
_PEM = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
_DER = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
_SEC1 = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def search(value: bytes, haystack: bytes, formats: bool = False, step: int = 1) -> set[tuple[int, str]]:
    """Secret and form of everything that is found in ``haystack``."""
    found: set[tuple[int, str]] = set()

    def report(place: str, path: str, secret: int, form: str, offset: int) -> None:
        found.add((secret, form))

    Searcher(patterns(value, formats), report).stream("disk", "x", io.BytesIO(haystack), step)
    return found


def patterns(value: bytes, formats: bool = False) -> Patterns:
    forms: list[dict[str, Any]] = [
        {"secret": 0, "form": form.name, "data": base64.b64encode(form.data).decode(), "least": form.least}
        for form in forms_of(value)
    ]
    return Patterns(forms, formats)


def disguises(pem: bytes, key: ec.EllipticCurvePrivateKey) -> dict[str, bytes]:
    """A key in the forms that programs give it."""
    number = private_number(pem)
    assert number is not None
    body = b"".join(pem.split(b"\n")[1:-2])
    sec1 = key.private_bytes(serialization.Encoding.PEM, *_SEC1)
    return {
        "PEM": pem,
        "PEM, CRLF": pem.replace(b"\n", b"\r\n"),
        "PEM in YAML": pem.replace(b"\n", b"\n      "),
        "PEM in JSON": json.dumps({"key": pem.decode()}).encode(),
        "PEM in JSON in JSON": json.dumps(json.dumps({"key": pem.decode()})).encode(),
        "PEM without newlines": pem.replace(b"\n", b""),
        "PEM's body only": body,
        "PEM, URL-escaped": quote(pem.decode(), safe="").encode(),
        "PEM in base64": base64.b64encode(b"x" + pem),
        "PEM in wrapped base64": base64.encodebytes(pem),
        "PEM in base64 wrapped elsewhere": base64.encodebytes(b"private_key: |\n" + pem),
        "PEM in hexadecimal": pem.hex().encode(),
        "SEC1 PEM": sec1,
        "DER": key.private_bytes(*_DER),
        "SEC1 DER": key.private_bytes(serialization.Encoding.DER, *_SEC1),
        "number": number,
        "number in base64": base64.b64encode(number),
        "number in URL base64": base64.urlsafe_b64encode(b"ab" + number),
        "number in hexadecimal": number.hex().encode(),
        "number in upper case": number.hex().upper().encode(),
        "number with colons": number.hex(":").encode(),
        "number in decimal": str(int.from_bytes(number, "big")).encode(),
        "number as Go prints bytes": str(list(number)).replace(",", "").encode(),
        "number as a list": json.dumps(list(number)).encode(),
    }


@pytest.mark.parametrize("step", [1, 2], ids=["small", "large"])
@pytest.mark.parametrize("lead", range(17))
def test_every_disguise_of_a_key_is_found_wherever_it_begins(
    key: ec.EllipticCurvePrivateKey, lead: int, step: int
) -> None:
    pem = key.private_bytes(*_PEM)
    missed = [
        name
        for name, text in disguises(pem, key).items()
        if not search(pem, b"\xff" * lead + text + b"\xff" * 40, step=step)
    ]
    assert not missed


@pytest.mark.parametrize("value", [PASSWORD, RAW], ids=["password", "raw"])
@pytest.mark.parametrize("step", [1, 2], ids=["small", "large"])
@pytest.mark.parametrize("lead", range(17))
def test_every_disguise_of_other_secrets_is_found(value: bytes, lead: int, step: int) -> None:
    texts = {
        "as it is": value,
        "base64": base64.b64encode(b"z" * lead + value),
        "wrapped base64": base64.encodebytes(b"z" * lead + value),
        "hexadecimal": value.hex().encode(),
        "URL-escaped": quote(value, safe="").encode(),
        "a literal": repr(value).encode(),
        "a part of it": value[:24],
    }
    missed = [name for name, text in texts.items() if not search(value, b"." * lead + text + b".", step=step)]
    assert not missed


def test_a_keys_public_half_is_no_finding() -> None:
    root = make_root("a CA", "Tests", 10)
    server = issue_server(root, "server", "Tests", ["server"], 10)
    assert not search(
        server.key_pem.encode(), server.cert_pem.encode() + root.cert_pem.encode(), formats=True
    )


def test_another_key_is_no_finding_of_this_one(key: ec.EllipticCurvePrivateKey) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    texts = disguises(other.private_bytes(*_PEM), other).values()
    assert not search(key.private_bytes(*_PEM), b"\n".join(texts))


@pytest.mark.parametrize("position", [OVERLAP + BLOCK - 20, BLOCK - 20, BLOCK - 8, BLOCK, 3 * BLOCK - 7, 0])
def test_what_lies_across_blocks_is_found(position: int) -> None:
    content = bytearray(b"\x55" * (4 * BLOCK))
    content[position : position + len(PASSWORD)] = PASSWORD
    assert search(PASSWORD, bytes(content)) == {(0, "as it is")}


def test_what_follows_a_hole_is_found() -> None:
    assert search(PASSWORD, bytes(3 * BLOCK) + PASSWORD) == {(0, "as it is")}


class Trickle(io.RawIOBase):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readinto(self, target: Any) -> int:
        part = self._content.read(min(len(target), 4097))
        target[: len(part)] = part
        return len(part)


def test_a_pipe_that_gives_odd_parts_is_searched_whole() -> None:
    found = []
    searcher = Searcher(patterns(PASSWORD), lambda *arguments: found.append(arguments))
    content = b"\x55" * (BLOCK + 12345) + PASSWORD + b"\x55" * BLOCK
    assert searcher.stream("journal", "x", Trickle(content)) == len(content)
    assert {(item[3], item[4]) for item in found} == {("as it is", BLOCK + 12345)}


def test_a_chaincode_package_is_opened_down_to_its_code(tmp_path: Path) -> None:
    def archive(name: str, content: bytes) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        return buffer.getvalue()

    package = tmp_path / "assets.tar.gz"
    package.write_bytes(
        archive("code.tar.gz", archive("connection.json", b'{"client_key": "' + PASSWORD + b'"}'))
    )
    found = []
    Searcher(patterns(PASSWORD), lambda *arguments: found.append(arguments[1])).file(
        "disk", "package", str(package)
    )
    assert set(found) == {"package (unpacked twice)"}


def test_a_large_compressed_file_is_searched_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "layer.tar.gz"
    with gzip.open(file, "wb", compresslevel=1) as target:
        target.write(bytes(NESTED_LIMIT - 9))
        target.write(PASSWORD + bytes(BLOCK) + PASSWORD)
    found = []
    Searcher(patterns(PASSWORD), lambda *arguments: found.append(arguments[4])).file("disk", "x", str(file))
    assert {NESTED_LIMIT - 9, NESTED_LIMIT - 9 + len(PASSWORD) + BLOCK} <= set(found)


def test_a_file_that_only_looks_compressed_is_searched_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"\x1f\x8b\x08\x00" + PASSWORD + gzip.compress(b"x"))
    found = []
    Searcher(patterns(PASSWORD), lambda *arguments: found.append(arguments[3])).file("disk", "x", str(file))
    assert set(found) == {"as it is"}


def test_keys_of_nobody_are_found_by_their_format() -> None:
    keys: dict[str, Any] = {
        "EC": ec.generate_private_key(ec.SECP256R1()),
        "P-384": ec.generate_private_key(ec.SECP384R1()),
        "RSA": rsa.generate_private_key(65537, 2048),
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    }
    texts = {f"{name} PEM": key.private_bytes(*_PEM) for name, key in keys.items()}
    texts |= {f"{name} DER": key.private_bytes(*_DER) for name, key in keys.items()}
    texts |= {
        f"{name} in base64": base64.b64encode(b"key: " + key.private_bytes(*_PEM))
        for name, key in keys.items()
    }
    texts["EC SEC1 PEM"] = keys["EC"].private_bytes(serialization.Encoding.PEM, *_SEC1)
    texts["EC SEC1 DER"] = keys["EC"].private_bytes(serialization.Encoding.DER, *_SEC1)
    texts["OpenSSH"] = keys["Ed25519"].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    texts["with a password"] = keys["EC"].private_bytes(
        *_PEM[:2], serialization.BestAvailableEncryption(b"a password")
    )
    texts["in JSON"] = json.dumps({"key": texts["EC PEM"].decode()}).encode()
    missed = [
        f"{name} after {lead}"
        for name, text in texts.items()
        for lead in range(9)
        if SOME_KEY not in {secret for secret, _unused in search(PASSWORD, b"." * lead + text, formats=True)}
    ]
    assert not missed


def test_programs_that_know_the_format_are_no_keys() -> None:
    text = b"\0-----BEGIN PRIVATE KEY-----\0-----END PRIVATE KEY-----\0-----BEGIN RSA PRIVATE KEY-----%s\n"
    assert not search(PASSWORD, text + os.urandom(4096), formats=True)


def test_a_short_value_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        forms_of(b"secret")
