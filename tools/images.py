"""Build images, and print their sizes against their budgets.

    images.py               every image in every version of images/versions.yml, and programs for hosts
    images.py INVENTORY     what the inventory's network model needs, built or taken from upstream

`images.yml` then finds them in the cache. A module cannot say what it is at; this says it while it compiles.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import (  # noqa: E402
    MEGABYTE,
    Builder,
    BuildError,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.images.errors import PullError  # noqa: E402
from ansible_collections.selvedge.fabric.plugins.module_utils.images.upstream import Upstream  # noqa: E402
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import ModelError, load  # noqa: E402
from ansible_collections.selvedge.fabric.plugins.module_utils.model.upstream import registry_image  # noqa: E402
from ansible_collections.selvedge.fabric.plugins.module_utils.model.view import required_images  # noqa: E402


def every_image(builder: Builder) -> Iterator[dict[str, str]]:
    """All recipes in all their versions."""
    versions = yaml.safe_load((ROOT / "images" / "versions.yml").read_text())
    for name in builder.names():
        recipe = builder.recipe(name)
        wanted = versions[recipe["component"]]["versions"] if "component" in recipe else [recipe["version"]]
        for version in wanted:
            yield {"name": name, "version": str(version)}


def images_of(inventory: Path) -> list[dict[str, str]]:
    """The registry's image and those that the model asks for."""
    model = yaml.safe_load((inventory / "group_vars" / "all" / "network.yml").read_text())["selvedge_network"]
    hosts = yaml.safe_load((inventory / "hosts.yml").read_text())["all"]["hosts"]
    known = {
        name: {"reach": item["ansible_host"], "address": item["selvedge_address"]}
        for name, item in hosts.items()
    }
    network = load(model, known)
    return [registry_image(network.settings), *required_images(network)]


def progress(line: str) -> None:
    """Say what takes long."""
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Entry point."""
    builder = Builder(ROOT, ROOT / ".cache", progress)
    upstream = Upstream(ROOT, ROOT / ".cache", builder, progress=progress)
    try:
        images = images_of(Path(sys.argv[1])) if len(sys.argv) > 1 else every_image(builder)
        print(f"{'image':<26}{'MB':>8}{'budget':>8}  digest", flush=True)
        for item in images:
            if "upstream" in item:
                built = upstream.make(item["name"], item["version"], item["upstream"])
                budget = "-"
            else:
                built = builder.build(item["name"], item.get("version", ""))
                budget = str(builder.recipe(item["name"])["budget_mb"])
            label, size = f"{built.name}:{built.version}", built.image.size / MEGABYTE
            print(f"{label:<26}{size:>8.1f}{budget:>8}  {built.image.digest[:19]}", flush=True)
        # Which host lacks one is known only there.
        for recipe in sorted((ROOT / "images").glob("*/program.yml")) if len(sys.argv) == 1 else []:
            size = builder.program(recipe.parent.name).stat().st_size / MEGABYTE
            print(f"{recipe.parent.name:<26}{size:>8.1f}{'':>8}  a program for hosts", flush=True)
    except (BuildError, ModelError, PullError, OSError, KeyError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
