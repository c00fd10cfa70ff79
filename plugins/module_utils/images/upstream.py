"""Upstream's images under our contract: the layers as they are, one of ours upon them, our configuration.

What the recipe of a built image says of helpers, links, directories and merged configuration holds here too; the
programs and the files to merge into are upstream's. The recipe's part ``upstream`` says where they differ:
``programs`` (our path to upstream's, the first that is there) and ``remove`` (paths to hide).
"""

from __future__ import annotations

import gzip
import hashlib
import inspect
import json
import platform
import posixpath
import sys
import tarfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.images import (
    blobs,
    client,
    filesystem,
    oci,
    reference,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import (
    Builder,
    Built,
    deep_merge,
    labels_of,
    tree_hash,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.images.errors import PullError
from ansible_collections.selvedge.fabric.plugins.module_utils.images.reference import Reference

with suppress(ImportError):  # the module says which package is missing
    import yaml

_BASE = "org.opencontainers.image.base.digest"
# What Go and registries call this machine's architecture.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x"}
_LISTS = (blobs.INDEX, blobs.MANIFEST_LIST)
_LAYERS = {
    oci.LAYER: True,
    "application/vnd.oci.image.layer.v1.tar+gzip": True,
    "application/vnd.oci.image.layer.v1.tar": False,
}


def architecture() -> str:
    """This machine's, which is taken to be that of the hosts."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


@dataclass(frozen=True)
class Pulled:
    """Upstream's image for one architecture: as it is, and unpacked enough to be built upon."""

    image: oci.Image
    layers: list[oci.Layer]
    files: filesystem.FileSystem
    architecture: str


class Upstream:
    """Takes images from upstream and puts our layer on them.

    :param cache: downloads are kept in ``upstream``, the results beside those that are built
    :param ca_file: CA certificates to trust for upstream's registries, where it is not those of the machine
    """

    def __init__(
        self,
        root: Path,
        cache: Path,
        builder: Builder,
        ca_file: str = "",
        progress: Callable[[str], None] = lambda line: None,
        pause: float = 1,
    ) -> None:
        self._images = root / "images"
        self._builder = builder
        self._blobs = blobs.Blobs(cache / "upstream", client.Client(ca_file), pause, progress)
        self._progress = progress

    def make(self, name: str, version: str, text: str) -> Built:
        """The image ``name`` in ``version`` upon the image that ``text`` refers to, from the cache where it is known.

        :raises PullError: when it cannot be had, or is not what the recipe builds upon
        """
        recipe = self._builder.recipe(name)
        if "upstream" not in recipe:
            raise PullError(f"images/{name}/image.yml says nothing of upstream: this image can only be built")
        wanted = reference.parse(text)
        key = self._key(name, version, wanted)
        stem = f"{name}-{version}-{key[:16]}"
        if known := self._builder.cached(stem, recipe):
            image = oci.load(known)
            return Built(name, version, image, fresh=False, base=_label(image, _BASE))
        self._progress(f"pulling {name} {version}")
        pulled = self.pull(wanted, _merged_files(recipe))
        layer = oci.pack(oci.layer_tar(self._entries(recipe, pulled.files, wanted)))
        labels = {**labels_of(recipe, version, key, str(wanted)), _BASE: pulled.image.digest}
        image = oci.assemble([*pulled.layers, layer], recipe["config"], labels, pulled.architecture)
        oci.save(image, self._builder.place(stem, recipe))
        return Built(name, version, image, fresh=True, base=pulled.image.digest)

    def original(self, text: str) -> oci.Image:
        """Upstream's image as it is, for a mirror."""
        return self.pull(reference.parse(text)).image

    def pull(self, wanted: Reference, keep: frozenset[str] = frozenset()) -> Pulled:
        """Upstream's image, every part of it verified. ``keep`` are files whose contents are wanted."""
        manifest = self._manifest(wanted)
        parts = _json(wanted, "manifest", manifest)
        kept: dict[str, bytes] = {}

        def fetch(part: dict[str, Any]) -> bytes:
            data = self._blobs.blob(wanted, part["digest"], part["size"])
            kept[part["digest"]] = data
            return data

        try:
            config = _json(wanted, "configuration", fetch(parts["config"]))
            _check_architecture(wanted, config)
            ids = config["rootfs"]["diff_ids"]
            if len(ids) != len(parts["layers"]):
                raise PullError(
                    f"{wanted}: has {len(parts['layers'])} layers and {len(ids)} identities of layers"
                )
            files, layers = filesystem.FileSystem(keep), []
            for part, diff_id in zip(parts["layers"], ids, strict=True):
                layers.append(_layer(wanted, part, fetch(part), diff_id, files))
        except (KeyError, TypeError) as error:
            raise PullError(f"{wanted}: its manifest is not one of an image: {error!r} is missing") from error
        image = oci.Image(manifest, kept, sum(layer.size for layer in layers))
        return Pulled(image, layers, files, config["architecture"])

    def _manifest(self, wanted: Reference) -> bytes:
        """The manifest for this machine's architecture: the referred one, or one of its list."""
        data = self._blobs.manifest(wanted, wanted.digest)
        parsed = _json(wanted, "manifest", data)
        if parsed.get("mediaType") not in _LISTS and "manifests" not in parsed:
            return data
        offered = [
            (item.get("platform", {}), item["digest"])
            for item in parsed.get("manifests", [])
            # Attestations lie in the same list, for an unknown system.
            if item.get("platform", {}).get("os") == "linux"
        ]
        for target, digest in offered:
            if target.get("architecture") == architecture():
                return self._blobs.manifest(wanted, digest)
        raise _foreign(wanted, [str(target.get("architecture")) for target, _unused in offered])

    def _key(self, name: str, version: str, wanted: Reference) -> str:
        # Our own code as text, as in a builder's key.
        code = [inspect.getsource(module) for module in (sys.modules[__name__], oci, filesystem)]
        parts = [self._images / name, self._images / "helper"]
        text = "\0".join(["upstream", version, str(wanted), architecture(), *code, tree_hash(parts)])
        return hashlib.sha256(text.encode()).hexdigest()

    def _entries(
        self, recipe: dict[str, Any], files: filesystem.FileSystem, wanted: Reference
    ) -> list[oci.Entry]:
        """Our layer: the same paths as in a built image, less the programs."""
        found = _programs(recipe, files, wanted)
        found += [
            oci.Entry(path, self._builder.helper(name), mode=0o755)
            for name, path in recipe.get("helpers", {}).items()
        ]
        found += [
            oci.Entry(path, link=target, mode=0o777) for path, target in recipe.get("links", {}).items()
        ]
        found += [_merged(item, files, wanted) for item in recipe.get("module_files", {}).values()]
        for path in recipe.get("directories", []):
            shared = path == "/tmp"  # noqa: S108 - a path inside the image
            found.append(oci.Entry(path, mode=0o1777 if shared else 0o750, uid=0 if shared else 10001))
        for path in recipe["upstream"].get("remove", []):
            if files.get(path):
                folder, name = posixpath.split(path)
                found.append(oci.Entry(f"{folder}/.wh.{name}", b""))
        placed = [
            oci.Entry(files.place(item.path), item.data, item.link, item.mode, item.uid, item.gid)
            for item in found
        ]
        return [*placed, *files.folders([item.path for item in placed])]


def _merged_files(recipe: dict[str, Any]) -> frozenset[str]:
    return frozenset(item["path"] for item in recipe.get("module_files", {}).values())


def _programs(recipe: dict[str, Any], files: filesystem.FileSystem, wanted: Reference) -> list[oci.Entry]:
    """Links to programs that upstream has elsewhere; an image without them is another image."""
    links = []
    elsewhere = recipe["upstream"].get("programs", {})
    # A program of a Debian package stands only under ``upstream``.
    for path in dict.fromkeys([*recipe.get("programs", {}).values(), *elsewhere]):
        places = elsewhere.get(path, [path])
        there = next((place for place in places if (node := files.get(place)) and node.kind == "file"), "")
        if not there:
            raise PullError(
                f"{wanted}: has no {' or '.join(places)}. Next: look whether it is the image of {recipe['title']}"
            )
        if there != path:
            links.append(oci.Entry(path, link=there, mode=0o777))
    return links


def _merged(item: dict[str, Any], files: filesystem.FileSystem, wanted: Reference) -> oci.Entry:
    node = files.get(item["path"])
    if not node or node.data is None:
        raise PullError(f"{wanted}: has no file {item['path']} to merge settings into")
    try:
        content = yaml.safe_load(node.data)
    except yaml.YAMLError as error:
        raise PullError(f"{wanted}: {item['path']} is no YAML: {error}") from error
    merged = deep_merge(content, item.get("merge", {}))
    return oci.Entry(item["path"], yaml.safe_dump(merged, sort_keys=False).encode())


def _layer(
    wanted: Reference, part: dict[str, Any], data: bytes, diff_id: str, files: filesystem.FileSystem
) -> oci.Layer:
    """One layer of upstream's, its content verified against the configuration, laid upon ``files``."""
    compressed = _LAYERS.get(part["mediaType"])
    if compressed is None:
        raise PullError(
            f"{wanted}: has a layer of type {part['mediaType']}, which engines from 20.10 on do not all take; "
            "taken are gzip and plain tar. Next: give an image that was built for all engines, or build it"
        )
    try:
        tar = gzip.decompress(data) if compressed else data
        if oci.digest_of(tar) != diff_id:
            raise PullError(
                f"{wanted}: layer {part['digest']} is not the one that the configuration names, {diff_id}"
            )
        files.add(tar)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise PullError(f"{wanted}: layer {part['digest']} cannot be read: {error}") from error
    return oci.Layer(data, diff_id, len(tar)) if compressed else oci.pack(tar)


def _check_architecture(wanted: Reference, config: dict[str, Any]) -> None:
    if (config["os"], config["architecture"]) != ("linux", architecture()):
        raise _foreign(wanted, [f"{config['architecture']}"])


def _foreign(wanted: Reference, offered: list[str]) -> PullError:
    return PullError(
        f"{wanted}: has no image for linux/{architecture()}, which this machine is; it has "
        f"{', '.join(f'linux/{item}' for item in offered) or 'none for linux'}. "
        "Next: give the digest of the list of all architectures, or of the one for this"
    )


def _json(wanted: Reference, what: str, data: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(data)
    except ValueError as error:
        raise PullError(f"{wanted}: its {what} is no JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise PullError(f"{wanted}: its {what} is no JSON object")
    return parsed


def _label(image: oci.Image, name: str) -> str:
    config = json.loads(image.blobs[json.loads(image.manifest)["config"]["digest"]])
    return str(config["config"]["Labels"][name])
