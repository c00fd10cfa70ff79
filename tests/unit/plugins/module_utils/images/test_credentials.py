"""Credentials from where the operator's container tools keep them."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.images.credentials import (
    DOCKER_HUB,
    CredentialError,
    credentials_of,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def write(folder: Path, **config: Any) -> None:
    (folder / "config.json").write_text(json.dumps(config))


def login(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A credential helper ``keep`` that is found first."""
    program = folder / "docker-credential-keep"
    program.write_text(f"#!/bin/sh\nread registry\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_without_a_file_there_are_none(folder: Path) -> None:
    assert credentials_of("quay.io") is None


def test_a_login_is_found_for_its_registry_only(folder: Path) -> None:
    write(folder, auths={"quay.io": login("me", "pass:word"), "https://other.example": login("you", "x")})
    assert credentials_of("quay.io") == ("me", "pass:word")
    assert credentials_of("other.example") == ("you", "x")
    assert credentials_of("docker.io") is None


def test_dockers_registry_has_a_name_of_its_own_there(folder: Path) -> None:
    write(folder, auths={DOCKER_HUB: login("me", "hub")})
    assert credentials_of("docker.io") == ("me", "hub")


def test_podmans_file_goes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, auths={"quay.io": login("docker", "x")})
    other = folder / "auth.json"
    other.write_text(json.dumps({"auths": {"quay.io": login("podman", "x")}}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(other))
    assert credentials_of("quay.io") == ("podman", "x")


@pytest.mark.parametrize("config", [
    {"credHelpers": {"quay.io": "keep"}},
    {"credsStore": "keep", "auths": {"quay.io": {}}},
])  # fmt: skip
def test_a_helper_is_asked(folder: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]) -> None:
    write(folder, **config)
    helper(folder, monkeypatch, 'echo "{\\"Username\\": \\"$registry\\", \\"Secret\\": \\"s\\"}"')
    assert credentials_of("quay.io") == ("quay.io", "s")
    assert credentials_of("docker.io") is None


def test_a_helper_that_knows_none_is_no_error_but_one_that_fails_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, credHelpers={"quay.io": "keep"})
    helper(folder, monkeypatch, "echo 'credentials not found in native keychain'; exit 1")
    assert credentials_of("quay.io") is None
    helper(folder, monkeypatch, "echo half-a-secret; exit 3")
    with pytest.raises(
        CredentialError, match="docker-credential-keep get failed for quay.io with exit code 3"
    ) as said:
        credentials_of("quay.io")
    assert "half-a-secret" not in str(said.value)


def test_a_helper_that_is_not_there_is_named(folder: Path) -> None:
    write(folder, credHelpers={"quay.io": "nowhere"})
    with pytest.raises(CredentialError, match="names docker-credential-nowhere, which cannot be run"):
        credentials_of("quay.io")


@pytest.mark.parametrize("text", ["{", "[]", '{"auths": {"quay.io": {"auth": "%%%"}}}', '{"auths": []}'])
def test_a_broken_file_is_named(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(
        CredentialError, match=r"config.json cannot be read as a file of registry credentials"
    ):
        credentials_of("quay.io")
