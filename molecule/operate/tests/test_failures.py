"""Something is wrong with a host: the run fails and says what to do; when that is done, the next run ends well."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator

import pytest
from ansible_collections.selvedge.fabric.molecule.operate.tests.test_plan import peer_of
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.engines import happened, look
from ansible_collections.selvedge.fabric.molecule.shared.testing.faults import (
    foreign_registry,
    full_disk,
    unreachable,
)
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import the_host
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.runs import Model, Operator
from ansible_collections.selvedge.fabric.molecule.shared.testing.waiting import eventually

ORDERER1, ORDERER2 = (f"orderer{number}.orderers.operate.example" for number in (1, 2))
PEER0, PEER1 = (f"peer{number}.org1.operate.example" for number in (0, 1))


def do(host: str, command: str) -> str:
    done = the_host(host).run(f"sh -c {shlex.quote(command)}")
    assert done.rc == 0, f"{host}: {command}: {done.stdout}{done.stderr}"
    return str(done.stdout)


def engine(*command: str) -> str:
    """This machine's engine, in which the lab hosts are containers."""
    return subprocess.run(["docker", *command], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(autouse=True)
def ends_well(operator: Operator, deployment: Deployment, ledger: Ledger) -> Iterator[None]:
    """After each fault is mended: one run, everything healthy, nothing left to do, the ledger takes transactions."""
    yield
    operator.run("site")
    operator.run("verify")
    again = operator.run("site", "--check")
    assert (again.items, again.predicted_containers) == (set(), set())
    ledger.wait_for(ledger.create()[1].tx_id)


def test_a_host_is_down(operator: Operator, deployment: Deployment) -> None:
    """And meanwhile the others can be brought to the model."""

    def other_memory(model: Model) -> None:
        peer_of(model, "org1", 1)["memory"] = "710m"

    container = f"{deployment.lab_name}-host3"
    others = [name for name in deployment.variables if name != "host3"]
    engine("stop", container)
    try:
        said = operator.run("site", fails=True).said()
        before = look(others)
        with operator.edited(other_memory):
            later = operator.run("site", "--limit", "!host3", "-e", "health_wait=20", fails=True).said()
        meanwhile = happened(before, look(others))
    finally:
        engine("start", container)
        eventually(lambda: the_host("host3").run("systemctl is-system-running --wait").rc, 120, RuntimeError)
    assert "host3 cannot be reached" in said
    assert "Next: preflight.yml tells what is wrong with it" in said
    assert "--limit '!host3'" in said
    assert meanwhile == {("recreate", PEER1)}
    assert "orderer3.orderers.operate.example is unhealthy" in later
    assert "peer0.org2.operate.example is unhealthy" in later


def test_a_port_is_taken(operator: Operator) -> None:
    do("host2", f"docker rm --force {PEER1}")
    do("host2", "systemd-run --unit=squatter python3 -m http.server 7051")
    eventually(lambda: do("host2", "ss -ltn | grep -q ':7051 '"), 30)
    try:
        said = operator.run("site", fails=True).said()
    finally:
        do("host2", "systemctl stop squatter")
    assert "7051" in said
    assert "Next: something else has the port: preflight.yml names the process" in said


def test_a_disk_is_full(operator: Operator, deployment: Deployment) -> None:
    def other_memory(model: Model) -> None:
        peer_of(model, "org1", 1)["memory"] = "700m"

    before = do("host2", "cat /etc/selvedge/stacks/ledger/compose.yml")
    running = do("host2", f"docker inspect --format '{{{{.Id}}}} {{{{.State.StartedAt}}}}' {PEER1}")
    with full_disk(f"{deployment.lab_name}-host2", "/etc/selvedge/stacks"), operator.edited(other_memory):
        said = operator.run("site", fails=True).said()
    assert "/etc/selvedge/stacks/ledger/compose.yml: No space left on device" in said
    assert "Next: free some space on the filesystem of /etc/selvedge/stacks/ledger/compose.yml" in said
    # Nothing was torn: the file is the former one, the peer has not noticed.
    assert do("host2", "cat /etc/selvedge/stacks/ledger/compose.yml") == before
    assert do("host2", f"docker inspect --format '{{{{.Id}}}} {{{{.State.StartedAt}}}}' {PEER1}") == running


def test_a_host_does_not_trust_the_registry(operator: Operator, deployment: Deployment) -> None:
    registry = deployment.network.registry_address
    ca = f"/etc/docker/certs.d/{registry}/ca.crt"
    do("host2", f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -out {ca}"
       " -subj /CN=stranger -days 1")  # fmt: skip
    do("host2", f"docker rm --force {ORDERER2} && docker image prune --all --force")
    said = operator.run("site", fails=True).said()
    assert "certificate signed by unknown authority" in said
    assert "Next: the registry shows a certificate that this host does not trust: run bootstrap.yml" in said
    operator.run("bootstrap")


def test_the_store_does_not_answer(operator: Operator) -> None:
    """A firewall swallows what is for it."""
    rule = "DOCKER-USER -p tcp --dport 8200 -j DROP"
    do("host1", f"iptables -I {rule}")
    try:
        said = operator.run("site", fails=True).said()
    finally:
        do("host1", f"iptables -D {rule}")
    assert "127.0.30.1:8200" in said
    assert "Next: preflight.yml tells what keeps it from answering; where it was stopped, start.yml" in said


# Answers every request with 500, with the CA's own certificate.
BROKEN_CA = """
import http.server, ssl
class Broken(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(500)
    do_POST = do_GET
server = http.server.ThreadingHTTPServer(("0.0.0.0", 17254), Broken)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERT, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def test_a_ca_answers_500(operator: Operator, deployment: Deployment) -> None:
    """While somebody has to be enrolled."""
    path = "org2/nodes/assets.peer0.org2.operate.example"
    fields = deployment.store.read(path)
    assert fields
    deployment.store.write(path, {**fields, "sign_cert": ""})
    secrets = "/run/selvedge/secrets/ca.org2.operate.example"
    program = BROKEN_CA.replace("CERT", repr(f"{secrets}/server_cert")).replace(
        "KEY", repr(f"{secrets}/server_key")
    )
    rule = "PREROUTING -p tcp --dport 7254 -j REDIRECT --to-ports 17254"
    do("host3", f"systemd-run --unit=broken-ca python3 -c {shlex.quote(program)}")
    do("host3", f"iptables -t nat -I {rule}")
    try:
        said = operator.run("site", fails=True).said()
    finally:
        do("host3", f"iptables -t nat -D {rule}; systemctl stop broken-ca")
    assert "assets.peer0.org2.operate.example" in said
    assert "500" in said
    assert "look at the CA server's log and run again; what is enrolled stays" in said


def test_a_peer_never_gets_healthy(operator: Operator, deployment: Deployment) -> None:
    """The first of three that are restarted: the run ends at its gate, and the others are left alone."""

    def change(model: Model) -> None:
        # Enough for the runtime to start it, and not for a peer.
        peer_of(model, "org1", 0)["memory"] = "24m"
        peer_of(model, "org1", 1)["memory"] = "720m"
        peer_of(model, "org2", 0)["memory"] = "720m"

    before = look(deployment.variables)
    with operator.edited(change):
        run = operator.run("site", "-e", "service_gate_wait=20", fails=True)
    assert f"{PEER0} is unhealthy" in run.said()
    assert f"last log lines of {PEER0}" in run.said()
    assert happened(before, look(deployment.variables)) == {("recreate", PEER0)}


def test_a_quorum_is_not_taken_away(operator: Operator, deployment: Deployment) -> None:
    """One of three orderers does not take part: the run waits for it, and restarts none of the other two."""

    def change(model: Model) -> None:
        for orderer in model["organizations"][0]["orderers"][1:]:
            orderer["memory"] = "450m"

    before = look(deployment.variables)
    orderer = next(item for item in deployment.network.orderers if item.name == ORDERER1)
    with operator.edited(change), unreachable(orderer):
        said = operator.run("site", "-e", "service_gate_wait=20", fails=True).said()
    assert "channel main" in said
    assert "it would have 1 of 3 consenters" in said
    assert "bring back the orderers that do not run, then run again" in said
    assert happened(before, look(deployment.variables)) == set()


def test_the_registry_shows_a_certificate_of_another_authority(
    operator: Operator, deployment: Deployment
) -> None:
    """The host trusts the right one, and lacks an image."""
    do("host2", f"docker rm --force {ORDERER2} && docker image prune --all --force")
    with foreign_registry(deployment):
        said = operator.run("site", fails=True).said()
    assert "certificate signed by unknown authority" in said
    assert "preflight.yml, which names the issuer that was found" in said
