"""What may be where: turns what was found into what is wrong."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import (
    CLEAR_CREDENTIALS,
    CREDENTIALS,
    SECRETS,
    UID,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import uid_of
from ansible_collections.selvedge.fabric.tests.leaks.engine import SOME_KEY
from ansible_collections.selvedge.fabric.tests.leaks.secrets import Secret

ROOT = Path(__file__).resolve().parents[2]
BOOT_MATERIAL = ROOT / "docs" / "reference" / "boot-material.yml"
KNOWN_KEYS = Path(__file__).with_name("known_keys.yml")
# The only places in a host's memory file systems where secrets belong: the agent's, and systemd's for its units.
_IN_MEMORY = (f"{SECRETS}/", "/run/credentials/")
# Sealed with a key that everybody has. Source: systemd 257, src/shared/creds-util.h (CRED_AES256_GCM_BY_NULL).
_NULL_KEY = "058469daf6f543248005490d0f8ea2fb"


@dataclass(frozen=True)
class Finding:
    """Something that is where it must not be."""

    host: str
    place: str
    path: str
    what: str


def _unsealed(entry: dict[str, str]) -> dict[str, str]:
    """What an entry says on a host with ``selvedge_seal: none``: the same file, in the clear."""
    if entry["form"] != "sealed":
        return entry
    return {**entry, "form": "clear", "path": entry["path"].replace(CREDENTIALS, CLEAR_CREDENTIALS)}


class Rules:
    """The closed lists, for one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._network = deployment.network
        self._state = str(deployment.state_dir)
        self._boot: list[dict[str, str]] = yaml.safe_load(BOOT_MATERIAL.read_text())["boot_material"]
        self._known: dict[str, list[dict[str, str]]] = yaml.safe_load(KNOWN_KEYS.read_text())

    def judge(self, host: str, secrets: list[Secret], result: dict[str, Any]) -> list[Finding]:
        """What is wrong with one machine's result; ``host`` is ``controller`` for this one."""
        wrong = []
        named = {
            (found["place"], found["path"]) for found in result["findings"] if found["secret"] != SOME_KEY
        }
        for found in result["findings"]:
            place, path, forms = found["place"], found["path"], ", ".join(sorted(found["forms"]))
            if found["secret"] == SOME_KEY:
                # A key that is found by its name too is told once.
                if (place, path) not in named and not self._known_key(host, place, path):
                    wrong.append(
                        Finding(host, place, path, f"a private key that nobody put into the store: {forms}")
                    )
            elif not self._allowed(host, place, path, secrets[found["secret"]]):
                wrong.append(Finding(host, place, path, f"{secrets[found['secret']].name}: {forms}"))
        return wrong

    def _allowed(self, host: str, place: str, path: str, secret: Secret) -> bool:
        if place == "tmpfs":
            return path.startswith(_IN_MEMORY) and host in secret.hosts
        return place == "disk" and any(
            entry["form"] == "clear"
            and entry["path"] == path
            and f"{host} {entry.get('secret')}" == secret.name
            for entry in self._entries(host)
        )

    def _known_key(self, host: str, place: str, path: str) -> bool:
        if place == "tmpfs" and path.startswith(_IN_MEMORY):
            return True
        known = self._known["controller" if host == "controller" else "hosts"]
        return place == "disk" and any(fnmatch.fnmatchcase(path, entry["path"]) for entry in known)

    def _entries(self, host: str) -> list[dict[str, str]]:
        """The boot material that belongs on a machine, paths filled in."""
        roles = {"controller", "lab"} if host == "controller" else {"hosts"}
        if host == self._network.store_host.name:
            roles.add("store")
        if host == self._network.registry_host.name:
            roles.add("registry")
        entries = [
            {**entry, "path": entry["path"].replace("{state}", self._state)}
            for entry in self._boot
            if entry["where"] in roles
        ]
        in_the_clear = host != "controller" and self._network.hosts[host].seal == "none"
        return [_unsealed(entry) for entry in entries] if in_the_clear else entries

    def sealed(self, host: str, files: list[dict[str, Any]]) -> list[Finding]:
        """Files where systemd keeps credentials that are not in the list, or not sealed, or not for root alone."""
        listed = {entry["path"] for entry in self._entries(host)}
        wrong = []
        for file in files:
            if file["path"] not in listed:
                wrong.append(Finding(host, "disk", file["path"], f"not in {BOOT_MATERIAL.name}"))
            if file["kind"] == _NULL_KEY:
                wrong.append(Finding(host, "disk", file["path"], "sealed with the key that everybody has"))
            if (file["mode"], file["uid"]) != ("0600", 0):
                wrong.append(Finding(host, "disk", file["path"], f"mode {file['mode']}, owner {file['uid']}"))
        return wrong

    def rendered(self, host: str, files: list[dict[str, Any]]) -> list[Finding]:
        """Rendered secrets that are on a disk, or that others than their container can read."""
        wrong = []
        # Some are users of their own, who can read no node's keys; collectors are root without a capability.
        owners = (
            {} if host == "controller" else {item.name: uid_of(item) for item in self._network.services(host)}
        )
        for file in files:
            if file["fstype"] != "tmpfs":
                wrong.append(
                    Finding(host, "disk", file["path"], f"rendered to {file['fstype']} instead of tmpfs")
                )
            owner = owners.get(file["path"].removeprefix(f"{SECRETS}/").partition("/")[0], UID)
            if (file["mode"], file["uid"]) != ("0400", owner):
                wrong.append(
                    Finding(host, "tmpfs", file["path"], f"mode {file['mode']}, owner {file['uid']}")
                )
        return wrong
