from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import authority, x509
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError

SPEC = authority.AuthoritySpec("org1", "org1", "Org1MSP", ["ca.org1.lab", "127.0.10.1"])


def plan(server: dict[str, str] | None, msp: dict[str, str] | None, **more: Any) -> authority.AuthorityPlan:
    options = {"root_days": 3650, "server_days": 365, "renew_before_days": 30, "spec": SPEC, **more}
    return authority.plan_authority(server=server, msp=msp, **options)


@pytest.fixture(scope="module")
def made() -> authority.AuthorityPlan:
    return plan(None, None)


def test_a_new_authority_is_whole(made: authority.AuthorityPlan) -> None:
    assert made.reasons == {"org1/ca/server": "missing", "org1/msp": "missing"}
    assert made.msp == {"ca_cert": made.server["enrollment_cert"], "tls_ca_cert": made.server["tls_cert"]}
    subjects = {x509.load_certificate(made.server[f"{ca}_cert"]).subject for ca in ("enrollment", "tls")}
    assert len(subjects) == 2, "fabric-ca refuses two CAs of one name"
    server = x509.load_certificate(made.server["server_cert"])
    server.verify_directly_issued_by(x509.load_certificate(made.server["tls_cert"]))
    assert x509.hosts_of(server) == {"ca.org1.lab", "127.0.10.1"}
    assert len(made.server["bootstrap_password"]) > 30
    assert "PRIVATE" in made.server["tls_key"] and "PRIVATE" not in repr(made)


def test_what_is_there_stays(made: authority.AuthorityPlan) -> None:
    again = plan(made.server, made.msp)
    assert (again.reasons, again.server) == ({}, made.server)


def test_public_certificates_follow_the_authority(made: authority.AuthorityPlan) -> None:
    assert plan(made.server, None).reasons == {"org1/msp": "missing"}
    wrong = {**made.msp, "ca_cert": "other"}
    assert plan(made.server, wrong).reasons == {"org1/msp": "differs from the authority"}


def test_a_lost_authority_is_never_replaced(made: authority.AuthorityPlan) -> None:
    with pytest.raises(FabricError, match="is lost.*restore"):
        plan(None, made.msp)
    with pytest.raises(FabricError, match="lacks enrollment_key"):
        plan({**made.server, "enrollment_key": ""}, made.msp)


@pytest.mark.parametrize(
    ("days", "changed"), [(300, False), (336, True), (364, True), (400, True), (3700, False)]
)
def test_only_the_servers_certificate_is_renewed(
    made: authority.AuthorityPlan, days: int, changed: bool
) -> None:
    later = plan(made.server, made.msp, now=datetime.now(UTC) + timedelta(days=days))
    different = {name for name in made.server if later.server[name] != made.server[name]}
    assert different == ({"server_cert", "server_key"} if changed else set())


def test_other_hosts_need_another_server_certificate(made: authority.AuthorityPlan) -> None:
    spec = authority.AuthoritySpec("org1", "org1", "Org1MSP", ["ca.org1.lab"])
    assert plan(made.server, made.msp, spec=spec).reasons == {"org1/ca/server": "other server_hosts"}
