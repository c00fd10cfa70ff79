"""Keys, certificate requests and certificates, made in memory.

Curve P-256 and SHA-256 throughout: what Fabric's MSP accepts everywhere.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import load_key

with suppress(ImportError):  # the module says which package is missing
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# A certificate must be valid at once on a host whose clock is a little behind.
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class KeyPair:
    """A certificate with its key, both PEM; the key never shows in a repr."""

    cert_pem: str
    key_pem: str = field(repr=False)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """PKCS#8 PEM, unencrypted: the form that Fabric, fabric-ca and Go's TLS all read."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def cert_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def load_certificate(pem: str) -> x509.Certificate:
    """Read the first certificate of a PEM text. Raises FabricError when there is none."""
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise FabricError(
            "a certificate is not readable as PEM", next_step="enrol the identity again"
        ) from error


def days_left(pem: str, now: datetime | None = None) -> float:
    """Days until the certificate expires; negative when it has."""
    return (load_certificate(pem).not_valid_after_utc - (now or datetime.now(UTC))) / timedelta(days=1)


def subject_alternative_names(hosts: Sequence[str]) -> x509.SubjectAlternativeName:
    """DNS names and IP addresses, told apart by their form."""

    def name(host: str) -> x509.GeneralName:
        try:
            return x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            return x509.DNSName(host)

    return x509.SubjectAlternativeName([name(host) for host in hosts])


def hosts_of(certificate: x509.Certificate) -> set[str]:
    """DNS names and IP addresses of a certificate as strings."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    return addresses | set(names.get_values_for_type(x509.DNSName))


def make_request(
    key: ec.EllipticCurvePrivateKey, common_name: str, organization: str = "", hosts: Sequence[str] = ()
) -> str:
    """A certificate signing request, PEM. ``hosts`` become subject alternative names."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(common_name, organization))
    if hosts:
        builder = builder.add_extension(subject_alternative_names(hosts), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def make_root(common_name: str, organization: str, days: int) -> KeyPair:
    """A self-signed CA certificate that signs only end-entity certificates (path length 0).

    Fabric's MSP demands the subject key identifier and, of a CA, the key usages certSign and cRLSign.
    """
    key = new_key()
    name = _name(common_name, organization)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _builder(name, name, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(cert_sign=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return KeyPair(cert_pem(certificate), key_pem(key))


def issue_server(
    issuer: KeyPair, common_name: str, organization: str, hosts: Sequence[str], days: int
) -> KeyPair:
    """A TLS certificate for a server (and client) signed by ``issuer``, with a new key.

    It never outlives its issuer.
    """
    key = new_key()
    issuer_cert = load_certificate(issuer.cert_pem)
    issuer_ski = issuer_cert.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = _builder(
        _name(common_name, organization),
        issuer_cert.subject,
        key.public_key(),
        days,
        latest=issuer_cert.not_valid_after_utc,
    )
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(cert_sign=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_ski), critical=False
        )
        .add_extension(subject_alternative_names(hosts), critical=False)
        .sign(load_key(issuer.key_pem), hashes.SHA256())
    )
    return KeyPair(cert_pem(certificate), key_pem(key))


def _name(common_name: str, organization: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    days: int,
    latest: datetime | None = None,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC).replace(microsecond=0)
    until = now + timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(min(until, latest) if latest else until)
    )


def _usage(cert_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=cert_sign,
        crl_sign=cert_sign,
        encipher_only=False,
        decipher_only=False,
    )
