"""Why a host cannot be worked on: Ansible's and SSH's words, in terms of what to do."""

from __future__ import annotations

import re

from ansible_collections.selvedge.fabric.plugins.module_utils.preflight.findings import Finding, failed

# Check, pattern, what it means, remedy. The first that fits counts; {where} is how the host is reached.
# Sources: OpenSSH sshconnect.c, sshconnect2.c, misc.c; Ansible's plugins/connection/ssh.py and action/__init__.py.
_CAUSES: tuple[tuple[str, str, str, str], ...] = (
    (
        "reachable",
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        "its SSH host key is not the one that is known",
        "find out why: a reinstalled host, or somebody in between. If it is right, remove the old line with "
        "ssh-keygen -R and log in once by hand",
    ),
    (
        "reachable",
        r"Host key verification failed|No \S+ host key is known",
        "its SSH host key is not known",
        "log in once by hand and compare the key, or add it to known_hosts",
    ),
    (
        "reachable",
        r"Could not resolve hostname",
        "the name of {where} is not known",
        "correct ansible_host, or have the name resolved",
    ),
    (
        "reachable",
        r"Connection refused",
        "{where} refuses the connection",
        "start sshd there, or correct ansible_host and ansible_port",
    ),
    (
        "reachable",
        r"No route to host|Network is unreachable",
        "there is no way to {where}",
        "look at the host, the routes and the firewalls, and correct ansible_host",
    ),
    (
        "reachable",
        r"[Tt]imed out|Timeout, server .* not responding|Timeout .*ssh",
        "{where} does not answer",
        "look whether the host is up, and at the firewalls; correct ansible_host and ansible_port",
    ),
    (
        "reachable",
        r"Connection (closed|reset) by|kex_exchange_identification|Connection to \S+ closed",
        "{where} closes the connection",
        "look at sshd there: its log, MaxStartups, AllowUsers, and whether it is sshd at all",
    ),
    (
        "reachable",
        r"UNPROTECTED PRIVATE KEY FILE|bad permissions",
        "the private key file is readable by others, so SSH does not use it",
        "chmod 600 the file of ansible_ssh_private_key_file",
    ),
    (
        "reachable",
        r"Permission denied|Too many authentication failures|Invalid/incorrect password",
        "{where} does not let this user in",
        "correct ansible_user and ansible_ssh_private_key_file, and have the public key in authorized_keys there",
    ),
    (
        "root",
        r"Incorrect \S+ password",
        "the password for becoming root is not accepted",
        "run with --ask-become-pass and give the right one; or the user may not become root at all, see /etc/sudoers "
        "there",
    ),
    (
        "root",
        r"Missing \S+ password|\S+: a password is required",
        "becoming root wants a password",
        "run with --ask-become-pass, or let the user run sudo without one",
    ),
    (
        "root",
        r"not in the sudoers file|may not run sudo|is not allowed to (run|execute)|not allowed to run sudo",
        "the user must not become root",
        "allow it in /etc/sudoers.d, or log in as root",
    ),
    (
        "root",
        r"Timeout .*privilege escalation|sudo: (command )?not found|sudo: No such file",
        "root rights are not to be had",
        "install sudo and allow the user to run it, or log in as root",
    ),
    (
        "python",
        r"interpreter .* was not found|python\S*: (command )?not found|python\S*: No such file",
        "there is no Python where it should be",
        "install python3, or correct ansible_python_interpreter",
    ),
    (
        "python",
        r"requires a minimum of Python|future feature annotations is not defined|SyntaxError",
        "its Python is too old",
        "install Python 3.10 or newer, and name it in ansible_python_interpreter of the host",
    ),
    (
        "disk",
        r"No space left on device|Failed to create temporary directory",
        "there is no room for Ansible's temporary files",
        "free space on the host, first in /tmp and in the home directory of the user",
    ),
)
_LONGEST = 300


def judge_connection(text: str, where: str) -> Finding:
    """What a failed attempt to run anything on a host means.

    :param text: the error as Ansible has it, with what SSH or the host's shell said
    :param where: how the host is reached, such as ``ssh lab@192.0.2.11:22``
    """
    for check, pattern, what, remedy in _CAUSES:
        match = re.search(pattern, text)
        if match:
            return failed(check, f"{what.format(where=where)}{_said(text, match.start())}", remedy)
    shown = " ".join(text.split())[:_LONGEST] or "no reason was given"
    return failed("reachable", f"{where}: {shown}", "run with -vvv, and try the same by hand with ssh")


def _said(text: str, at: int) -> str:
    """The line of the text that told it, for those who know SSH."""
    start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    line = text[start : end if end >= 0 else len(text)].strip().strip("@ ")
    # What Ansible puts in front says nothing that is not said here.
    line = re.sub(r"^.*(?:over|via) ssh: ", "", line)
    return f" ({line[:_LONGEST].rstrip('.')})" if line else ""
