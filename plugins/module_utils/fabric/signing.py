"""Who signs: an MSP identity with its key in memory."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError

with suppress(ImportError):  # the module says which package is missing
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
    from fabric_protos.msp import identities_pb2

# Order n of the curves that Fabric accepts (FIPS 186-4, D.1.2). Fabric refuses signatures with s > n/2.
_ORDER = {
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp384r1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
}


def low_s(signature: bytes, curve: ec.EllipticCurve) -> bytes:
    """Return the DER signature with s in the lower half of the curve's order, as Fabric's BCCSP demands."""
    r, s = decode_dss_signature(signature)
    order = _ORDER[curve.name]
    return encode_dss_signature(r, min(s, order - s))


def sign_low_s(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """ECDSA over SHA-256 of ``data``, DER, low-S."""
    return low_s(key.sign(data, ec.ECDSA(hashes.SHA256())), key.curve)


def load_key(pem: str | bytes) -> ec.EllipticCurvePrivateKey:
    """Read an unencrypted PKCS#8 or SEC1 PEM key. Raises FabricError when it is not an elliptic-curve key."""
    data = pem.encode() if isinstance(pem, str) else pem
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except ValueError as error:
        raise FabricError(
            "a private key is not readable as PEM", next_step="enrol the identity again"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise FabricError("a private key is not an elliptic-curve key, Fabric takes only those")
    return key


@dataclass(frozen=True)
class Signer:
    """An identity of an organisation that can sign.

    :param msp_id: the MSP's id, ``Org1MSP``
    :param cert_pem: the enrolment certificate, PEM
    :param key_pem: its private key, PEM, unencrypted, in memory only
    """

    msp_id: str
    cert_pem: str
    key_pem: str = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_key", load_key(self.key_pem))

    @property
    def creator(self) -> bytes:
        """The serialized ``msp.SerializedIdentity`` that Fabric calls creator."""
        identity = identities_pb2.SerializedIdentity(mspid=self.msp_id, id_bytes=self.cert_pem.encode())
        return bytes(identity.SerializeToString())

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.cert_pem.encode())

    def sign(self, data: bytes) -> bytes:
        """DER ECDSA signature over SHA-256, low-S."""
        return sign_low_s(self._key, data)  # type: ignore[attr-defined]


def new_nonce() -> bytes:
    """24 random bytes, the length that Fabric's own clients use."""
    return os.urandom(24)
