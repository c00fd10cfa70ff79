"""Make images/pins/<component>-<version>/go.mod and go.sum for lines of images/versions.yml that have none yet.

What it writes is committed: from then on a build takes these module versions and these checksums and no others.
"""

from __future__ import annotations

import json
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


# Modules whose own file replaces dependencies of theirs.
WITH_REPLACEMENTS = ("github.com/grafana/loki/v3",)


def tools_of(component: str) -> list[str]:
    """Packages that a component's images and programs are made of, and the tools that tests compare with."""
    found: list[str] = []
    for recipe_file in sorted([*IMAGES.glob("*/image.yml"), *IMAGES.glob("*/program.yml")]):
        recipe = yaml.safe_load(recipe_file.read_text())
        if recipe.get("component") == component:
            found += recipe["programs"]
    found += ORACLES.get(component, [])
    return sorted(set(found))


# Of upstream's builder of collectors, which writes the source of one (images/otel-collector/builder.yml).
COLLECTOR_BUILDER = "go.opentelemetry.io/collector/cmd/builder"


def pin(component: str, version: str, source: str, module_version: str) -> None:
    """Write the module file and have Go fill in the rest."""
    folder = IMAGES / "pins" / f"{component}-{version}"
    folder.mkdir(parents=True)
    manifest = IMAGES / component / "builder.yml"
    if manifest.is_file():
        generate(folder, manifest, version, module_version)
        return
    tools = "".join(f"tool {package}\n" for package in tools_of(component))
    header = f"module selvedge.invalid/images/{folder.name}\n\ngo 1.26\n\n{tools}\nrequire {source} {module_version}\n"
    (folder / "go.mod").write_text(header)
    if replaced := upstreams_own(source, module_version):
        (folder / "go.mod").write_text(f"{header}\n{replaced}")
        # Some of its dependencies are missing from the checksum database; it has their checksums.
        (folder / "go.sum").write_text((module_folder(source, module_version) / "go.sum").read_text())
    subprocess.run(["go", "mod", "tidy"], cwd=folder, env=environment("-mod=mod"), check=True)


def environment(flags: str = "") -> dict[str, str]:
    """Everything that Go keeps lies in the cache."""
    cache = IMAGES.parent / ".cache" / "go"
    return {
        **os.environ,
        "GOTOOLCHAIN": "local",
        "GOFLAGS": f"{flags} -modcacherw".strip(),
        "GOMODCACHE": str(cache / "mod"),
        "GOCACHE": str(cache / "build"),
    }


def module_folder(source: str, module_version: str) -> Path:
    """Where a module's source lies once it is downloaded."""
    command = ["go", "mod", "download", "-json", f"{source}@{module_version}"]
    done = subprocess.run(command, cwd=IMAGES, env=environment(), capture_output=True, text=True, check=True)
    return Path(json.loads(done.stdout)["Dir"])


def upstreams_own(source: str, module_version: str) -> str:
    """Lines ``replace`` and ``exclude`` of a module that does not build without them, as they count only in its own."""
    if source not in WITH_REPLACEMENTS:
        return ""
    lines = (module_folder(source, module_version) / "go.mod").read_text().splitlines()
    # What is replaced by a folder of the same source tree is published as a module as well.
    found = [line for line in lines if line.startswith(("replace ", "exclude ")) and "=> ./" not in line]
    return "".join(f"{line}\n" for line in found)


def generate(folder: Path, manifest: Path, version: str, module_version: str) -> None:
    """Have upstream's builder write a collector's source and module file.

    :raises SystemExit: when the manifest is another version's
    """
    given = yaml.safe_load(manifest.read_text())["dist"]["version"]
    if given != version:
        raise SystemExit(f"{manifest} is of {given}: bring its versions to {version}")
    builder = f"{COLLECTOR_BUILDER}@{module_version}"
    # Not every receiver is published as a module in every version.
    options = ["--skip-compilation", "--skip-strict-versioning", "--config", str(manifest)]
    subprocess.run(["go", "run", builder, *options], cwd=folder, env=environment(), check=True)
    (folder / "main_windows.go").unlink()


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
