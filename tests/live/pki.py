"""Certificates for tests: organisations with an enrolment CA and a TLS CA, written into a store in memory.

The layout is the one that ``topology.py`` documents, so whatever reads the real store reads this one.
"""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass
class MemoryStore:
    """A secrets store in memory. ``reads`` lists the paths read, to prove what a plan did not touch."""

    secrets: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    reads: list[str] = field(default_factory=list, repr=False)

    def read(self, path: str) -> dict[str, str] | None:
        self.reads.append(path)
        return self.secrets.get(path)

    def write(self, path: str, fields: dict[str, str]) -> int:
        self.secrets[path] = dict(fields)
        return 1


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _cert_pem(cert: x509.Certificate) -> str:
    return cert.public_bytes(serialization.Encoding.PEM).decode()


class Authority:
    """A self-signed P-256 certificate authority."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        cert = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.cert = _cert_pem(cert)

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: int = 90
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )

    def issue(
        self,
        name: str,
        unit: str = "",
        tls: bool = False,
        key: ec.EllipticCurvePrivateKey | None = None,
        days: int = 90,
    ) -> tuple[str, str]:
        """Return certificate and key as PEM.

        :param name: common name; with ``tls`` a DNS name of the certificate as well
        :param unit: the NodeOU, ``client`` ``peer`` ``admin`` or ``orderer``
        :param days: until it expires
        :param tls: a server and client certificate that is also good for ``localhost`` and ``127.0.0.1``
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if unit:
            names.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
        builder = self._builder(x509.Name(names), key, days).add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        )
        builder = builder.add_extension(
            _usage(digital_signature=True, key_encipherment=tls, key_agreement=False), critical=True
        )
        if tls:
            loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name), x509.DNSName("localhost"), loopback]),
                critical=False,
            ).add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
        return _cert_pem(builder.sign(self._key, hashes.SHA256())), _key_pem(key)


def _usage(**wanted: bool) -> x509.KeyUsage:
    names = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment"]
    names += ["key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in names})


class TestOrganization:
    """An organisation's two CAs; ``enrol`` puts a node or a user into the store."""

    __test__ = False

    def __init__(self, name: str, domain: str, role: str, store: MemoryStore) -> None:
        self.name, self.domain, self.role = name, domain, role
        self.msp_id, self.mount, self.store = f"{name}MSP", f"secret-{name.lower()}", store
        self.ca, self.tls_ca = Authority(f"ca.{domain}"), Authority(f"tlsca.{domain}")
        store.write(f"{self.mount}/msp", {"ca_cert": self.ca.cert, "tls_ca_cert": self.tls_ca.cert})
        self.enrol("users/admin", "admin", f"admin@{domain}")
        self.enrol("users/client", "client", f"client@{domain}")

    def enrol(self, path: str, unit: str, name: str) -> dict[str, str]:
        """Issue both key pairs and write them at ``<mount>/<path>``; return the fields."""
        sign_cert, sign_key = self.ca.issue(name, unit)
        tls_cert, tls_key = self.tls_ca.issue(name, unit, tls=True)
        fields = {
            "sign_cert": sign_cert,
            "sign_key": sign_key,
            "tls_cert": tls_cert,
            "tls_key": tls_key,
            "ca_cert": self.ca.cert,
            "tls_ca_cert": self.tls_ca.cert,
        }
        self.store.write(f"{self.mount}/{path}", fields)
        return fields

    def option(self) -> dict[str, str]:
        """This organisation as an item of the ``topology`` option."""
        return {"name": self.name, "msp_id": self.msp_id, "mount": self.mount, "role": self.role}
