"""An organisation's certificate authorities: made once in memory, kept in the store."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import x509
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError

_PARTS = ("enrollment_cert", "enrollment_key", "tls_cert", "tls_key")


@dataclass(frozen=True)
class AuthoritySpec:
    """What the model says about an organisation's CA server.

    :param name: the organisation's name, ``org1``
    :param mount: its mount in the store
    :param subject: the organisation as it stands in the certificates' subject
    :param server_hosts: names and addresses in the certificate of the server's HTTPS endpoint; the first is
        its common name
    """

    name: str
    mount: str
    subject: str
    server_hosts: Sequence[str]

    @property
    def server_path(self) -> str:
        """The secret that only the CA's host reads."""
        return f"{self.mount}/ca/server"

    @property
    def msp_path(self) -> str:
        """The public certificates."""
        return f"{self.mount}/msp"


@dataclass(frozen=True)
class AuthorityPlan:
    """What the store should hold, and why it does not yet.

    :param server: fields of ``<mount>/ca/server``: ``enrollment_cert enrollment_key tls_cert tls_key`` (the
        two roots), ``server_cert server_key`` (HTTPS, signed by the TLS root), ``bootstrap_password``
    :param msp: fields of ``<mount>/msp``: ``ca_cert tls_ca_cert``
    :param reasons: one for every path that has to be written
    """

    server: dict[str, str] = field(repr=False)
    msp: dict[str, str]
    reasons: dict[str, str]


def plan_authority(
    spec: AuthoritySpec,
    server: dict[str, str] | None,
    msp: dict[str, str] | None,
    *,
    root_days: int,
    server_days: int,
    renew_before_days: int,
    now: datetime | None = None,
) -> AuthorityPlan:
    """Compare what the store holds with what it should, making what is missing.

    A root that exists is never replaced, not even an expired one: every certificate hangs on it.
    Raises FabricError where the store holds half an authority.
    """
    if not spec.server_hosts:
        raise FabricError(f"the certificate authority of {spec.name} has no server_hosts", spec.server_path)
    reasons: dict[str, str] = {}
    if server is None:
        if msp is not None:
            raise FabricError(
                f"the certificate authority of {spec.name} is lost, its public certificates are not",
                spec.server_path,
                "restore the secret; a new authority would not fit the network that exists",
            )
        wanted = _new_server_secret(spec, root_days, server_days)
        reasons[spec.server_path] = "missing"
    else:
        wanted, reason = _renewed(spec, server, server_days, renew_before_days, now)
        if reason:
            reasons[spec.server_path] = reason
    public = {"ca_cert": wanted["enrollment_cert"], "tls_ca_cert": wanted["tls_cert"]}
    if msp != public:
        reasons[spec.msp_path] = "missing" if msp is None else "differs from the authority"
    return AuthorityPlan(wanted, public, reasons)


def _new_server_secret(spec: AuthoritySpec, root_days: int, server_days: int) -> dict[str, str]:
    common_name = spec.server_hosts[0]
    # The two need different names: the server refuses two CAs with one distinguished name.
    enrollment = x509.make_root(f"{common_name} enrollment", spec.subject, root_days)
    tls = x509.make_root(f"{common_name} tls", spec.subject, root_days)
    roots = {
        "enrollment_cert": enrollment.cert_pem,
        "enrollment_key": enrollment.key_pem,
        "tls_cert": tls.cert_pem,
        "tls_key": tls.key_pem,
        "bootstrap_password": secrets.token_urlsafe(32),
    }
    return {**roots, **_server_certificate(spec, roots, server_days)}


def _server_certificate(spec: AuthoritySpec, roots: dict[str, str], days: int) -> dict[str, str]:
    issuer = x509.KeyPair(roots["tls_cert"], roots["tls_key"])
    pair = x509.issue_server(issuer, spec.server_hosts[0], spec.subject, spec.server_hosts, days)
    return {"server_cert": pair.cert_pem, "server_key": pair.key_pem}


def _renewed(
    spec: AuthoritySpec,
    server: dict[str, str],
    server_days: int,
    renew_before_days: int,
    now: datetime | None,
) -> tuple[dict[str, str], str]:
    missing = [name for name in _PARTS if not server.get(name)]
    if missing:
        raise FabricError(
            f"the certificate authority of {spec.name} lacks {', '.join(missing)}",
            spec.server_path,
            "restore an older version of the secret",
        )
    changed, reasons = dict(server), []
    if not server.get("bootstrap_password"):
        changed["bootstrap_password"] = secrets.token_urlsafe(32)
        reasons.append("no bootstrap password")
    reason = _why_new_server_certificate(spec, server, renew_before_days, now)
    if reason:
        changed.update(_server_certificate(spec, server, server_days))
        reasons.append(reason)
    return changed, "; ".join(reasons)


def _why_new_server_certificate(
    spec: AuthoritySpec, server: dict[str, str], renew_before_days: int, now: datetime | None
) -> str:
    if not server.get("server_cert") or not server.get("server_key"):
        return "no server certificate"
    if x509.hosts_of(x509.load_certificate(server["server_cert"])) != set(spec.server_hosts):
        return "other server_hosts"
    left, root_left = (x509.days_left(server[name], now) for name in ("server_cert", "tls_cert"))
    # Near the root's own end a new certificate would not live longer than this one.
    if left < renew_before_days and left < root_left and root_left > 0:
        return "the server certificate expires"
    return ""
