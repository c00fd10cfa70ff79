from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import enrolment, x509
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.enrolment import Identity, Need
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import Secret
from cryptography import x509 as cryptography_x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

PEER = Identity("peer0.org1.lab", "org1", "peer", "org1/nodes/peer0.org1.lab", ["peer0.org1.lab"])
MSP = {"ca_cert": "the-ca", "tls_ca_cert": "the-tls-ca"}


def with_unit(unit: str) -> str:
    key = x509.new_key()
    names = [(NameOID.ORGANIZATIONAL_UNIT_NAME, unit), (NameOID.COMMON_NAME, "peer0.org1.lab")]
    name = cryptography_x509.Name([cryptography_x509.NameAttribute(oid, value) for oid, value in names])
    certificate = (
        cryptography_x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return x509.cert_pem(certificate)


def secret(
    unit: str = "peer", hosts: Sequence[str] = ("peer0.org1.lab",), tls_days: int = 365
) -> dict[str, str]:
    tls = x509.issue_server(x509.make_root("r", "", 1000), "peer0.org1.lab", "", hosts, tls_days)
    keys = {"sign_key": "k", "tls_key": tls.key_pem}
    return {"sign_cert": with_unit(unit), "tls_cert": tls.cert_pem, **keys, **MSP}


def need(fields: dict[str, str] | None, has_msp: bool = True, before: int = 30) -> Need | None:
    return enrolment.need_of(PEER, fields, MSP if has_msp else None, before)


def test_an_identity_in_order_needs_nothing() -> None:
    assert need(secret()) is None
    assert need(secret(), has_msp=False) is None


@pytest.mark.parametrize(
    ("fields", "reason", "keep_keys"),
    [
        (None, "missing", False),
        ({**secret(), "tls_key": ""}, "incomplete", False),
        ({**secret(), "ca_cert": "a former ca"}, "issued by another authority", False),
        (secret(unit="client"), "is client, should be peer", True),
        (secret(hosts=["peer0.org1.lab", "192.0.2.1"]), "other hosts", True),
        (secret(tls_days=29), "expires", True),
    ],
)
def test_every_need_is_seen_and_says_whether_keys_stay(
    fields: dict[str, str] | None, reason: str, keep_keys: bool
) -> None:
    assert need(fields) == Need(reason, keep_keys)


def test_the_earlier_certificate_counts() -> None:
    assert need(secret(tls_days=500), before=400) == Need("expires", True), "the signing one has 365 days"
    assert need(secret(tls_days=500), before=300) is None


class Store:
    def __init__(self, held: dict[str, Secret]) -> None:
        self.held, self.asked = held, []  # type: ignore[var-annotated]

    def get_many(self, paths: Sequence[str]) -> dict[str, Secret | None]:
        self.asked.append(sorted(paths))
        return {path: self.held.get(path) for path in paths}

    def write(self, path: str, fields: dict[str, str]) -> int:
        raise AssertionError("looking up must not write")


def item(name: str, organization: str = "org1", path: str = "") -> dict[str, object]:
    path = path or f"{organization}/nodes/{name}"
    return {"name": name, "organization": organization, "kind": "peer", "secret": path, "hosts": [name]}


def test_all_identities_are_looked_up_at_once() -> None:
    fields = secret()
    store = Store({"org1/nodes/peer0.org1.lab": Secret(fields, 7), "org1/msp": Secret(MSP, 1)})
    held = enrolment.look_up(
        store, [{"name": "org1", "mount": "org1"}], [item("peer0.org1.lab"), item("peer1.org1.lab")], 30
    )
    assert [(one.version, one.need) for one in held] == [(7, None), (0, Need("missing", False))]
    assert store.asked == [["org1/msp", "org1/nodes/peer0.org1.lab", "org1/nodes/peer1.org1.lab"]]
    assert "PRIVATE" in fields["tls_key"] and "PRIVATE" not in repr(held)


@pytest.mark.parametrize(
    ("identities", "message"),
    [
        ([item("a", "org2")], "a belongs to 'org2', which is not given"),
        ([item("a", path="org1/x"), item("b", path="org1/x")], "share a secret: org1/x"),
    ],
)
def test_mistakes_in_the_model_are_named(identities: list[dict[str, object]], message: str) -> None:
    with pytest.raises(FabricError, match=message):
        enrolment.look_up(Store({}), [{"name": "org1", "mount": "org1"}], identities, 30)
