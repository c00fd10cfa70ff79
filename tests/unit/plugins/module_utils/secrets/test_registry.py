from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets import registry
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError


def options(folder: Path, **more: Any) -> dict[str, Any]:
    for name in ("ca", "cert", "key"):
        (folder / name).write_text("")
    files = {f"{name}_file": str(folder / name) for name in ("ca", "cert", "key")}
    return {
        "backend": "openbao",
        "url": "https://store:8200",
        **files,
        "server_name": "",
        "timeout": 1,
        **more,
    }


def test_an_unknown_backend_is_told_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match="no secrets backend 'etcd'.*one of: openbao"):
        registry.open_store(options(tmp_path, backend="etcd"))


def test_opening_sends_nothing(tmp_path: Path) -> None:
    assert registry.open_store(options(tmp_path))


def test_a_missing_file_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match="key_file '/nowhere' is not a file"):
        registry.open_store(options(tmp_path, key_file="/nowhere"))


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hvac", None)  # as if it were not installed
    with pytest.raises(
        SecretsError, match=r"needs the Python package hvac on the controller.*pip install it"
    ):
        registry.open_store(options(tmp_path))


def test_an_option_that_the_backend_does_not_know_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match=r"does not fit the backend 'openbao': .*'token'"):
        registry.open_store(options(tmp_path, token="s.1"))


def test_what_is_left_out_is_the_backends_default(tmp_path: Path) -> None:
    """Ansible gives None for an option that nobody set."""
    store = registry.open_openbao(options(tmp_path, backend=None, server_name=None, timeout=None))
    assert type(store).__name__ == "OpenBao"


def test_what_configures_openbao_takes_no_other_backend(tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match="OpenBao, not 'vault'"):
        registry.open_openbao(options(tmp_path, backend="vault"))


def test_the_argument_has_every_option_of_the_backend(tmp_path: Path) -> None:
    argument = registry.STORE_ARGUMENT["options"]
    assert set(options(tmp_path)) == set(argument)
    assert argument["key_file"]["no_log"] is False
