from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model import units
from ansible_collections.selvedge.fabric.plugins.modules import secrets_ready
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one secret that the stack ``demo`` waits for; the script is the host's own, moved."""
    script = tmp_path / "wait-secrets"
    script.write_text(units.WAIT_SECRETS.replace("/etc/selvedge", str(tmp_path)))
    script.chmod(0o755)
    (tmp_path / "stacks/demo").mkdir(parents=True)
    (tmp_path / "stacks/demo/secrets").write_text(f"{tmp_path / 'secret'}\n")
    monkeypatch.setattr(secrets_ready, "SCRIPT", str(script))
    monkeypatch.setattr(secrets_ready, "AGENT_LOG", ["echo", "permission denied"])
    return tmp_path / "secret"


def test_rendered_secrets_are_ready(run: ModuleRunner, secret: Path) -> None:
    secret.write_text("x")
    result = run(secrets_ready.main, stack="demo", timeout=30)
    assert result["changed"] is False
    assert "failed" not in result


def test_missing_ones_are_named_with_what_the_agent_said(run: ModuleRunner, secret: Path) -> None:
    result = run(secrets_ready.main, stack="demo", timeout=0)
    assert result["failed"] is True
    assert result["msg"].startswith(f"secrets of stack demo: {secret} is not there")
    assert result["agent_log"] == ["permission denied"]


def test_check_mode_does_not_wait(run: ModuleRunner, secret: Path) -> None:
    assert run(secrets_ready.main, check=True, stack="demo", timeout=600)["changed"] is False
