"""The real secrets of a deployed network, in this process's memory, and where each may lie in the clear."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import SECRETS
from ansible_collections.selvedge.fabric.plugins.module_utils.model.units import SECRET_ID_FILE
from ansible_collections.selvedge.fabric.plugins.module_utils.model.view import (
    REGISTRY_MATERIAL,
    STORE_MATERIAL,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao import OpenBao
from ansible_collections.selvedge.fabric.tests.leaks import engine, host

HOST_PROGRAM = [engine.__name__, host.__name__]
HOST_KEY = "/var/lib/systemd/credential.secret"
# Its first bytes are no secret, and a part of the rest tells it from everything else.
_HOST_KEY_PART = slice(512, 640)


@dataclass(frozen=True)
class Secret:
    """A secret's value and where it may be in the clear.

    :param name: what findings call it, never its value
    :param hosts: hosts in whose tmpfs it belongs
    """

    name: str
    value: bytes = field(repr=False)
    hosts: frozenset[str] = frozenset()


def is_public(name: str) -> bool:
    """Whether a field of the store is public by its name. Whatever is not counts as a secret."""
    return name.endswith("_cert")


def stored(deployment: Deployment) -> Iterator[Secret]:
    """Every secret field in the store, in all versions that the store still has."""
    users: dict[str, set[str]] = {}
    for entry in deployment.controller["store_config"]["hosts"]:
        for path in entry["paths"]:
            users.setdefault(path, set()).add(entry["name"])
    store = deployment.store
    for mount in _mounts(store):
        for path in _walk(store, mount):
            for version, fields in _versions(store, path):
                for name, value in fields.items():
                    if not is_public(name):
                        label = f"{path} {name} (version {version})"
                        yield Secret(label, value.encode(), frozenset(users.get(path, ())))


def _mounts(store: OpenBao) -> list[str]:
    answer = store.call("listing mounts", "sys/mounts", lambda client: client.read("sys/mounts"))
    return [path.rstrip("/") for path, mount in answer["data"].items() if mount["type"] == "kv"]


def _walk(store: OpenBao, folder: str) -> Iterator[str]:
    for name in store.list(folder):
        if name.endswith("/"):
            yield from _walk(store, f"{folder}/{name.rstrip('/')}")
        else:
            yield f"{folder}/{name}"


def _versions(store: OpenBao, path: str) -> Iterator[tuple[int, dict[str, str]]]:
    mount, name = path.split("/", 1)

    def get(kind: str, version: str = "") -> Any:
        target = f"{mount}/{kind}/{name}{version}"
        return store.call("reading a secret", path, lambda client: client.read(target))["data"]

    for version, about in get("metadata")["versions"].items():
        if not about["destroyed"] and not about["deletion_time"]:
            yield int(version), get("data", f"?version={version}")["data"]


def boot_material(deployment: Deployment) -> Iterator[Secret]:
    """What the controller and the hosts need to come back: none of it is in the store.

    Raises LookupError when a host lacks something that the model says it has: it could not be searched for.
    """
    for key in ("ca.key", "controller.key", "ssh/id_ed25519"):
        file = deployment.state_dir / key
        # Only a lab has an SSH key of its own.
        if key != "ssh/id_ed25519" or file.is_file():
            yield Secret(f"controller {key}", file.read_bytes())
    for name, paths in _expected(deployment).items():
        request = {"do": "read", "paths": list(paths.values())}
        files = deployment.machine(name).run_python(HOST_PROGRAM, request)["files"]
        for label, path in paths.items():
            if path not in files:
                raise LookupError(f"{name} has no {path}: is the network up? Run site.yml, then look again")
            value = base64.b64decode(files[path])
            yield Secret(
                f"{name} {label}", value[_HOST_KEY_PART] if path == HOST_KEY else value, frozenset([name])
            )


def _expected(deployment: Deployment) -> dict[str, dict[str, str]]:
    """Host to what it must have: label to path."""
    network = deployment.network
    found: dict[str, dict[str, str]] = {}
    for name in network.hosts:
        sealed = network.hosts[name].seal != "none"
        paths = {"systemd's credential secret": HOST_KEY} if sealed else {}
        if list(network.services(name)):
            paths["AppRole secret id"] = SECRET_ID_FILE
        for stack, owner, material in (
            ("store", network.store_host, STORE_MATERIAL),
            ("registry", network.registry_host, REGISTRY_MATERIAL),
        ):
            if owner.name == name:
                private = [item for item in material if not is_public(item)]
                paths.update({f"{stack} {item}": f"{SECRETS}/{stack}/{item}" for item in private})
        found[name] = paths
    return found


def all_secrets(deployment: Deployment) -> list[Secret]:
    """Everything, each value once."""
    found: dict[bytes, Secret] = {}
    for secret in [*boot_material(deployment), *stored(deployment)]:
        known = found.get(secret.value)
        if known is None:
            found[secret.value] = secret
        else:
            # The same value in two versions: it belongs wherever one of them does.
            found[secret.value] = Secret(known.name, known.value, known.hosts | secret.hosts)
    return list(found.values())
