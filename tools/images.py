#!/usr/bin/env python3
"""Build every image in every version of images/versions.yml, and print their sizes against their budgets."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import (  # noqa: E402
    MEGABYTE,
    Builder,
    BuildError,
)


def main() -> int:
    """Entry point."""
    builder = Builder(ROOT, ROOT / ".cache", progress=lambda line: print(line, file=sys.stderr, flush=True))
    versions = yaml.safe_load((ROOT / "images" / "versions.yml").read_text())
    print(f"{'image':<26}{'MB':>8}{'budget':>8}  digest")
    try:
        for recipe_file in sorted((ROOT / "images").glob("*/image.yml")):
            name = recipe_file.parent.name
            recipe = builder.recipe(name)
            wanted = (
                versions[recipe["component"]]["versions"] if "component" in recipe else [recipe["version"]]
            )
            for version in wanted:
                image = builder.build(name, str(version)).image
                size = image.size / MEGABYTE
                print(
                    f"{name}:{version:<{25 - len(name)}}{size:>8.1f}{recipe['budget_mb']:>8}  {image.digest[:19]}"
                )
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
