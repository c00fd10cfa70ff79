"""Check mode on a network that is not there: what writes to the store plans it, and opens no connection."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao import OpenBao
from ansible_collections.selvedge.fabric.plugins.modules import (
    certificate_authority,
    generated_secret,
    identity,
    store_config,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner

ORGANIZATION = {"name": "org1", "mount": "org1", "msp_id": "Org1MSP"}
CASES: dict[str, tuple[Callable[[], None], dict[str, Any], str, list[str]]] = {
    "store_config": (
        store_config.main,
        {
            "mounts": [{"path": "org1"}],
            "hosts": [{"name": "h1", "role_id": "h1", "paths": ["org1/nodes/peer0"], "cidrs": ["192.0.2.7"]}],
        },
        "changes",
        ["mount org1", "policy org1-admin", "policy host-h1", "auth approle", "role h1"],
    ),
    "certificate_authority": (
        certificate_authority.main,
        {"organizations": [{**ORGANIZATION, "server_hosts": ["ca.org1.lab", "127.0.10.1"]}]},
        "changed_secrets",
        ["org1/ca/server", "org1/msp"],
    ),
    "identity": (
        identity.main,
        {
            "organizations": [{**ORGANIZATION, "ca_address": "127.0.0.1:1", "ca_server_name": "ca.org1.lab"}],
            "identities": [
                {"name": "peer0", "organization": "org1", "kind": "peer", "secret": "org1/nodes/peer0"},
                {"name": "admin", "organization": "org1", "kind": "admin", "secret": "org1/users/admin"},
            ],
        },
        "changed_secrets",
        ["org1/nodes/peer0", "org1/users/admin"],
    ),
    "generated_secret": (
        generated_secret.main,
        {"secrets": [{"path": "org1/users/grafana", "fields": ["admin_password"]}]},
        "changed_secrets",
        ["org1/users/grafana"],
    ),
}
modules = pytest.mark.parametrize("name", CASES)


@pytest.fixture
def store(tmp_path: Path) -> dict[str, Any]:
    """A store's option as ``bootstrap.yml`` leaves it: files that are there, and nobody at the address."""
    for key in ("ca_file", "cert_file", "key_file"):
        (tmp_path / key).write_text("")
    files = {key: str(tmp_path / key) for key in ("ca_file", "cert_file", "key_file")}
    return {"url": "https://127.0.0.1:1", "timeout": 0, **files}


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of a network; nothing gets through."""
    made: list[str] = []

    def connect(_unused: Any, address: Any) -> None:
        made.append(f"connect {address}")
        raise ConnectionRefusedError

    ask = OpenBao.call

    def call(self: OpenBao, what: str, where: str, request: Any) -> Any:
        made.append(f"{what} {where}")
        return ask(self, what, where, request)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(OpenBao, "call", call)
    return made


@modules
def test_a_planned_store_is_empty_and_not_asked(
    run: ModuleRunner, store: dict[str, Any], calls: list[str], name: str
) -> None:
    main, options, key, expected = CASES[name]
    result = run(main, check=True, store=store, new_services=["peer0", "store"], **options)
    assert result["changed"] is True
    assert result[key] == expected
    assert calls == []
    assert "PRIVATE KEY" not in str(result)


@modules
@pytest.mark.parametrize(("check", "new"), [(True, ["peer0"]), (False, ["store"])])
def test_a_store_that_is_there_and_every_run_does_ask(
    run: ModuleRunner, store: dict[str, Any], calls: list[str], name: str, check: bool, new: list[str]
) -> None:
    """So the tests above see what they say they see; and in a run nothing is only planned."""
    main, options, _unused, _unused = CASES[name]
    result = run(main, check=check, store=store, new_services=new, **options)
    assert result["failed"] is True
    assert calls[0].startswith("reading "), "it looks before it writes"
