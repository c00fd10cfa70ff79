"""Credentials of registries, where the operator's container tools keep them.

``docker login`` and ``podman login`` write them; nothing is asked for here and nothing is written.
Source: docker/cli, cli/config; containers-auth.json(5).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from pathlib import Path
from typing import Any

# The name that Docker's own registry has in these files.
DOCKER_HUB = "https://index.docker.io/v1/"


class CredentialError(Exception):
    """A file with credentials, or a program that keeps them, cannot be used."""


def config_file() -> Path:
    """The file that is read: ``REGISTRY_AUTH_FILE``, else ``config.json`` in ``DOCKER_CONFIG`` or ``~/.docker``."""
    if auth_file := os.environ.get("REGISTRY_AUTH_FILE"):
        return Path(auth_file)
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"


def credentials_of(registry: str) -> tuple[str, str] | None:
    """User and password for a registry (``host[:port]`` or ``docker.io``); None where there are none.

    :raises CredentialError: when the file or a credential helper that it names cannot be used
    """
    path = config_file()
    if not path.is_file():
        return None
    try:
        config: dict[str, Any] = json.loads(path.read_text())
        names = [DOCKER_HUB, "docker.io", "index.docker.io"] if registry == "docker.io" else [registry]
        for name in [*names, *(f"https://{name}" for name in names if "://" not in name)]:
            helper = config.get("credHelpers", {}).get(name)
            if helper and (found := _ask(helper, name)):
                return found
            entry = config.get("auths", {}).get(name)
            if entry and entry.get("auth"):
                user, _unused, password = (
                    base64.b64decode(entry["auth"], validate=True).decode().partition(":")
                )
                return user, password
            if entry is not None and config.get("credsStore") and (found := _ask(config["credsStore"], name)):
                return found
    except (OSError, ValueError, AttributeError, TypeError, binascii.Error) as error:
        raise CredentialError(f"{path} cannot be read as a file of registry credentials: {error}") from error
    return None


def _ask(helper: str, registry: str) -> tuple[str, str] | None:
    """What a credential helper says. Source: docker/docker-credential-helpers, protocol of ``get``."""
    command = f"docker-credential-{helper}"
    try:
        done = subprocess.run([command, "get"], input=registry, capture_output=True, text=True, check=False)
    except OSError as error:
        raise CredentialError(f"{config_file()} names {command}, which cannot be run: {error}") from error
    if done.returncode:
        if "not found" in done.stdout + done.stderr:
            return None
        # What it printed may have a secret in it.
        raise CredentialError(f"{command} get failed for {registry} with exit code {done.returncode}")
    said = json.loads(done.stdout)
    return said["Username"], said["Secret"]
