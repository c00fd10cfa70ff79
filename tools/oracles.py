"""Build what the tests compare with and run against: upstream's own programs, from the modules that images come from.

    oracles.py          those of `make unit`, `make live`, `make pictures` and the scenarios
    oracles.py logs     a collector and a Loki, for `make logs`

They lie in .cache/oracle, with Fabric's sample configuration; what is there already is not built again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / ".ansible" / "collections")]

from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder  # noqa: E402

from tools.pins import ORACLES  # noqa: E402

FABRIC = "github.com/hyperledger/fabric"
Versions = dict[str, Any]


def link(target: Path, place: Path) -> None:
    """Have ``place`` point at ``target``."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() or place.exists():
        place.unlink()
    place.symlink_to(target.resolve())


def module_folder(module: str, pins: Path) -> Path:
    """Where the source of ``module`` lies, which the builder's cache of modules has; downloaded where it has not."""
    env = {
        **os.environ,
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-modcacherw",
        "GOMODCACHE": str((ROOT / ".cache").resolve() / "go" / "mod"),
    }
    subprocess.run(["go", "mod", "download", module], cwd=pins, env=env, check=True)
    listing = ["go", "list", "-m", "-f", "{{.Dir}}", module]
    done = subprocess.run(listing, cwd=pins, env=env, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def logs(builder: Builder, oracles: Path, versions: Versions) -> None:
    """What collects and keeps logs: minutes of compiling that only its own tests need."""
    images(builder, oracles, versions, (("otel-collector", "otel-collector/otelcol"), ("loki", "loki/loki")))


def images(builder: Builder, oracles: Path, versions: Versions, wanted: Iterable[tuple[str, str]]) -> None:
    """The first program of an image, each with its place."""
    for component, place in wanted:
        recipe = builder.recipe(component)
        package = next(iter(recipe["programs"]))
        link(builder.compile(component, versions[component]["default"], package, recipe), oracles / place)


def core(builder: Builder, oracles: Path, versions: Versions) -> None:
    """What most tests need."""
    # The default, and the newest, whose orderers have BFT.
    for fabric in (versions["fabric"]["default"], list(versions["fabric"]["versions"])[-1]):
        for name, recipe in (
            ("peer", "fabric-peer"),
            ("orderer", "fabric-orderer"),
            ("configtxgen", ""),
            ("configtxlator", ""),
        ):
            # With the image's recipe the very binary of the image is used.
            binary = builder.compile(
                "fabric", fabric, f"{FABRIC}/cmd/{name}", builder.recipe(recipe) if recipe else None
            )
            link(binary, oracles / fabric / name)
        samples = oracles / fabric / "sampleconfig"
        if not samples.is_dir():
            folder = module_folder(FABRIC, ROOT / "images" / "pins" / f"fabric-{fabric}")
            link(folder / samples.name, samples)
    places = (
        ("openbao", "openbao/bao"),
        ("fabric-ca", "fabric-ca/fabric-ca-server"),
        ("registry", "registry/registry"),
    )
    images(builder, oracles, versions, places)
    for image in ("prometheus", "alertmanager", "node-exporter"):
        recipe_of = builder.recipe(image)
        for package in recipe_of["programs"]:
            program = builder.compile(image, versions[image]["default"], package, recipe_of)
            link(program, oracles / image / program.name)
    for component, packages in ORACLES.items():
        # Fabric's are above, by version.
        for package in packages if component != "fabric" else []:
            program = builder.compile(
                component, versions[component]["default"], package, builder.recipe(component)
            )
            link(program, oracles / component / program.name)


def main(wanted: list[str]) -> int:
    """Entry point."""
    groups = {"logs": logs}
    if unknown := set(wanted) - set(groups):
        print(
            f"there is no group {', '.join(sorted(unknown))}; there is {', '.join(groups)}", file=sys.stderr
        )
        return 2
    builder = Builder(ROOT, ROOT / ".cache", progress=lambda line: print(line, flush=True))
    versions = yaml.safe_load((ROOT / "images" / "versions.yml").read_text())
    for build in [groups[name] for name in wanted] or [core]:
        build(builder, ROOT / ".cache" / "oracle", versions)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
