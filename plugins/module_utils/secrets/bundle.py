"""A client's certificate and key in one encrypted file, as browsers import it: PKCS #12.

Source: RFC 7292; the algorithms are those of OpenSSL 3 and of today's browsers (PBES2 with AES-256, HMAC of SHA-256).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

with suppress(ImportError):  # the module says which package is missing
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.serialization import pkcs12

FIELDS = ("tls_cert", "tls_key", "tls_ca_cert")
LEAST = 12


class BundleError(Exception):
    """The secret has no client certificate, or the passphrase is no protection."""


def make_bundle(fields: Mapping[str, str], name: str, passphrase: str) -> bytes:
    """The file's content; it differs each time, as salts do.

    :param fields: of the secret, in PEM: FIELDS
    :param name: what the browser shows
    """
    missing = [field for field in FIELDS if not fields.get(field)]
    if missing:
        raise BundleError(f"the secret has no field {', '.join(missing)}: give the path of a client")
    if len(passphrase) < LEAST:
        raise BundleError(f"the passphrase has fewer than {LEAST} characters: give a longer one")
    encryption = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(200_000)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(passphrase.encode())
    )
    key = serialization.load_pem_private_key(fields["tls_key"].encode(), None)
    cert = x509.load_pem_x509_certificate(fields["tls_cert"].encode())
    authorities = x509.load_pem_x509_certificates(fields["tls_ca_cert"].encode())
    return pkcs12.serialize_key_and_certificates(name.encode(), key, cert, authorities, encryption)  # type: ignore[arg-type]


def holds(content: bytes, fields: Mapping[str, str], passphrase: str) -> bool:
    """Whether a file has this very certificate, and the passphrase opens it."""
    try:
        found = pkcs12.load_pkcs12(content, passphrase.encode())
    except ValueError:
        return False
    return found.cert is not None and found.cert.certificate == x509.load_pem_x509_certificate(
        fields["tls_cert"].encode()
    )
