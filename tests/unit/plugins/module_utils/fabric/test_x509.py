from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import x509
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from cryptography import x509 as cryptography_x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID


@pytest.fixture(scope="module")
def root() -> x509.KeyPair:
    return x509.make_root("ca.org1.lab tls", "Org1MSP", 100)


def test_a_root_has_what_fabrics_msp_demands(root: x509.KeyPair) -> None:
    certificate = x509.load_certificate(root.cert_pem)
    constraints = certificate.extensions.get_extension_for_class(cryptography_x509.BasicConstraints)
    assert constraints.critical and (constraints.value.ca, constraints.value.path_length) == (True, 0)
    usage = certificate.extensions.get_extension_for_class(cryptography_x509.KeyUsage).value
    assert usage.key_cert_sign and usage.crl_sign
    assert certificate.extensions.get_extension_for_class(cryptography_x509.SubjectKeyIdentifier)
    certificate.verify_directly_issued_by(certificate)
    assert root.key_pem.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert "PRIVATE" not in repr(root)


def test_a_server_certificate_is_issued_by_its_root_for_its_hosts(root: x509.KeyPair) -> None:
    pair = x509.issue_server(root, "ca.org1.lab", "Org1MSP", ["ca.org1.lab", "127.0.10.1", "::1"], 10)
    certificate = x509.load_certificate(pair.cert_pem)
    certificate.verify_directly_issued_by(x509.load_certificate(root.cert_pem))
    assert x509.hosts_of(certificate) == {"ca.org1.lab", "127.0.10.1", "::1"}
    addresses = certificate.extensions.get_extension_for_class(cryptography_x509.SubjectAlternativeName).value
    assert len(addresses.get_values_for_type(cryptography_x509.IPAddress)) == 2
    usage = certificate.extensions.get_extension_for_class(cryptography_x509.KeyUsage).value
    assert not usage.key_cert_sign
    other = x509.make_root("ca.org1.lab tls", "Org1MSP", 100)
    with pytest.raises(InvalidSignature):
        certificate.verify_directly_issued_by(x509.load_certificate(other.cert_pem))


def test_a_certificate_never_outlives_its_root(root: x509.KeyPair) -> None:
    pair = x509.issue_server(root, "x", "", ["x"], 1000)
    assert 99 < x509.days_left(pair.cert_pem) <= 100


def test_days_left_counts_to_the_end_and_beyond(root: x509.KeyPair) -> None:
    end = x509.load_certificate(root.cert_pem).not_valid_after_utc
    assert x509.days_left(root.cert_pem, end - timedelta(days=2)) == 2
    assert x509.days_left(root.cert_pem, end + timedelta(days=1)) == -1


def test_a_certificate_is_valid_on_a_host_whose_clock_is_behind(root: x509.KeyPair) -> None:
    begin = x509.load_certificate(root.cert_pem).not_valid_before_utc
    assert begin < datetime.now(UTC) - timedelta(minutes=4)


def test_a_request_carries_name_hosts_and_a_valid_signature() -> None:
    key = x509.new_key()
    pem = x509.make_request(key, "peer0.org1.lab", "Org1MSP", ["peer0.org1.lab", "192.0.2.1"])
    request = cryptography_x509.load_pem_x509_csr(pem.encode())
    assert request.is_signature_valid
    assert request.public_key() == key.public_key()
    assert request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "peer0.org1.lab"
    names = request.extensions.get_extension_for_class(cryptography_x509.SubjectAlternativeName).value
    assert names.get_values_for_type(cryptography_x509.DNSName) == ["peer0.org1.lab"]


def test_a_request_without_hosts_has_no_names() -> None:
    pem = x509.make_request(x509.new_key(), "admin")
    assert not list(cryptography_x509.load_pem_x509_csr(pem.encode()).extensions)


def test_what_is_no_certificate_is_a_fabric_error() -> None:
    with pytest.raises(FabricError, match="not readable"):
        x509.load_certificate("nonsense")
