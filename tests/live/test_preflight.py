"""`preflight.yml` itself, on this machine as a host, and with hosts that nobody gets onto."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import issue_server, make_root

ROOT = Path(__file__).resolve().parents[2]
OWN, OTHER = make_root("trade bootstrap CA", "Selvedge", 1), make_root("another CA", "Acme", 1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def strange_tls(folder: Path) -> Iterator[int]:
    """A server with a certificate of another authority, and its port."""
    pair = issue_server(OTHER, "registry.acme", "Acme", ["127.0.0.1"], 1)
    (folder / "strange.crt").write_text(pair.cert_pem)
    (folder / "strange.key").write_text(pair.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "strange.crt", folder / "strange.key")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _unused = server.accept()
                    with (
                        contextlib.suppress(OSError),
                        context.wrap_socket(client, server_side=True) as secured,
                    ):
                        secured.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        yield int(server.getsockname()[1])


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing, as a host that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def inventory(folder: Path, hosts: dict[str, dict[str, Any]], registry: int, peer: int) -> Path:
    """``here`` runs everything; the others are in the inventory only."""
    made = folder / "inventory"
    (made / "group_vars" / "all").mkdir(parents=True)
    (made / ".state").mkdir()
    (made / ".state" / "ca.crt").write_text(OWN.cert_pem)
    for number, item in enumerate(hosts.values(), 1):
        # Addresses for documentation: whatever the machine's own network is, nobody of it is asked.
        item.update(ansible_host="127.0.0.1", selvedge_address=f"192.0.2.{number}")
    (made / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    model = {
        "name": "trade",
        "registry": {"host": "here", "port": registry},
        "secrets_store": {"host": "here", "port": free_port()},
        "organizations": [
            {
                "name": "org1",
                "ca": {"host": "here", "port": free_port(), "operations_port": free_port()},
                "peers": [{"name": "peer0", "host": "here", "port": peer, "operations_port": free_port()}],
            }
        ],
    }
    (made / "group_vars" / "all" / "network.yml").write_text(yaml.safe_dump({"selvedge_network": model}))
    return made


def preflight(source: Path, *options: str) -> tuple[int, str]:
    """Run the playbook; its exit code and output."""
    env = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": str(source / ".ansible"),
        "ANSIBLE_NOCOLOR": "1",
    }
    command = ["ansible-playbook", "-i", str(source), "playbooks/preflight.yml", *options]
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("ssh"), reason="needs an SSH client")
def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path, silent: int) -> None:
    refused = free_port()
    hosts = {
        "here": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        "closed": {"ansible_port": refused, "ansible_user": "lab"},
        "hangs": {"ansible_port": silent, "ansible_user": "lab", "ansible_timeout": 3},
        "python": {
            "ansible_connection": "local",
            "ansible_port": 1,
            "ansible_python_interpreter": "/usr/bin/python9",
        },
    }
    with strange_tls(tmp_path) as registry, socket.create_server(("127.0.0.1", 0)) as squatter:
        peer = squatter.getsockname()[1]
        source = inventory(tmp_path, hosts, registry, peer)
        code, output = preflight(source, "-e", "preflight_min_disk=1000000")
    table = " ".join(output.split())
    assert code == 2, output
    for wanted in (
        f"closed reachable failed ssh lab@127.0.0.1:{refused} refuses the connection",
        f"hangs reachable failed ssh lab@127.0.0.1:{silent} does not answer",
        "python python failed there is no Python where it should be",
        f"here ports failed {peer} (peer0.org1.trade.example) is held by",
        f"(pid {os.getpid()})",
        "give the service another port in the model (organizations[org1].peers[peer0].port)",
        "here address warning selvedge_address 192.0.2.1 is none of this host's own addresses",
        "wanted are 1000000.0 GiB",
        f"controller registry failed 127.0.0.1:{registry} has a certificate of another authority: "
        "'CN=registry.acme,O=Acme', issued by 'CN=another CA,O=Acme', not by this inventory's bootstrap CA "
        "(CN=trade bootstrap CA,O=Selvedge)",
        "check(s) failed (1 on closed, 1 on hangs, ",
    ):
        assert wanted in table, f"{wanted}\n{output}"
    # All are told of, and none ended the play before.
    assert "unreachable=1" not in output
    assert "Traceback" not in output


def test_a_plan_looks_as_well(tmp_path: Path) -> None:
    """`--check` touches nothing and neither does the play; both say the same."""
    hosts = {"here": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
    source = inventory(tmp_path, hosts, free_port(), free_port())
    _unused, output = preflight(source, "--check", "-e", "preflight_show_all=true")
    table = " ".join(output.split())
    assert "here clock ok in step with the controller's" in table
    assert "controller registry skipped not there yet; images.yml brings it" in table
    assert "controller store skipped not there yet; site.yml brings it" in table
    assert "changed=0" in output
