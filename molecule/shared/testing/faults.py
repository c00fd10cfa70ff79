"""Faults, made for real on lab hosts and mended again. Each is a context."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hvac
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import the_host
from ansible_collections.selvedge.fabric.molecule.shared.testing.waiting import eventually
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import issue_server, make_root
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ca_config import TLS
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import DATA, SECRETS, UID
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import (
    folder_of,
    mount_of,
    secret_path,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.units import AGENT_UNIT
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

_AGENT_S = 60


def do(host: str, command: str) -> str:
    """Run a shell command on a host, which must succeed; what it prints."""
    done = the_host(host).run(command)
    assert done.rc == 0, f"{host}: {command}: {done.stderr}"
    return str(done.stdout).strip()


@contextmanager
def stopped(service: Service, how: str = "stop") -> Iterator[None]:
    """A container that is stopped, or with ``kill`` gone at once."""
    with _between(service, how, "start"):
        yield


@contextmanager
def paused(service: Service) -> Iterator[None]:
    with _between(service, "pause", "unpause"):
        yield


@contextmanager
def _between(service: Service, first: str, last: str) -> Iterator[None]:
    do(service.host.name, f"docker {first} {service.name}")
    try:
        yield
    finally:
        do(service.host.name, f"docker {last} {service.name}")


@contextmanager
def cut_off(host: str) -> Iterator[None]:
    """A host whom nothing reaches but SSH."""
    rules = [
        "INPUT -i eth0 -p tcp ! --dport 22 -j DROP",
        "OUTPUT -o eth0 -p tcp ! --sport 22 -j DROP",
        "DOCKER-USER -i eth0 -j DROP",
        "DOCKER-USER -o eth0 -j DROP",
    ]
    with _filtered(host, rules):
        yield


@contextmanager
def unreachable(service: Service) -> Iterator[None]:
    """A container that runs, and that nothing reaches, neither from outside nor from other hosts."""
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    address = do(service.host.name, f"docker inspect --format '{form}' {service.name}")
    with _filtered(
        service.host.name, [f"DOCKER-USER -d {address} -j DROP", f"DOCKER-USER -s {address} -j DROP"]
    ):
        yield


@contextmanager
def _filtered(host: str, rules: list[str]) -> Iterator[None]:
    """A host with more rules of iptables, each beginning with its chain."""
    try:
        for rule in rules:
            do(host, f"iptables -I {rule}")
        yield
    finally:
        for rule in rules:
            the_host(host).run(f"iptables -D {rule}")


@contextmanager
def sealed(deployment: Deployment) -> Iterator[None]:
    """A store that was sealed. It has a key of its own to begin again with.

    The controller may not seal: a policy and a role for that are made, and removed.
    """
    store, name = deployment.store, "sealing"

    def prepare(client: hvac.Client) -> None:
        role = client.read("auth/cert/certs/controller")["data"]
        text = 'path "sys/seal" { capabilities = ["update", "sudo"] }'
        client.sys.create_or_update_acl_policy(name, text)
        client.write_data(
            f"auth/cert/certs/{name}",
            data={
                "certificate": role["certificate"],
                "allowed_common_names": role["allowed_common_names"],
                "token_policies": name,
                "token_ttl": 300,
            },
        )

    def forget(client: hvac.Client) -> None:
        client.delete(f"auth/cert/certs/{name}")
        client.sys.delete_acl_policy(name)

    def seal(client: hvac.Client) -> None:
        former = client.token
        client.token = client.adapter.post("/v1/auth/cert/login", json={"name": name})["auth"]["client_token"]
        try:
            client.sys.seal()
        finally:
            client.token = former

    store.call("making a role", name, prepare)
    try:
        store.call("sealing", "sys/seal", seal)
        yield
    finally:
        do(
            deployment.network.store_host.name,
            f"docker restart store.{deployment.network.settings['domain']}",
        )
        eventually(lambda: store.call("removing a role", name, forget), _AGENT_S, Exception)


@contextmanager
def foreign_registry(deployment: Deployment) -> Iterator[None]:
    """A registry that shows a certificate of another authority, issued to its own names."""
    network = deployment.network
    host, container = network.registry_host, f"registry.{network.settings['domain']}"
    root = make_root("another CA", "Acme", 1)
    pair = issue_server(root, "registry.acme", "Acme", [host.address, host.reach], 1)
    try:
        for name, text in (("server_cert", pair.cert_pem), ("server_key", pair.key_pem)):
            _put(deployment, host.name, f"{SECRETS}/registry/{name}", text)
        do(host.name, f"docker restart {container}")
        _answers(network)
        yield
    finally:
        do(host.name, "systemctl restart selvedge-material-registry.service")
        do(host.name, f"docker restart {container}")
        _answers(network)


def _put(deployment: Deployment, host: str, path: str, text: str) -> None:
    """A file in tmpfs that the containers' user can read, by way of standard input."""
    words = f"cat > {path}; chown {UID}:{UID} {path}; chmod 0400 {path}"
    subprocess.run([*deployment.machine(host).command, words], input=text, text=True, check=True)


def _answers(network: Network) -> None:
    """Wait until the registry listens."""
    port = network.settings["registry"]["port"]
    ask = f'import socket; socket.create_connection(("127.0.0.1", {port}), 2)'
    eventually(lambda: do(network.registry_host.name, f"python3 -c '{ask}'"), 30)


@contextmanager
def full_disk(container: str, folder: str) -> Iterator[None]:
    """A small file system with no space left, over a folder of a lab host, with what was in it.

    :param container: the lab host's, in this machine's engine
    """
    process = _engine("inspect", "--format", "{{.State.Pid}}", container)
    script = f"""
set -eu
image=$(mktemp)
truncate --size 1M "$image"
mkfs.ext4 -q -b 1024 "$image"
device=$(losetup --find --show "$image")
inside() {{ nsenter --target {process} --mount -- "$@"; }}
number=$(stat --format '%Hr:%Lr' "$device")
inside mknod "/root/small-disk" b "${{number%:*}}" "${{number#*:}}"
inside cp -a {folder} /root/kept
inside mount /root/small-disk {folder}
inside cp -a /root/kept/. {folder}/
inside dd if=/dev/zero of={folder}/filler bs=1k 2>/dev/null || true
echo "$device $image"
"""
    made = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True).stdout.split()
    try:
        yield
    finally:
        inside = ["nsenter", "--target", process, "--mount", "--"]
        for command in (
            [*inside, "umount", folder],
            [*inside, "rm", "-rf", "/root/kept", "/root/small-disk"],
            ["losetup", "--detach", made[0]],
            ["rm", made[1]],
        ):
            subprocess.run(command, check=True)


@contextmanager
def short_lived(deployment: Deployment, node: Service, hours: int) -> Iterator[None]:
    """A node that shows a TLS certificate, by its own CA, of which only hours are left."""
    store, path = deployment.store, secret_path(node)
    before = store.read(path)
    authority = store.read(f"{mount_of(node.organization)}/ca/server")
    assert before and authority
    issuer = x509.load_pem_x509_certificate(authority[f"{TLS}_cert"].encode())
    key = serialization.load_pem_private_key(authority[f"{TLS}_key"].encode(), None)
    old = x509.load_pem_x509_certificate(before["tls_cert"].encode())
    builder = (
        x509.CertificateBuilder()
        .issuer_name(issuer.subject)
        .subject_name(old.subject)
        .public_key(old.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(datetime.now(UTC) + timedelta(hours=hours))
    )
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    made = builder.sign(key, hashes.SHA256())  # type: ignore[arg-type]
    new = {**before, "tls_cert": made.public_bytes(serialization.Encoding.PEM).decode()}
    try:
        _shown(node, new, store.write(path, new))
        yield
    finally:
        _shown(node, before, store.write(path, before))


def _shown(node: Service, fields: dict[str, str], _version: int) -> None:
    """Have a node show the certificate that the store has of it."""
    host = node.host.name
    do(host, f"systemctl restart {AGENT_UNIT}")
    file = f"{folder_of(node)}/tls/server.crt"

    def rendered() -> None:
        assert do(host, f"cat {file}") == fields["tls_cert"].strip()

    eventually(rendered, _AGENT_S, AssertionError)
    do(host, f"docker restart {node.name}")


@contextmanager
def wrong_clock(node: Service, seconds: int) -> Iterator[None]:
    """A node whose answers tell another time: a host that is a container has its machine's clock."""
    host, port = node.host.name, node.ports["operations"]
    script, other = "/root/wrong_clock.py", 39443
    text = (Path(__file__).parent / "wrong_clock.py").read_text()
    rule = f"PREROUTING -i eth0 -p tcp --dport {port} -j REDIRECT --to-ports {other}"
    do(host, f"printf %s {shlex.quote(text)} > {script}")
    command = f"python3 {script} {other} {port} {seconds} {folder_of(node)}/tls"
    try:
        do(host, f"systemd-run --unit wrong-clock {command}")
        eventually(lambda: do(host, f"ss -Hltn 'sport = :{other}' | grep -q ."), 20, AssertionError)
        do(host, f"iptables -t nat -I {rule}")
        yield
    finally:
        the_host(host).run(f"iptables -t nat -D {rule}")
        the_host(host).run("systemctl stop wrong-clock")
        do(host, f"rm {script}")


@contextmanager
def cut_block_file(peer: Service, channel: str) -> Iterator[None]:
    """A peer whose block file lost its end while it runs; afterwards its ledger is put back, and it catches up."""
    host, data = peer.host.name, f"{DATA}/{peer.name}"
    file = f"{data}/ledgersData/chains/chains/{channel}/blockfile_000000"
    kept = f"{DATA}/{peer.name}.kept"
    # A copy of a ledger is one only while nothing writes to it.
    do(host, f"docker stop {peer.name} && cp -a {data} {kept} && docker start {peer.name}")
    try:
        # No newer block is whole: each is written behind the end, and looked for where the end was.
        do(host, f"truncate --size=-1000 {file}")
        yield
    finally:
        do(host, f"docker stop {peer.name} && rm -rf {data} && mv {kept} {data} && docker start {peer.name}")


def _engine(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()
