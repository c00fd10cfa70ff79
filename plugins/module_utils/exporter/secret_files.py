"""Secrets as the store's agent renders them to memory: a folder a secret, a file a field."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SecretFiles:
    """Reads ``<root>/<mount>/<path>/<field>``. The agent may replace files at any time, so nothing is kept."""

    root: Path

    def read(self, path: str) -> dict[str, str] | None:
        """The fields of the secret at ``mount/path``; None when there is none."""
        folder = self.root / path
        if not folder.is_dir():
            return None
        return {file.name: file.read_text() for file in folder.iterdir() if file.is_file()} or None
