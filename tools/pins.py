"""Make images/pins/<component>-<version>/go.mod and go.sum for lines of images/versions.yml that have none yet.

What it writes is committed: from then on a build takes these module versions and these checksums and no others.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

IMAGES = Path(__file__).resolve().parent.parent / "images"


# Programs of no image that tests compare with (tools/oracles.py).
ORACLES = {
    "alertmanager": ["github.com/prometheus/alertmanager/cmd/amtool"],
    "fabric": [f"github.com/hyperledger/fabric/cmd/{name}" for name in ("configtxgen", "configtxlator")],
    "prometheus": ["github.com/prometheus/prometheus/cmd/promtool"],
}


def tools_of(component: str) -> list[str]:
    """Packages that a component's images and programs are made of, and the tools that tests compare with."""
    found: list[str] = []
    for recipe_file in sorted([*IMAGES.glob("*/image.yml"), *IMAGES.glob("*/program.yml")]):
        recipe = yaml.safe_load(recipe_file.read_text())
        if recipe.get("component") == component:
            found += recipe["programs"]
    found += ORACLES.get(component, [])
    return sorted(set(found))


def pin(component: str, version: str, source: str, module_version: str) -> None:
    """Write the module file and have Go fill in the rest."""
    folder = IMAGES / "pins" / f"{component}-{version}"
    folder.mkdir(parents=True)
    tools = "".join(f"tool {package}\n" for package in tools_of(component))
    header = f"module selvedge.invalid/images/{folder.name}\n\ngo 1.26\n\n{tools}\nrequire {source} {module_version}\n"
    (folder / "go.mod").write_text(header)
    env = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod -modcacherw"}
    cache = IMAGES.parent / ".cache" / "go"
    env.update({"GOMODCACHE": str(cache / "mod"), "GOCACHE": str(cache / "build")})
    subprocess.run(["go", "mod", "tidy"], cwd=folder, env=env, check=True)


def main() -> int:
    """Entry point."""
    versions = yaml.safe_load((IMAGES / "versions.yml").read_text())
    for component, entry in versions.items():
        for version, module_version in entry["versions"].items():
            if not (IMAGES / "pins" / f"{component}-{version}" / "go.sum").is_file():
                print(f"pinning {component} {version}", flush=True)
                pin(component, str(version), entry["source"], module_version)
    return 0


if __name__ == "__main__":
    sys.exit(main())
