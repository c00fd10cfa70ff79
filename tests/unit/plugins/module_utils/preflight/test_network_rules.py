"""The ways between machines, and the two servers with their certificates. Certificates are real."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import (
    KeyPair,
    issue_server,
    make_root,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight import network_rules
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.preflight.samples import (
    CA,
    bad,
    bare,
    expected,
    fingerprint,
    healthy,
    judged,
)

REGISTRY = expected("host2")["endpoints"][0]
STORE = expected("host2")["endpoints"][1]
WHERE = "172.30.10.11:5000"
ANEW = (
    "on host1 remove /etc/credstore.encrypted/selvedge-registry-server_cert and -server_key and run images.yml, which "
    "makes them anew"
)


def shown(issuer: KeyPair, *hosts: str) -> dict[str, Any]:
    """The answer of a server whose certificate was refused."""
    pair = issue_server(issuer, "registry.lab.example", "Selvedge", list(hosts), 1)
    return {"connection": "open", "verify": "certificate verify failed", "certificate": pair.cert_pem}


def judge(
    item: dict[str, Any], answer: dict[str, Any], deployed: bool | None = True
) -> tuple[str, str, str, str]:
    found = network_rules.judge_endpoint(item, answer, deployed, CA.cert_pem)
    return found.check, str(found.status), found.what, found.remedy


def test_both_answer() -> None:
    for item in (REGISTRY, STORE):
        where = f"{item['address']}:{item['port']}"
        assert judge(item, {"connection": "open", "status": 200}) == (
            item["name"],
            "ok",
            f"{where} answers, with a certificate of the bootstrap CA",
            "",
        )


@pytest.mark.parametrize(("item", "verb"), [(REGISTRY, "images.yml"), (STORE, "site.yml")])
def test_nobody_there_yet(item: dict[str, Any], verb: str) -> None:
    answer = {"connection": "refused"}
    assert judge(item, answer, False) == (item["name"], "skipped", f"not there yet; {verb} brings it", "")


@pytest.mark.parametrize("deployed", [True, None])
def test_a_registry_that_stopped(deployed: bool | None) -> None:
    assert judge(REGISTRY, {"connection": "refused"}, deployed) == (
        "registry",
        "failed",
        f"{WHERE} refuses the connection",
        "on host1: systemctl status selvedge-stack@registry, docker logs registry.lab.example; start.yml starts "
        "what was stopped, images.yml what is missing",
    )


def test_a_registry_behind_a_firewall() -> None:
    assert judge(REGISTRY, {"connection": "no answer"}, False) == (
        "registry",
        "failed",
        f"{WHERE}: no answer",
        "open TCP port 5000 of host1 in the firewalls, and look at the addresses of host1 in the inventory",
    )


def test_a_certificate_of_another_authority() -> None:
    other = make_root("acme root", "Acme", 1)
    assert judge(REGISTRY, shown(other, "172.30.10.11")) == (
        "registry",
        "failed",
        f"{WHERE} has a certificate of another authority: 'CN=registry.lab.example,O=Selvedge', issued by "
        "'CN=acme root,O=Acme', not by this inventory's bootstrap CA (CN=lab bootstrap CA,O=Selvedge)",
        "if another program or network has that port, free it; if .state is not the one that host1 was deployed with, "
        f"restore that; else {ANEW}",
    )


def test_a_bootstrap_ca_that_was_made_anew_has_the_same_name() -> None:
    again = make_root("lab bootstrap CA", "Selvedge", 1)
    what = judge(REGISTRY, shown(again, "172.30.10.11"))[2]
    assert what.endswith("not by this inventory's bootstrap CA of the same name")


def test_a_certificate_for_another_address() -> None:
    assert judge(REGISTRY, shown(CA, "192.0.2.7", "registry.lab.example"))[2:] == (
        f"{WHERE} has a certificate for 192.0.2.7, registry.lab.example, not for 172.30.10.11",
        f"if the address is right, {ANEW}",
    )


def test_a_certificate_that_is_refused_for_its_time() -> None:
    what, remedy = judge(REGISTRY, {**shown(CA, "172.30.10.11"), "verify": "certificate has expired"})[2:]
    assert what.startswith(
        f"{WHERE} has a certificate that is not accepted: certificate has expired; it is valid from 20"
    )
    assert what.endswith(" UTC")
    assert remedy == f"look at the clocks; if they are right, {ANEW}"


def test_a_certificate_that_is_not_shown_twice() -> None:
    answer = {"connection": "open", "verify": "self-signed certificate", "certificate": ""}
    assert judge(REGISTRY, answer)[2:] == (f"{WHERE} has a wrong certificate: self-signed certificate", ANEW)


def test_something_that_is_no_server_of_ours() -> None:
    assert judge(REGISTRY, {"connection": "open", "error": "wrong version number"})[2:] == (
        f"{WHERE} takes the connection and gives no answer in HTTPS: wrong version number",
        "look on host1 what listens on port 5000, and whether registry.lab.example is healthy",
    )


def test_a_store_that_is_sealed_or_standby() -> None:
    assert judge(STORE, {"connection": "open", "status": 503}) == (
        "store",
        "failed",
        "172.30.10.11:8200 is sealed",
        "on host1: systemctl restart selvedge-material-store selvedge-stack@store, then docker logs store.lab.example",
    )
    assert judge(STORE, {"connection": "open", "status": 501})[2] == "172.30.10.11:8200 is not initialised"
    assert judge(STORE, {"connection": "open", "status": 429})[1] == "ok"


def test_an_answer_that_nobody_expects() -> None:
    assert judge(REGISTRY, {"connection": "open", "status": 503})[2:] == (
        f"{WHERE} answers with HTTP status 503",
        "read its log with docker logs registry.lab.example on host1",
    )


def test_before_the_bootstrap_ca_nothing_is_said_of_certificates() -> None:
    found = network_rules.judge_endpoint(REGISTRY, {"connection": "open"}, False, "")
    assert (str(found.status), found.what) == (
        "skipped",
        f"{WHERE} is open; whether it is the right one can be told after bootstrap.yml",
    )


def test_closed_ports_of_neighbours_are_no_fault() -> None:
    findings = judged(bare())
    assert [item.what for item in findings if item.check == "network"] == [
        "reaches the ports of host2, host3"
    ]
    assert bad(findings) == []


def test_a_firewall_between_hosts() -> None:
    evidence = healthy()
    evidence["knocks"]["172.30.10.12:7050"] = "no answer"
    assert bad(judged(evidence)) == [
        (
            "network",
            "failed",
            "host2 (172.30.10.12): no answer on port 7050",
            "open these TCP ports from host1 to host2 in the firewalls, and look at selvedge_address of host2",
        )
    ]
    for key in evidence["knocks"]:
        evidence["knocks"][key] = "no route"
    assert [what for _unused, _unused, what, _unused in bad(judged(evidence))] == [
        "host2 (172.30.10.12): no route on any of its ports (7050, 7051, 7061)",
        "host3 (172.30.10.13): no route on any of its ports (7050, 7051)",
    ]


def test_a_name_that_the_controller_cannot_look_up() -> None:
    view = {
        "name": "controller",
        "neighbours": [{"host": "host9", "address": "host9.example", "ports": [{"port": 7051}]}],
    }
    found = list(network_rules.judge_neighbours(view, {"host9.example:7051": "unknown name"}))
    assert bad(found) == [
        (
            "network",
            "failed",
            "host9 (host9.example): unknown name on any of its ports (7051)",
            "correct ansible_host of host9, or have host9.example resolved",
        )
    ]


def test_a_host_that_trusts_another_ca() -> None:
    evidence = healthy()
    engine_trust = "/etc/docker/certs.d/172.30.10.11:5000/ca.crt"
    evidence["files"][engine_trust] = fingerprint("another")
    remedy = (
        "if .state is the right one for these hosts, run bootstrap.yml; else restore the one that they were deployed "
        "with"
    )
    assert bad(judged(evidence)) == [("trust", "failed", f"{engine_trust} is of another CA", remedy)]
    evidence["files"][engine_trust] = ""
    assert bad(judged(evidence)) == [("trust", "failed", f"{engine_trust} is missing", remedy)]


def test_a_controller_that_lost_its_bootstrap_ca() -> None:
    assert ("trust", "failed") in [
        (check, status) for check, status, _unused, _unused in bad(judged(healthy(), ca_cert=""))
    ]
