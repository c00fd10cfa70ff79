"""Every image in every version builds within its budget, and its programs say the version that it is tagged with.

Compiling all of it takes minutes: `make images-test` runs this, not `make test`. What the cache has is not built again.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.images import oci
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = yaml.safe_load((ROOT / "images" / "versions.yml").read_text())
RECIPES = {
    path.parent.name: recipe
    for path in sorted((ROOT / "images").glob("*/image.yml"))
    if "component" in (recipe := yaml.safe_load(path.read_text()))
}
IMAGES = [
    (name, str(version))
    for name, recipe in RECIPES.items()
    for version in VERSIONS[recipe["component"]]["versions"]
]
# How a program is asked for its version.
ASKED = dict.fromkeys(
    ("alertmanager", "loki", "node-exporter", "otel-collector", "prometheus", "registry"), "--version"
)


def contents(image: oci.Image) -> dict[str, bytes]:
    """The files of an image."""
    found = {}
    for part in json.loads(image.manifest)["layers"]:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(image.blobs[part["digest"]]))) as archive:
            for member in archive.getmembers():
                if file := archive.extractfile(member) if member.isfile() else None:
                    found[f"/{member.name}"] = file.read()
    return found


@pytest.mark.parametrize(("name", "version"), IMAGES)
def test_an_image_builds_and_says_its_version(name: str, version: str, tmp_path: Path) -> None:
    recipe = RECIPES[name]
    files = contents(Builder(ROOT, ROOT / ".cache").build(name, version).image)
    for path in recipe["programs"].values():
        program = tmp_path / Path(path).name
        program.write_bytes(files[path])
        program.chmod(0o755)
        # An empty environment: images have no libraries and no variables but their own.
        said = subprocess.run(
            [str(program), ASKED.get(name, "version")], env={}, capture_output=True, text=True, check=False
        )
        assert said.returncode == 0, said.stderr
        assert re.search(rf"(?<![\w.])v?{re.escape(version)}(?![\w.])", said.stdout), said.stdout
    for item in recipe.get("module_files", {}).values():
        _assert_merged(yaml.safe_load(files[item["path"]]), item.get("merge", {}))


def _assert_merged(content: object, merge: object) -> None:
    if isinstance(merge, dict):
        assert isinstance(content, dict)
        for key, value in merge.items():
            _assert_merged(content[key], value)
    else:
        assert content == merge
