"""An image as upstream's are: several layers, a shell's world below, root, volumes, a sample key."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ansible_collections.selvedge.fabric.plugins.module_utils.images import blobs, oci
from ansible_collections.selvedge.fabric.plugins.module_utils.images.upstream import architecture
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.images.registry_server import State

REPOSITORY = "hyperledger/demo"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

# Path to: content, or the target of a link as ("link", target), or None for a folder; mode, owner, group.
Files: TypeAlias = "dict[str, tuple[bytes | tuple[str, str] | None, int, int, int]]"

BASE: Files = {
    "bin": (("link", "usr/bin"), 0o777, 0, 0),
    "etc": (None, 0o755, 0, 0),
    "tmp": (None, 0o1777, 0, 0),
    "usr": (None, 0o755, 0, 0),
    "usr/bin": (None, 0o755, 0, 0),
    "usr/local": (None, 0o2775, 0, 50),
    "usr/local/bin": (None, 0o2775, 0, 50),
}
PROGRAM: Files = {
    "usr/local/bin/hello": (b"\x7fELF hello", 0o755, 0, 0),
    "etc/demo": (None, 0o755, 0, 0),
    "etc/demo/config.yaml": (b"listen: {host: upstream, port: 1}\ntheirs: true\n", 0o644, 0, 0),
    "etc/demo/msp/key.pem": (b"a sample key", 0o600, 0, 0),
}
CONFIG = {
    "Cmd": ["hello"],
    "Env": ["PATH=/usr/sbin:/usr/bin", "SAMPLE=1"],
    "Volumes": {"/etc/demo": {}},
    "Labels": {"org.opencontainers.image.version": "22.04"},
}


def tar(files: Files) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, (content, mode, uid, gid) in files.items():
            info = tarfile.TarInfo(path)
            info.mode, info.uid, info.gid, info.mtime = mode, uid, gid, 1
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, tuple):
                info.type, info.linkname = tarfile.SYMTYPE, content[1]
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return buffer.getvalue()


@dataclass
class Sample:
    """An image and the ways to spoil it before it is published."""

    layers: list[Files] = field(default_factory=lambda: [BASE, PROGRAM])
    config: dict[str, Any] = field(default_factory=lambda: dict(CONFIG))
    architecture: str = field(default_factory=architecture)
    manifest_type: str = oci.OCI_MANIFEST
    layer_type: str = OCI_LAYER
    diff_ids: list[str] | None = None

    def build(self) -> tuple[bytes, dict[str, bytes]]:
        """The manifest and the blobs."""
        tars = [tar(files) for files in self.layers]
        packed = tars if self.layer_type.endswith("tar") else [gzip.compress(item, mtime=0) for item in tars]
        body = {
            "architecture": self.architecture,
            "os": "linux",
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids or [oci.digest_of(item) for item in tars]},
        }
        config = json.dumps(body).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": self.manifest_type,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": oci.digest_of(config),
                "size": len(config),
            },
            "layers": [
                {"mediaType": self.layer_type, "digest": oci.digest_of(item), "size": len(item)}
                for item in packed
            ],
        }
        return json.dumps(manifest).encode(), {oci.digest_of(item): item for item in [config, *packed]}

    def publish(self, state: State, repository: str = REPOSITORY) -> str:
        """Put it into a registry; return its digest."""
        manifest, parts = self.build()
        state.publish(repository, manifest, blobs=parts, kind=self.manifest_type)
        return oci.digest_of(manifest)


def publish_list(state: State, offered: dict[str, str], kind: str = blobs.INDEX) -> str:
    """Publish a list of architectures to manifests' digests, and an attestation as build tools add it."""
    entries = [
        {"mediaType": oci.OCI_MANIFEST, "digest": digest, "size": 1,
         "platform": {"os": "linux", "architecture": name}}
        for name, digest in offered.items()
    ]  # fmt: skip
    attestation = {"digest": f"sha256:{0:064x}", "size": 1, "mediaType": oci.OCI_MANIFEST,
                   "platform": {"os": "unknown", "architecture": "unknown"}}  # fmt: skip
    data = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [attestation, *entries]}).encode()
    state.publish(REPOSITORY, data, blobs={}, kind=kind)
    return oci.digest_of(data)
