"""What is made when something is missing. Sealing itself is tested with its module."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.selvedge.fabric.plugins.action.boot_material import ActionModule, to_make
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import hosts_of, make_root
from cryptography import x509
from cryptography.hazmat.primitives import serialization

NAMES = ["ca_cert", "seal_key", "server_cert", "server_key"]
ARGUMENTS = {
    "stack": "store",
    "names": NAMES,
    "unit": "selvedge-material-store.service",
    "common_name": "store.lab.example",
    "hosts": ["store.lab.example", "172.30.10.11"],
}


class Host(ActionModule):
    """The plugin in front of a host that keeps its sealed credentials in a dictionary."""

    def __init__(self, arguments: dict[str, Any], sealed: dict[str, bytes], check: bool = False) -> None:
        self._task = SimpleNamespace(args=arguments, check_mode=check, async_val=0, diff=False)
        self._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        self.sealed = sealed
        self.calls: list[dict[str, Any]] = []

    def _seal(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(arguments)
        missing = [name for name in arguments["names"] if name not in self.sealed]
        if not self._task.check_mode:
            self.sealed |= {
                key: base64.b64decode(value) for key, value in arguments.get("values", {}).items()
            }
        return {"changed": bool(missing), "missing": missing}


@pytest.mark.parametrize(
    ("has", "become", "keep", "fine"),
    [
        (True, None, False, True),
        (True, SimpleNamespace(pipelining=True), False, True),
        (True, SimpleNamespace(pipelining=False), False, False),  # su
        (False, None, False, False),
        (True, None, True, False),
    ],
)
def test_the_module_never_lies_on_the_hosts_disk(
    has: bool, become: Any, keep: bool, fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ansible.cfg says of pipelining: the sealing module carries secrets."""
    monkeypatch.setattr("ansible.constants.DEFAULT_KEEP_REMOTE_FILES", keep)
    host = Host(ARGUMENTS, {})
    host._connection = SimpleNamespace(has_pipelining=has, become=become)
    if fine:
        assert host._is_pipelining_enabled("new") is True
    else:
        with pytest.raises(AnsibleActionFail, match="must not touch the host's disk"):
            host._is_pipelining_enabled("new")


def test_a_controller_without_cryptography_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    host = Host(ARGUMENTS, {})
    with pytest.raises(AnsibleActionFail, match="cryptography is missing on the controller"):
        host.run(task_vars={})
    assert host.calls == []


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, Any]:
    root = make_root("test CA", "Selvedge", 10)
    (tmp_path / "ca.crt").write_text(root.cert_pem)
    (tmp_path / "ca.key").write_text(root.key_pem)
    return {"selvedge_controller_state": str(tmp_path)}


@pytest.mark.parametrize(
    ("missing", "made"),
    [
        ([], set()),
        (["seal_key"], {"seal_key"}),
        (["ca_cert"], {"ca_cert"}),
        (["server_cert"], {"server_cert", "server_key"}),
        (["server_key"], {"server_cert", "server_key"}),
        (["secret_id"], {"secret_id"}),
        (NAMES, set(NAMES)),
    ],
)
def test_a_pair_is_made_together_and_nothing_else_is(missing: list[str], made: set[str]) -> None:
    assert to_make(missing) == made


def test_a_bare_host_gets_everything(variables: dict[str, Any]) -> None:
    host = Host(ARGUMENTS, {})
    assert host.run(task_vars=variables)["missing"] == NAMES
    assert sorted(host.sealed) == NAMES
    assert len(host.sealed["seal_key"]) == 32
    certificate = x509.load_pem_x509_certificate(host.sealed["server_cert"])
    root = x509.load_pem_x509_certificate(host.sealed["ca_cert"])
    certificate.verify_directly_issued_by(root)
    assert hosts_of(certificate) == set(ARGUMENTS["hosts"])
    key = serialization.load_pem_private_key(host.sealed["server_key"], None)
    assert key.public_key() == certificate.public_key()
    # Nothing is left for the host to look up: values travel with the second call only.
    assert "values" not in host.calls[0]
    assert len(host.calls) == 2


def test_two_hosts_have_nothing_in_common_but_the_ca(variables: dict[str, Any]) -> None:
    one, two = Host(ARGUMENTS, {}), Host(ARGUMENTS, {})
    for host in (one, two):
        host.run(task_vars=variables)
    assert {name for name in NAMES if one.sealed[name] == two.sealed[name]} == {"ca_cert"}


def test_what_is_there_is_left_alone(variables: dict[str, Any]) -> None:
    host = Host(ARGUMENTS, dict.fromkeys(NAMES, b"there"))
    assert host.run(task_vars=variables)["changed"] is False
    assert host.sealed == dict.fromkeys(NAMES, b"there")
    assert len(host.calls) == 1


def test_a_lost_certificate_does_not_cost_the_seal_key(variables: dict[str, Any]) -> None:
    """A new seal key would lock the store for good."""
    sealed = {"ca_cert": b"there", "seal_key": b"the one that opens the store", "server_key": b"old"}
    host = Host(ARGUMENTS, sealed)
    host.run(task_vars=variables)
    assert host.sealed["seal_key"] == b"the one that opens the store"
    assert host.sealed["ca_cert"] == b"there"
    assert host.sealed["server_key"] != b"old"


def test_check_mode_makes_nothing(variables: dict[str, Any]) -> None:
    host = Host(ARGUMENTS, {}, check=True)
    assert host.run(task_vars=variables)["changed"] is True
    assert host.sealed == {}
    assert len(host.calls) == 1


def test_what_the_host_compares_is_handed_on(variables: dict[str, Any]) -> None:
    more = {"seal": "none", "data": "/var/lib/x", "revision": "1", "loaded": "/run/x.json"}
    host = Host({**ARGUMENTS, **more}, {})
    host.run(task_vars=variables)
    assert [{key: call[key] for key in more} for call in host.calls] == [more, more]


def test_a_controller_without_its_ca_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(AnsibleActionFail, match=r"ca\.crt"):
        Host(ARGUMENTS, {}).run(task_vars={"selvedge_controller_state": str(tmp_path / "nowhere")})


def test_an_unknown_store_is_a_failure() -> None:
    arguments = {
        "stack": "agent",
        "names": ["secret_id"],
        "unit": "selvedge-agent.service",
        "approle": "host1",
        "store": {"backend": "vualt"},
    }
    with pytest.raises(AnsibleActionFail, match="vualt"):
        Host(arguments, {}).run(task_vars={})
