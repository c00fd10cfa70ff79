"""The scenario's upstream: a registry on loopback with images as upstream publishes them.

upstream.py up FOLDER HOST:PORT     start it, fill it, write FOLDER/images.json and FOLDER/ca.crt
upstream.py down FOLDER             stop it
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
# What the scenario's model runs. Others would be compiled, and nobody would pull them.
NAMES = ("fabric-ca", "fabric-orderer", "fabric-peer", "openbao", "registry")
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.selvedge.fabric.molecule.shared.testing import upstream  # noqa: E402
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder  # noqa: E402


def main() -> int:
    """Entry point."""
    verb, folder, *addresses, variables = sys.argv[1:]
    registry = upstream.UpstreamRegistry(Path(folder))
    if verb == "down":
        registry.stop()
        Path(variables).unlink(missing_ok=True)
        return 0
    builder = Builder(ROOT, ROOT / ".cache")
    registry.start(upstream.registry_program(builder), addresses[0])
    images = {
        f"{name}:{builder.default_version(name)}": registry.publish(upstream.imitate(builder, name))
        for name in NAMES
    }
    Path(variables).write_text(
        f"---\n# Written by create.yml.\n{yaml.safe_dump({'lab_upstream_images': images})}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
