"""Container images written straight from Python, so that equal inputs give equal digests.

``docker build`` stamps times and random ids into what it makes; two builds of one Dockerfile differ. Here a layer
is a tar with sorted names, fixed owners and a fixed time, and the digest depends on content alone.
Format: OCI image spec 1.1; the manifest uses Docker's media types, because engines from 20.10 on keep the
``Healthcheck`` of such an image.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# 2025-06-15: every file in every layer carries this time.
EPOCH = 1750000000

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Entry:
    """One path of a layer.

    :param path: absolute path in the image
    :param data: content of a file; None for a directory or a link
    :param link: target of a symbolic link
    :param mode: permission bits
    :param uid: owner
    :param gid: group; the number of the owner when there is none
    """

    path: str
    data: bytes | None = None
    link: str = ""
    mode: int = 0o644
    uid: int = 0
    gid: int | None = None


def layer_tar(entries: list[Entry]) -> bytes:
    """An uncompressed layer with ``entries`` and their parent directories."""
    known = {entry.path for entry in entries}
    parents = {str(parent) for entry in entries for parent in Path(entry.path).parents} - known - {"/"}
    everything = [*entries, *(Entry(path, mode=0o755) for path in parents)]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in sorted(everything, key=lambda item: item.path):
            info = tarfile.TarInfo(entry.path.lstrip("/"))
            info.mtime, info.mode, info.uid = EPOCH, entry.mode, entry.uid
            info.gid = entry.uid if entry.gid is None else entry.gid
            if entry.link:
                info.type, info.linkname = tarfile.SYMTYPE, entry.link
            elif entry.data is None:
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(entry.data)
            tar.addfile(info, io.BytesIO(entry.data) if entry.data is not None else None)
    return buffer.getvalue()


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass
class Image:
    """An image in memory: its manifest, its configuration and its compressed layers.

    ``size`` is the sum of the uncompressed layers in bytes, what the image takes on a host's disk.
    """

    manifest: bytes
    blobs: dict[str, bytes] = field(repr=False)
    size: int

    @property
    def digest(self) -> str:
        """The manifest's digest, by which hosts pull it."""
        return digest_of(self.manifest)

    @property
    def media_type(self) -> str:
        """The manifest's type; only OCI's may leave it unsaid."""
        return str(json.loads(self.manifest).get("mediaType", OCI_MANIFEST))


@dataclass(frozen=True)
class Layer:
    """A compressed layer.

    :param packed: the gzip of its tar, a blob of the image
    :param diff_id: digest of the tar
    :param size: bytes of the tar
    """

    packed: bytes = field(repr=False)
    diff_id: str
    size: int


def pack(tar: bytes) -> Layer:
    """Compress a tar; equal tars give equal layers."""
    return Layer(gzip.compress(tar, compresslevel=6, mtime=0), digest_of(tar), len(tar))


def build(layers: list[bytes], config: dict[str, Any], labels: dict[str, str]) -> Image:
    """Put an image together.

    :param layers: uncompressed tars, lowest first
    :param config: the ``config`` object of the image (User, Entrypoint, Env, ...)
    :param labels: OCI annotations, stored as labels
    """
    return assemble([pack(tar) for tar in layers], config, labels)


def assemble(
    layers: list[Layer], config: dict[str, Any], labels: dict[str, str], architecture: str = "amd64"
) -> Image:
    """Put an image together from layers that are compressed already; parameters as for ``build``."""
    blobs: dict[str, bytes] = {}
    descriptors = []
    for layer in layers:
        digest = digest_of(layer.packed)
        blobs[digest] = layer.packed
        descriptors.append({"mediaType": LAYER, "digest": digest, "size": len(layer.packed)})
    body = {
        "architecture": architecture,
        "os": "linux",
        "created": "2025-06-15T15:06:40Z",
        "config": {**config, "Labels": dict(sorted(labels.items()))},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [
            {"created": "2025-06-15T15:06:40Z", "created_by": "selvedge images"} for _unused in layers
        ],
    }
    encoded = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    blobs[digest_of(encoded)] = encoded
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest_of(encoded), "size": len(encoded)},
        "layers": descriptors,
    }
    return Image(
        manifest=json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode(),
        blobs=blobs,
        size=sum(layer.size for layer in layers),
    )


def save(image: Image, folder: Path) -> None:
    """Write the manifest and the blobs below ``folder``; complete when ``manifest.json`` is there."""
    (folder / "blobs").mkdir(parents=True, exist_ok=True)
    for digest, data in image.blobs.items():
        (folder / "blobs" / digest.removeprefix("sha256:")).write_bytes(data)
    (folder / "size").write_text(str(image.size))
    (folder / "manifest.new").write_bytes(image.manifest)
    (folder / "manifest.new").rename(folder / "manifest.json")


def load(folder: Path) -> Image:
    """Read what ``save`` wrote."""
    manifest = (folder / "manifest.json").read_bytes()
    parsed = json.loads(manifest)
    digests = [parsed["config"]["digest"], *(layer["digest"] for layer in parsed["layers"])]
    return Image(
        manifest=manifest,
        blobs={
            digest: (folder / "blobs" / digest.removeprefix("sha256:")).read_bytes() for digest in digests
        },
        size=int((folder / "size").read_text()),
    )


def docker_archive(image: Image, tag: str) -> bytes:
    """What ``docker load`` takes, on any engine: for the few images that are needed before a registry is."""
    parsed = json.loads(image.manifest)
    names = {digest: digest.removeprefix("sha256:") for digest in image.blobs}
    index = [
        {
            "Config": names[parsed["config"]["digest"]] + ".json",
            "RepoTags": [tag],
            "Layers": [names[layer["digest"]] + ".tar.gz" for layer in parsed["layers"]],
        }
    ]
    layers = {layer["digest"] for layer in parsed["layers"]}
    entries = [
        Entry("/" + names[digest] + (".tar.gz" if digest in layers else ".json"), data)
        for digest, data in image.blobs.items()
    ]
    return layer_tar([*entries, Entry("/manifest.json", json.dumps(index).encode())])
