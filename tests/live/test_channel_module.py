"""The modules channel and channel_info on a live network: check, run, run, check, and no secret anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import participation, planned
from ansible_collections.selvedge.fabric.plugins.modules import channel, channel_info
from ansible_collections.selvedge.fabric.tests.live.network import LiveNetwork

Run = Callable[..., dict[str, Any]]

STORE = {key: f"/{key}" for key in ("ca_file", "cert_file", "key_file")} | {"url": "https://127.0.0.1:1"}


@pytest.fixture
def run(network: LiveNetwork, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a module's main with the network's topology and return its result."""

    def call(module: Any, **options: Any) -> dict[str, Any]:
        monkeypatch.setattr(planned, "open_store", lambda _unused: network.store)
        arguments = {"topology": network.option, "store": STORE, "name": "demo", **options}
        capsys.readouterr()
        with patch_module_args(arguments), pytest.raises(SystemExit):
            module.main()
        text = capsys.readouterr().out
        for path, secret in network.store.secrets.items():
            for field in ("sign_key", "tls_key"):
                if field in secret:
                    assert secret[field].splitlines()[1] not in text, f"the result shows {field} of {path}"
        result: dict[str, Any] = json.loads(text)
        return result

    return call


def _channels(network: LiveNetwork) -> list[list[str]]:
    topology = network.topology
    return [participation.list_channels(topology.admin_endpoint(node)) for node in topology.orderers]


def test_check_run_run_check(network: LiveNetwork, run: Run) -> None:
    definition = network.definition
    foreseen = run(channel, definition=definition, _ansible_check_mode=True, _ansible_diff=True)
    assert foreseen["changed"] is True
    assert foreseen["sequence"] is None
    assert _channels(network) == [[], [], []]
    first = run(channel, definition=definition, _ansible_diff=True)
    assert first["changed"] is True
    assert first["created"] is True
    assert first["plan"] == foreseen["plan"]
    assert first["diff"] == foreseen["diff"]
    assert _channels(network) == [["demo"]] * 3
    for check_mode in (False, True):
        again = run(channel, definition=definition, _ansible_check_mode=check_mode)
        assert (again["changed"], again["plan"], again["sequence"]) == (False, [], 0)


def test_a_change(network: LiveNetwork, run: Run) -> None:
    definition = {**network.definition, "batch_max_messages": 42}
    foreseen = run(channel, definition=definition, _ansible_check_mode=True)
    assert foreseen["plan"] == ["~ /Channel/Orderer/BatchSize/max_message_count: 500 -> 42"]
    assert foreseen["sequence"] == 0
    assert run(channel, definition=definition)["sequence"] == 1
    assert run(channel, definition=definition)["changed"] is False


def test_info(network: LiveNetwork, run: Run) -> None:
    result = run(channel_info)
    assert result["changed"] is False
    found = result["channel"]
    assert found["exists"] is True
    assert found["config"]["groups"]["Orderer"]["values"]["BatchSize"]["max_message_count"] == 42
    assert {facts["relation"] for facts in found["orderers"].values()} == {"consenter"}
    assert all(facts["joined"] and not facts["error"] for facts in found["peers"].values())
    nothing = run(channel_info, name="nowhere")["channel"]
    assert nothing["exists"] is False
    assert nothing["config"] == {}


def test_mistakes_are_told_in_one_sentence(network: LiveNetwork, run: Run) -> None:
    definition = {**network.definition, "capabilities": {"channel": "V9"}, "batch_timeout": "soon"}
    result = run(channel, definition=definition)
    assert result["failed"] is True
    assert "V9" in result["msg"]
    assert "soon" in result["msg"]
    assert "Next: correct the channel" in result["msg"]
