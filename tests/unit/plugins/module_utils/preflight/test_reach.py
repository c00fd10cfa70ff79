"""Why nobody gets onto a host. The texts were captured from OpenSSH 9.2, sudo 1.9 and Ansible 2.19."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.reach import judge_connection

CAPTURED = json.loads(Path(__file__).with_name("connection_errors.json").read_text())
WANTED = {
    "changed_host_key": (
        "reachable",
        "its SSH host key is not the one that is known (WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!)",
        "find out why: a reinstalled host, or somebody in between. If it is right, remove the old line with "
        "ssh-keygen -R and log in once by hand",
    ),
    "closing": (
        "reachable",
        "ssh root@192.0.2.11:2297 closes the connection (kex_exchange_identification: read: Connection reset by peer)",
        "look at sshd there: its log, MaxStartups, AllowUsers, and whether it is sshd at all",
    ),
    "no_name": (
        "reachable",
        "the name of ssh root@no-such-host.invalid:2299 is not known (ssh: Could not resolve hostname "
        "no-such-host.invalid: Name or service not known)",
        "correct ansible_host, or have the name resolved",
    ),
    "no_python": (
        "python",
        "there is no Python where it should be (The module interpreter '/usr/bin/python9' was not found)",
        "install python3, or correct ansible_python_interpreter",
    ),
    "open_key": (
        "reachable",
        "the private key file is readable by others, so SSH does not use it (WARNING: UNPROTECTED PRIVATE KEY FILE!)",
        "chmod 600 the file of ansible_ssh_private_key_file",
    ),
    "refused": (
        "reachable",
        "ssh root@192.0.2.11:2296 refuses the connection (ssh: connect to host 192.0.2.11 port 2296: "
        "Connection refused)",
        "start sshd there, or correct ansible_host and ansible_port",
    ),
    "silent": (
        "reachable",
        "ssh root@192.0.2.11:2298 does not answer (Connection timed out during banner exchange)",
        "look whether the host is up, and at the firewalls; correct ansible_host and ansible_port",
    ),
    "sudo_password": (
        "root",
        "becoming root wants a password (Missing sudo password)",
        "run with --ask-become-pass, or let the user run sudo without one",
    ),
    "sudo_wrong_password": (
        "root",
        "the password for becoming root is not accepted (Incorrect sudo password)",
        "run with --ask-become-pass and give the right one; or the user may not become root at all, see "
        "/etc/sudoers there",
    ),
    "unknown_host_key": (
        "reachable",
        "its SSH host key is not known (Host key verification failed)",
        "log in once by hand and compare the key, or add it to known_hosts",
    ),
    "wrong_key": (
        "reachable",
        "ssh root@192.0.2.11:2299 does not let this user in (root@192.0.2.11: Permission denied "
        "(publickey,keyboard-interactive))",
        "correct ansible_user and ansible_ssh_private_key_file, and have the public key in authorized_keys there",
    ),
}


def test_every_captured_text_has_its_meaning() -> None:
    assert set(WANTED) == set(CAPTURED)


@pytest.mark.parametrize("name", CAPTURED)
def test_what_is_said_and_what_to_do(name: str) -> None:
    found = judge_connection(CAPTURED[name]["error"], CAPTURED[name]["where"])
    assert (found.check, found.what, found.remedy) == WANTED[name]
    assert found.status == "failed"


@pytest.mark.parametrize(
    ("text", "check", "what"),
    [
        (
            "ssh: connect to host 192.0.2.1 port 22: No route to host",
            "reachable",
            "there is no way to it (ssh: connect to host 192.0.2.1 port 22: No route to host)",
        ),
        (
            "Task failed: Timed out after 60 second(s).",
            "reachable",
            "it does not answer (Task failed: Timed out after 60 second(s))",
        ),
        (
            "lab is not in the sudoers file.",
            "root",
            "the user must not become root (lab is not in the sudoers file)",
        ),
        (
            "ansible-core requires a minimum of Python version 3.8. Current version: 3.6.9",
            "python",
            "its Python is too old (ansible-core requires a minimum of Python version 3.8. Current version: 3.6.9)",
        ),
        (
            "OSError: [Errno 28] No space left on device",
            "disk",
            "there is no room for Ansible's temporary files (OSError: [Errno 28] No space left on device)",
        ),
    ],
)
def test_more_causes(text: str, check: str, what: str) -> None:
    found = judge_connection(text, "it")
    assert (found.check, found.what) == (check, what)


def test_what_nobody_foresaw_is_passed_on() -> None:
    found = judge_connection("something\n  odd", "ssh lab@192.0.2.11:22")
    assert found.what == "ssh lab@192.0.2.11:22: something odd"
    assert found.remedy == "run with -vvv, and try the same by hand with ssh"
    assert judge_connection("", "it").what == "it: no reason was given"
