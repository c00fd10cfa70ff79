"""The exporter's file, and the secrets that it finds beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.config import Config
from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.secret_files import SecretFiles
from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.watch import answering, without_silent
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health, Status
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.probe import PeerReport, ProbeReport
from ansible_collections.selvedge.fabric.plugins.module_utils.model.view import controller_view
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import sample

ROOT = Path(__file__).resolve().parents[5]
TLS = {"cert_file": "/run/secrets/c", "key_file": "/run/secrets/k", "client_ca_file": "/run/secrets/ca"}


def option(**changes: Any) -> dict[str, Any]:
    """What the model's own view gives."""
    view = controller_view(sample("lab"), "/state")
    return {
        "listen": "0.0.0.0:9470",
        "tls": TLS,
        "secrets_dir": "/run/secrets",
        **{key: view[key] for key in ("topology", "channels", "authorities", "chaincodes")},
        "store": {"url": view["store"]["url"], "ca_file": "/run/secrets/ca"},
        "hosts": view["placement"],
        **changes,
    }


def test_the_models_view_is_its_configuration() -> None:
    config = Config.from_dict(option(interval=20))
    assert (config.interval, config.probe_interval, config.user) == (20, 60, "probe")
    (probe,) = config.probes
    assert (probe.channel, probe.chaincode) == (config.channels[0].name, config.chaincodes[0].name)
    assert probe.args == (b"org.hyperledger.fabric:GetMetadata",)
    assert set(probe.peers) <= set(config.hosts)


def test_one_probe_for_a_channel() -> None:
    (first,) = option()["chaincodes"]
    silent = {**first, "name": "silent", "channel": "other", "probe": None}
    config = Config.from_dict(option(chaincodes=[silent, first, {**first, "name": "second"}]))
    assert [probe.chaincode for probe in config.probes] == [first["name"]]
    assert len(config.chaincodes) == 3


@pytest.mark.parametrize("key", ["listen", "tls", "secrets_dir", "topology"])
def test_what_is_missing_is_named(key: str) -> None:
    found = option()
    del found[key]
    with pytest.raises(FabricError, match=f"lacks .*{key}"):
        Config.from_dict(found)


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "exporter.json"
    with pytest.raises(FabricError, match="cannot be read"):
        Config.read(path)
    path.write_text("{")
    with pytest.raises(FabricError, match="cannot be read"):
        Config.read(path)
    path.write_text(json.dumps(option()))
    assert Config.read(path) == Config.from_dict(option())


def test_secrets_are_folders(tmp_path: Path) -> None:
    """Read anew each time: the agent replaces files."""
    files = SecretFiles(tmp_path)
    assert files.read("Org1/users/probe") is None
    folder = tmp_path / "Org1/users/probe"
    folder.mkdir(parents=True)
    assert files.read("Org1/users/probe") is None
    (folder / "tls_cert").write_text("one")
    (folder / "old").mkdir()
    assert files.read("Org1/users/probe") == {"tls_cert": "one"}
    (folder / "tls_cert").write_text("two")
    assert files.read("Org1/users/probe") == {"tls_cert": "two"}


def test_who_is_probed() -> None:
    """Who did not answer to the last check has its own verdict, and does not make the probe wait."""
    here = Health("p1", "peer", "Org1", Status.UNHEALTHY, facts={"channels": {}})
    away = Health("p2", "peer", "Org1", Status.UNHEALTHY)
    assert answering([], ["p1", "p2"]) == ["p1", "p2"]
    assert answering([here, away], ["p2", "p1"]) == ["p1"]
    assert answering([away], ["p2"]) == []


def test_who_fell_silent_during_the_probe_is_not_in_its_report() -> None:
    have = PeerReport("p1", 7, "1f", "VALID", 8, 0.5)
    lacks = PeerReport("p2", error="no answer")
    report = ProbeReport("ab", 0.1, 30.0, (have, lacks), ("p2 does not have the transaction: no answer",))
    found = without_silent(report, ["p1"])
    assert (found.peers, found.latency, found.problems) == ((have,), 0.5, ())
    assert without_silent(report, ["p1", "p2"]) is report
    assert without_silent(report, []) is report, "where nobody answers nothing was seen"


def test_it_needs_no_ansible() -> None:
    """The image has the library and four wheels."""
    program = "ansible_collections.selvedge.fabric.plugins.module_utils.exporter.program"
    code = f"""
import sys
sys.path.insert(0, {str(ROOT / ".ansible/collections")!r})
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("ansible", "yaml", "hvac", "requests", "jinja2"):
            raise AssertionError(f"it imports {{name}}")
sys.meta_path.insert(0, Refuse())
from {program} import main
sys.exit(main([]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "say which configuration file to use" in done.stderr
