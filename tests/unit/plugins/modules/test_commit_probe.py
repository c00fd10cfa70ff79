"""The probe's module where nothing can be committed: a verdict all the same."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import planned, x509
from ansible_collections.selvedge.fabric.plugins.modules import commit_probe
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner

PEER = {"name": "peer0", "organization": "Org", "address": "127.0.0.1:1", "endpoint": "peer0:7051"}
TOPOLOGY = {
    "organizations": [{"name": "Org", "msp_id": "OrgMSP", "mount": "org", "role": "peer"}],
    "orderers": [],
    "peers": [{**PEER, "operations_address": "127.0.0.1:1"}],
}
STORE = {"url": "https://127.0.0.1:1", "ca_file": "/x", "cert_file": "/x", "key_file": "/x"}
OPTIONS = {"channel": "demo", "chaincode": "kv", "function": "put", "organization": "Org", "timeout": 1}


class Secrets:
    """An organisation's, in memory."""

    def __init__(self) -> None:
        root = x509.make_root("ca", "Org", 1)
        user = x509.issue_server(root, "admin", "Org", ["admin"], 1)
        self._user = {
            **{"sign_cert": user.cert_pem, "sign_key": user.key_pem},
            **{"tls_cert": user.cert_pem, "tls_key": user.key_pem},
        }
        self._msp = {"ca_cert": root.cert_pem, "tls_ca_cert": root.cert_pem}

    def read(self, path: str) -> dict[str, str]:
        return self._msp if path.endswith("/msp") else self._user


def test_nobody_there_is_a_verdict(run: ModuleRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planned, "open_store", lambda _unused: Secrets())
    found = run(commit_probe.main, topology=TOPOLOGY, store=STORE, **OPTIONS)
    assert found["failed"] and found["status"] == "unhealthy"
    (reason,) = found["reasons"]
    assert reason.startswith("nothing can be committed: ") and found["remedy"]
    assert found["msg"] == f"{reason}. Next: {found['remedy']}"
    assert not found.get("changed") and "tx_id" not in found


def test_a_mistake_of_the_caller_is_none(run: ModuleRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planned, "open_store", lambda _unused: Secrets())
    found = run(commit_probe.main, topology=TOPOLOGY, store=STORE, **{**OPTIONS, "organization": "Orb"})
    assert found["failed"] and "there is no organisation Orb" in found["msg"] and "status" not in found
