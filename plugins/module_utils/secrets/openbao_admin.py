"""What the network needs of OpenBao besides secrets: mounts, policies, and a login for every host.

The desired and the actual state have one shape, ``{object: settings}`` with objects named ``"mount org1"``,
``"policy host-h1"``, ``"auth approle"``, ``"role h1"``. Their difference is the plan.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.store_config import policy_text
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao import OpenBao

State = dict[str, dict[str, Any]]
MAX_VERSIONS = 10
_APPROLE = "auth approle"


@dataclass(frozen=True)
class Host:
    """A host that reads secrets.

    :param name: its name, also the name of its AppRole
    :param role_id: the AppRole's fixed role id; not a secret
    :param paths: the secrets that it may read, ``<mount>/<path>``, each exactly
    :param cidrs: the addresses that it may come from
    """

    name: str
    role_id: str
    paths: Sequence[str]
    cidrs: Sequence[str]


@dataclass(frozen=True)
class Difference:
    """What has to change: object to settings before and after; None means that it is not there."""

    changes: dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None]]

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def before(self) -> State:
        return {name: old for name, (old, _unused) in self.changes.items() if old is not None}

    @property
    def after(self) -> State:
        return {name: new for name, (_unused, new) in self.changes.items() if new is not None}


def host_policy(name: str) -> str:
    return f"host-{name}"


def desired_state(mounts: Sequence[str], hosts: Sequence[Host], token_period_s: int) -> State:
    """The state that the model asks for. Raises SecretsError for an address range that is none."""
    state: State = {}
    for mount in mounts:
        state[f"mount {mount}"] = {"type": "kv", "version": "2", "max_versions": MAX_VERSIONS}
    for mount in mounts:
        rules = {
            f"{mount}/data/*": ["create", "read", "update"],
            f"{mount}/metadata/*": ["read", "list", "delete"],
        }
        state[f"policy {mount}-admin"] = _policy({**rules, f"{mount}/metadata": ["list"]})
    for host in hosts:
        state[f"policy {host_policy(host.name)}"] = _policy(_host_rules(host))
    if hosts:
        state[_APPROLE] = {"type": "approle"}
    for host in hosts:
        cidrs = _cidrs(host.cidrs, host.name)
        state[f"role {host.name}"] = {
            "role_id": host.role_id,
            "bind_secret_id": True,
            "secret_id_bound_cidrs": cidrs,
            "secret_id_num_uses": 0,
            "secret_id_ttl": 0,
            "token_bound_cidrs": cidrs,
            # The policy "default" would let a host keep its own cubbyhole and more; it needs only to renew.
            "token_no_default_policy": True,
            "token_period": token_period_s,
            "token_policies": [host_policy(host.name)],
        }
    return state


def compare(actual: State, desired: State, purge: bool = False) -> Difference:
    """The difference, in the order in which it can be applied.

    :param purge: remove roles and policies of hosts that are in ``actual`` only; nothing else ever is removed
    """
    changes: dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None]] = {
        name: (actual.get(name), settings)
        for name, settings in desired.items()
        if actual.get(name) != settings
    }
    if purge:
        extra = [name for name in actual if name not in desired]
        # The role first: a role without its policy is harmless, but says nothing sensible to its host.
        for prefix in ("role ", f"policy {host_policy('')}"):
            changes.update({name: (actual[name], None) for name in extra if name.startswith(prefix)})
    return Difference(changes)


def _policy(rules: dict[str, list[str]]) -> dict[str, Any]:
    return {"rules": {path: sorted(rules[path]) for path in sorted(rules)}}


def _host_rules(host: Host) -> dict[str, list[str]]:
    rules = {_data_path(path): ["read"] for path in host.paths}
    return {**rules, "auth/token/lookup-self": ["read"], "auth/token/renew-self": ["update"]}


def _data_path(path: str) -> str:
    mount, _unused, name = path.strip("/").partition("/")
    if not name or "*" in path or "+" in path:
        raise SecretsError(f"{path!r} is not the exact path of one secret, mount/name", path)
    return f"{mount}/data/{name}"


def _cidrs(texts: Sequence[str], host: str) -> list[str]:
    """Sorted, always with a length: the store insists on it for secret ids and drops it for tokens."""
    try:
        return sorted({str(ipaddress.ip_network(text)) for text in texts})
    except ValueError as error:
        raise SecretsError(f"not an address range: {error}", f"host {host}") from error


class Admin:
    """Reads and changes a store's mounts, policies and AppRoles, as its administrator."""

    def __init__(self, store: OpenBao) -> None:
        self._store = store

    def read(self, desired: State, purge: bool = False) -> State:
        """The actual state of everything that ``desired`` names, and with ``purge`` of all hosts.

        Two requests, and one more for every policy and mount that is there, two for every role.
        """
        tables = self._store.each(self._get, ["sys/mounts", "sys/auth"])
        mounts, auths = (table or {} for table in tables)
        names = [name for name in desired if not name.startswith("role ") or "approle/" in auths]
        if purge and "approle/" in auths:
            listed = self._list("auth/approle/role")
            extra = [f"role {name}" for name in listed]
            extra += [f"policy {host_policy(name)}" for name in listed]
            names = list(dict.fromkeys([*names, *extra]))

        def one(name: str) -> dict[str, Any] | None:
            kind, _unused, key = name.partition(" ")
            if kind == "mount":
                return self._read_mount(key, mounts)
            if kind == "auth":
                return {"type": auths[f"{key}/"]["type"]} if f"{key}/" in auths else None
            return self._read_policy(key) if kind == "policy" else self._read_role(key)

        found = zip(names, self._store.each(one, names), strict=True)
        return {name: settings for name, settings in found if settings is not None}

    def apply(self, difference: Difference) -> None:
        """Carry out the plan, one object after another."""
        for name, (before, after) in difference.changes.items():
            kind, _unused, key = name.partition(" ")
            if after is None:
                self._remove(kind, key)
            elif kind == "mount":
                self._write_mount(key, before, after)
            elif kind == "auth":
                self._write(f"sys/auth/{key}", {"type": after["type"]})
            elif kind == "policy":
                self._write(f"sys/policies/acl/{key}", {"policy": policy_text(after["rules"])})
            else:
                self._write_role(key, before, after)

    def has_role(self, host: str) -> bool:
        return self._get(f"auth/approle/role/{host}") is not None

    def issue_secret_id(self, host: str) -> tuple[str, str]:
        """A new secret id of the host's AppRole, and its accessor."""
        answer = self._write(f"auth/approle/role/{host}/secret-id", {})
        return str(answer["data"]["secret_id"]), str(answer["data"]["secret_id_accessor"])

    def secret_id_accessors(self, host: str) -> list[str]:
        """Accessors of all valid secret ids of the host."""
        return self._list(f"auth/approle/role/{host}/secret-id")

    def revoke_secret_id(self, host: str, accessor: str) -> None:
        path = f"auth/approle/role/{host}/secret-id-accessor/destroy"
        self._write(path, {"secret_id_accessor": accessor})

    def _read_mount(self, name: str, mounts: dict[str, Any]) -> dict[str, Any] | None:
        mount = mounts.get(f"{name}/")
        if mount is None:
            return None
        version = (mount.get("options") or {}).get("version", "1")
        if mount["type"] != "kv" or version != "2":
            what = f"the mount {name!r} is there, but is not a KV version 2"
            raise SecretsError(what, self._store.url, "choose another name")
        config = self._get(f"{name}/config") or {}
        return {"type": "kv", "version": version, "max_versions": config.get("max_versions")}

    def _read_policy(self, name: str) -> dict[str, Any] | None:
        answer = self._get(f"sys/policies/acl/{name}")
        if answer is None:
            return None
        try:
            paths = json.loads(answer["policy"])["path"]
            return _policy({path: rule["capabilities"] for path, rule in paths.items()})
        except (ValueError, KeyError, TypeError):
            return {"text": answer["policy"]}  # written by hand, so it differs

    def _read_role(self, name: str) -> dict[str, Any] | None:
        path = f"auth/approle/role/{name}"
        role = self._get(path)
        if role is None:
            return None
        wanted = desired_state([], [Host(name, "", [], [])], 0)[f"role {name}"]
        settings = {key: role.get(key) for key in wanted}
        for key in ("secret_id_bound_cidrs", "token_bound_cidrs"):
            settings[key] = _cidrs(settings[key] or [], name)
        return {**settings, "role_id": (self._get(f"{path}/role-id") or {}).get("role_id")}

    def _write_mount(self, name: str, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        if before is None:
            self._write(f"sys/mounts/{name}", {"type": "kv", "options": {"version": after["version"]}})
        self._write(f"{name}/config", {"max_versions": after["max_versions"]})

    def _write_role(self, name: str, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        path = f"auth/approle/role/{name}"
        settings = {key: value for key, value in after.items() if key != "role_id"}
        self._write(path, settings)
        if (before or {}).get("role_id") != after["role_id"]:
            self._write(f"{path}/role-id", {"role_id": after["role_id"]})

    def _remove(self, kind: str, name: str) -> None:
        path = f"auth/approle/role/{name}" if kind == "role" else f"sys/policies/acl/{name}"
        self._store.call(f"removing {kind} {name}", path, lambda client: client.delete(path))

    def _get(self, path: str) -> dict[str, Any] | None:
        answer = self._store.call("reading", path, lambda client: client.read(path))
        return None if answer is None else dict(answer["data"])

    def _list(self, path: str) -> list[str]:
        answer = self._store.call("listing", path, lambda client: client.list(path))
        return [] if answer is None else [str(key) for key in answer["data"]["keys"]]

    def _write(self, path: str, data: dict[str, Any]) -> Any:
        return self._store.call("writing", path, lambda client: client.write_data(path, data=data))
