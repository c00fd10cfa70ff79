"""Whether a machine reaches what it must reach, and finds there what it should: pure rules.

A refused connection is no failure before the network runs: it shows that the way is free. A firewall that refuses
instead of dropping cannot be told from a closed port.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import x509
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.findings import (
    Finding,
    failed,
    listed,
    ok,
    skipped,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.network import OPEN, REFUSED

with suppress(ImportError):  # preflight_report says which package is missing
    from cryptography.exceptions import InvalidSignature

_BRINGS = {"registry": "images.yml", "store": "site.yml"}
# Source: OpenBao, http/sys_health.go.
_STORE_STATES = {
    501: (
        "is not initialised",
        "read its log with docker logs {service} on {host}; it initialises itself at its first start",
    ),
    503: (
        "is sealed",
        "on {host}: systemctl restart selvedge-material-store selvedge-stack@store, then docker logs "
        "{service}",
    ),
}


def judge_neighbours(expected: dict[str, Any], knocks: dict[str, str]) -> Iterator[Finding]:
    """Whether packets get through to the other hosts' ports."""
    reached = []
    for other in expected.get("neighbours", []):
        came = {item["port"]: knocks[f"{other['address']}:{item['port']}"] for item in other["ports"]}
        blocked = {port: how for port, how in came.items() if how not in (OPEN, REFUSED)}
        where = f"{other['host']} ({other['address']})"
        if not blocked:
            reached.append(other["host"])
            continue
        hows = ", ".join(sorted(set(blocked.values())))
        ports = (
            f"any of its ports ({listed(list(blocked))})"
            if blocked == came
            else f"port {listed(list(blocked))}"
        )
        yield failed("network", f"{where}: {hows} on {ports}", _way(expected["name"], other, hows))
    if reached:
        yield ok("network", f"reaches the ports of {listed(reached)}")


def _way(name: str, other: dict[str, Any], hows: str) -> str:
    variable = "ansible_host" if name == "controller" else "selvedge_address"
    if hows == "unknown name":
        return f"correct {variable} of {other['host']}, or have {other['address']} resolved"
    return (
        f"open these TCP ports from {name} to {other['host']} in the firewalls, and look at {variable} of "
        f"{other['host']}"
    )


def judge_endpoint(
    item: dict[str, Any], answer: dict[str, Any], deployed: bool | None, ca_cert: str
) -> Finding:
    """The registry or the store, as seen from one machine.

    :param item: the endpoint, see ``model/preflight_view.py``
    :param answer: see ``network.ask``
    :param deployed: whether its host has it in its configuration; None when that host cannot tell
    """
    name, where = item["name"], f"{item['address']}:{item['port']}"
    connection = answer["connection"]
    if connection == REFUSED and deployed is False:
        return skipped(name, f"not there yet; {_BRINGS[name]} brings it")
    if connection == REFUSED:
        return failed(
            name,
            f"{where} refuses the connection",
            f"on {item['host']}: systemctl status selvedge-stack@{name}, docker logs {item['service']}; "
            f"start.yml starts what was stopped, {_BRINGS[name]} what is missing",
        )
    if connection != OPEN:
        return failed(
            name,
            f"{where}: {connection}",
            f"open TCP port {item['port']} of {item['host']} in the firewalls, "
            f"and look at the addresses of {item['host']} in the inventory",
        )
    if not ca_cert:
        return skipped(name, f"{where} is open; whether it is the right one can be told after bootstrap.yml")
    if "verify" in answer:
        return _wrong_certificate(item, where, answer, ca_cert)
    if "error" in answer:
        return failed(
            name,
            f"{where} takes the connection and gives no answer in HTTPS: {answer['error']}",
            f"look on {item['host']} what listens on port {item['port']}, and whether {item['service']} is healthy",
        )
    return _status(item, where, answer["status"])


def _status(item: dict[str, Any], where: str, status: int) -> Finding:
    if status in (200, 429, 472, 473):
        return ok(item["name"], f"{where} answers, with a certificate of the bootstrap CA")
    if item["name"] == "store" and status in _STORE_STATES:
        what, remedy = _STORE_STATES[status]
        return failed("store", f"{where} {what}", remedy.format(**item))
    return failed(
        item["name"],
        f"{where} answers with HTTP status {status}",
        f"read its log with docker logs {item['service']} on {item['host']}",
    )


def _wrong_certificate(item: dict[str, Any], where: str, answer: dict[str, Any], ca_cert: str) -> Finding:
    """Says whose certificate it is instead, and what to do in each case."""
    name = item["name"]
    anew = (
        f"on {item['host']} remove {item['credentials']}/selvedge-{name}-server_cert and -server_key and run "
        f"{_BRINGS[name]}, which makes them anew"
    )
    try:
        shown, issuer = x509.load_certificate(answer["certificate"]), x509.load_certificate(ca_cert)
    except FabricError:
        return failed(name, f"{where} has a wrong certificate: {answer['verify']}", anew)
    subject, by = shown.subject.rfc4514_string(), shown.issuer.rfc4514_string()
    try:
        shown.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        own = issuer.subject.rfc4514_string()
        same = " of the same name" if by == own else f" ({own})"
        return failed(
            name,
            f"{where} has a certificate of another authority: '{subject}', issued by '{by}', not by this inventory's "
            f"bootstrap CA{same}",
            f"if another program or network has that port, free it; if .state is not the one that {item['host']} was "
            f"deployed with, restore that; else {anew}",
        )
    hosts = sorted(x509.hosts_of(shown))
    if item["address"] not in hosts:
        return failed(
            name,
            f"{where} has a certificate for {listed(hosts)}, not for {item['address']}",
            f"if the address is right, {anew}",
        )
    since, until = shown.not_valid_before_utc, shown.not_valid_after_utc
    return failed(
        name,
        f"{where} has a certificate that is not accepted: {answer['verify']}; it is valid from "
        f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC",
        f"look at the clocks; if they are right, {anew}",
    )


def judge_trust(files: dict[str, str], ca_cert: str) -> list[Finding]:
    """Whether a host trusts this bootstrap CA, and no other.

    :param files: path to the fingerprint of what is there, empty when nothing is
    """
    if not any(files.values()):
        return [skipped("trust", "bootstrap.yml brings the bootstrap CA's certificate")]
    if not ca_cert:
        paths = listed([path for path, found in files.items() if found])
        return [
            failed(
                "trust",
                f"{paths} is there, but this controller has no bootstrap CA",
                "restore the folder .state that the host was deployed with, or point selvedge_state_dir at it",
            )
        ]
    right = hashlib.sha256(ca_cert.strip().encode()).hexdigest()
    wrong = [
        f"{path} {'is of another CA' if found else 'is missing'}"
        for path, found in files.items()
        if found != right
    ]
    if not wrong:
        return [ok("trust", "the bootstrap CA's certificate is in place")]
    return [
        failed(
            "trust",
            "; ".join(wrong),
            "if .state is the right one for these hosts, run bootstrap.yml; else "
            "restore the one that they were deployed with",
        )
    ]
