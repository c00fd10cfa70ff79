"""In which forms a secret can turn up: as it is, in base64, in hexadecimal, escaped, and its key alone without PEM."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes

from ansible_collections.selvedge.fabric.tests.leaks.engine import SURE_RUN, base64_phases
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

# Shorter ones would be found by chance, and are no secrets.
SHORTEST = 16
_PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(.*?)-----END", re.S)


@dataclass(frozen=True)
class Form:
    """One form of a secret.

    :param least: so many of its bytes in a row are no accident
    """

    name: str
    data: bytes = field(repr=False)
    least: int


def forms_of(value: bytes) -> list[Form]:
    """All forms of ``value``, a private key in PEM, a password or raw bytes. Raises ValueError for a short one.

    Of a private key only the secret number counts: headers, object identifiers and the public key, which
    certificates have too, are left out. Its PEM text, whole, escaped or with its lines joined, has the number's
    base64 in it, at one of the three places that base64 has for a byte.
    """
    if len(value) < SHORTEST:
        raise ValueError(f"a secret of {len(value)} bytes is too short to be searched for")
    number = private_number(value)
    if number is None:
        found = [*_encodings("", value), *_escaped(value)]
    else:
        found = [*_encodings("key ", number)]
        found.append(Form("key as a decimal number", str(int.from_bytes(number, "big")).encode(), 24))
        # A PEM file within base64 or hexadecimal: the parts of its lines that the number decides.
        for part in _lines_with(value, number):
            found += [form for form in _encodings("PEM ", part) if form.name != "PEM as it is"]
    unique = {form.data: form for form in reversed(found) if len(form.data) >= SURE_RUN}
    return list(unique.values())


def private_number(value: bytes) -> bytes | None:
    """The secret number of a private key in PEM, big-endian; None when ``value`` is no such key."""
    if not _PEM.search(value):
        return None
    load: Any = serialization.load_pem_private_key
    if b"OPENSSH" in value:
        load = serialization.load_ssh_private_key
    key = load(value, None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8, "big")
    if isinstance(key, rsa.RSAPrivateKey):
        return key.private_numbers().d.to_bytes((key.key_size + 7) // 8, "big").lstrip(b"\0")
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.private_bytes_raw()
    raise ValueError(f"no forms are known for a {type(key).__name__}")


def _encodings(prefix: str, data: bytes) -> Iterator[Form]:
    yield Form(f"{prefix}as it is", data, 12)
    for text in base64_phases(data):
        yield Form(f"{prefix}base64", text, 14)
        yield Form(f"{prefix}base64, URL alphabet", text.translate(bytes.maketrans(b"+/", b"-_")), 14)
        yield Form(f"{prefix}base64, URL-escaped", quote_from_bytes(text, safe="").encode(), 16)
    hexadecimal = binascii.hexlify(data)
    yield Form(f"{prefix}hexadecimal", hexadecimal, 20)
    yield Form(f"{prefix}hexadecimal, upper case", hexadecimal.upper(), 20)
    yield Form(f"{prefix}hexadecimal with colons", binascii.hexlify(data, ":"), 24)
    for separator in (" ", ", ", ","):
        yield Form(f"{prefix}decimal bytes", separator.join(map(str, data)).encode(), 32)


def _escaped(data: bytes) -> Iterator[Form]:
    yield Form("URL-escaped", quote_from_bytes(data, safe="").encode(), 20)
    yield Form("as a literal", repr(data)[2:-1].encode(), 20)


def _lines_with(pem: bytes, number: bytes) -> list[bytes]:
    """The parts of the PEM text's lines that nothing but ``number`` decides."""
    match = _PEM.search(pem)
    lines = match.group(1).split() if match else []
    start = base64.b64decode(b"".join(lines)).find(number)
    first, last = -(-start * 8 // 6), (start + len(number)) * 8 // 6
    parts, position = [], 0
    for line in lines:
        parts.append(line[max(0, first - position) : max(0, last - position)])
        position += len(line)
    if start < 0:
        return []
    # Together too: base64 of it, wrapped into lines of its own, then has a long run whatever the wrapping.
    whole = b"\n".join(part for part in parts if part)
    return [whole, *(part for part in parts if len(part) >= SHORTEST - 4)]
