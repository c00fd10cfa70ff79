from __future__ import annotations

from base64 import b64decode

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import ca, x509
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

_HALF_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551 // 2


@pytest.fixture(scope="module")
def signer() -> Signer:
    pair = x509.make_root("registrar", "Org1MSP", 1)
    return Signer("Org1MSP", pair.cert_pem, pair.key_pem)


def verify(signer: Signer, token: str, message: bytes) -> None:
    signature = b64decode(token.split(".")[1])
    public = signer.certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(signature, message, ec.ECDSA(hashes.SHA256()))


def test_a_token_signs_method_uri_body_and_certificate(signer: Signer) -> None:
    token = ca.token(signer, "POST", "/api/v1/register", b'{"a":1}')
    certificate = token.partition(".")[0]
    assert b64decode(certificate).decode() == signer.cert_pem
    # Base64 of "/api/v1/register" and of the body, worked out by hand.
    expected = f"POST.L2FwaS92MS9yZWdpc3Rlcg==.eyJhIjoxfQ==.{certificate}".encode()
    verify(signer, token, expected)
    with pytest.raises(InvalidSignature):
        verify(signer, token, expected.replace(b"POST", b"PUT"))


def test_tokens_are_low_s(signer: Signer) -> None:
    # Half of all raw signatures are not; twenty of them would all be with a chance of one in a million.
    for number in range(20):
        signature = b64decode(ca.token(signer, "GET", f"/{number}", b"").split(".")[1])
        assert decode_dss_signature(signature)[1] <= _HALF_ORDER


def client() -> ca.CertificateAuthority:
    return ca.CertificateAuthority(Endpoint("127.0.0.1:1", "ca.org1.lab", ""), "tls")


def test_a_refusal_carries_the_servers_words_and_code() -> None:
    answer = b'{"success": false, "errors": [{"code": 74, "message": "is already registered"}]}'
    with pytest.raises(ca.CaRefusedError, match="'tls' refused POST /x: is already registered") as caught:
        client()._result("POST", "/x", 500, answer)
    assert caught.value.code == 74


def test_an_answer_that_is_no_json_is_an_error_of_its_own() -> None:
    with pytest.raises(ca.FabricError, match="HTTP 502 and no JSON"):
        client()._result("GET", "/x", 502, b"<html>")


class Recorded(ca.CertificateAuthority):
    """Answers from a list, keeps what was asked."""

    def __init__(self, *answers: object) -> None:
        super().__init__(Endpoint("", "", ""), "enrollment")
        self.answers, self.asked = list(answers), []  # type: ignore[var-annotated]

    def _signed(self, signer: Signer, method: str, uri: str, body: dict[str, object]) -> object:
        self.asked.append((method, uri, body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_an_identity_that_is_there_gets_a_new_password(signer: Signer) -> None:
    conflict = ca.CaRefusedError("there", "", 74)
    authority = Recorded(conflict, {})
    password = authority.register(signer, "peer0/x", "peer")
    (method, uri, body) = authority.asked[1]
    assert (method, uri, body["secret"]) == ("PUT", "/api/v1/identities/peer0%2Fx", password)
    assert authority.register.__doc__ and len(password) > 30


def test_every_other_refusal_is_passed_on(signer: Signer) -> None:
    authority = Recorded(ca.CaRefusedError("no", "", 20))
    with pytest.raises(ca.CaRefusedError):
        authority.register(signer, "peer0", "peer")
    assert len(authority.asked) == 1
