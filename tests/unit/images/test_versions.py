"""Every version of images/versions.yml is pinned to the module that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

IMAGES = Path(__file__).resolve().parents[3] / "images"
VERSIONS = yaml.safe_load((IMAGES / "versions.yml").read_text())
LINES = [
    (component, str(version), entry["source"], module)
    for component, entry in VERSIONS.items()
    for version, module in entry["versions"].items()
]


@pytest.mark.parametrize(("component", "version", "source", "module"), LINES)
def test_a_version_is_pinned_with_its_checksums(
    component: str, version: str, source: str, module: str
) -> None:
    folder = IMAGES / "pins" / f"{component}-{version}"
    text = (folder / "go.mod").read_text()
    assert re.findall(rf"^\s*(?:require )?{re.escape(source)} (\S+)", text, re.MULTILINE) == [module]
    assert f"{source} {module} h1:" in (folder / "go.sum").read_text()
    wanted = {
        package
        for path in IMAGES.glob("*/image.yml")
        if (recipe := yaml.safe_load(path.read_text())).get("component") == component
        for package in recipe["programs"]
    }
    # A generated program is the module itself.
    assert wanted <= set(re.findall(r"^\s*(?:tool |module )?(\S+)$", text, re.MULTILINE))


def test_nothing_is_pinned_that_is_not_built() -> None:
    assert {path.name for path in (IMAGES / "pins").iterdir()} == {
        f"{name}-{version}" for name, version, *_unused in LINES
    }


def test_the_default_is_a_version() -> None:
    for component, entry in VERSIONS.items():
        assert str(entry["default"]) in map(str, entry["versions"]), component
