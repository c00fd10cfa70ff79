#!/usr/bin/env python3
"""The scenario's upstream: a registry on loopback with images as upstream publishes them.

upstream.py up FOLDER HOST:PORT     start it, fill it, write FOLDER/images.json and FOLDER/ca.crt
upstream.py down FOLDER             stop it
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.selvedge.fabric.molecule.shared.testing import upstream  # noqa: E402
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder  # noqa: E402


def main() -> int:
    """Entry point."""
    verb, folder, *rest = sys.argv[1:]
    registry = upstream.UpstreamRegistry(Path(folder))
    if verb == "down":
        registry.stop()
        return 0
    builder = Builder(ROOT, ROOT / ".cache")
    registry.start(upstream.registry_program(builder), rest[0])
    images = {
        f"{name}:{builder.default_version(name)}": registry.publish(upstream.imitate(builder, name))
        for name in upstream.NAMES
    }
    (Path(folder) / "images.json").write_text(json.dumps(images, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
