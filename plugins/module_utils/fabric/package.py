"""Chaincode-as-a-service packages, the same bytes every time.

A package's id is a hash of its bytes and ends up in every organisation's approval. So nothing that differs
between two controllers may go in: no clock, no user, and no compressor (zlib's output changes between
versions and builds). The gzip streams here are stored, not compressed; a package has a few hundred bytes.

Source of the layout: hyperledger/fabric ``core/chaincode/persistence/chaincode_package.go``.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError

_LABEL = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")
_STORED_BLOCK = 0xFFFF


@dataclass(frozen=True)
class Package:
    """A chaincode package, ready to install.

    :param label: what operators call it
    :param data: the tar.gz
    """

    label: str
    data: bytes = field(repr=False)

    @property
    def package_id(self) -> str:
        return package_id(self.label, self.data)


def package_id(label: str, data: bytes) -> str:
    """``label:hex(SHA256(data))``, as the peer computes it."""
    return f"{label}:{hashlib.sha256(data).hexdigest()}"


def ccaas_package(
    label: str,
    address: str,
    root_cert_pem: str = "",
    dial_timeout: str = "3s",
    metadata: Mapping[str, str] | None = None,
) -> Package:
    """Build the package that tells a peer where its chaincode server listens.

    :param address: ``host:port``; ``{{.peername}}`` in it is filled in by the builder of each peer
    :param root_cert_pem: the CA that the server's TLS certificate comes from; empty means no TLS. There is no
        client key: a package lies unencrypted on every peer that installs it, a key in it would be no secret.
    :param dial_timeout: Go duration; a peer that waits for the server commits no blocks meanwhile, so keep it
        short. It tries again with the next request.
    :param metadata: files for ``META-INF/``, path to content, such as CouchDB indexes

    Raises FabricError for a label that peers refuse.
    """
    if not _LABEL.match(label):
        raise FabricError(
            f"{label!r} is not a chaincode package label: it begins with a letter or digit and goes on with "
            "letters, digits and the characters . + - _"
        )
    connection: dict[str, str | bool] = {
        "address": address,
        "dial_timeout": dial_timeout,
        "tls_required": bool(root_cert_pem),
    }
    if root_cert_pem:
        connection["root_cert"] = root_cert_pem.strip() + "\n"
        connection["client_auth_required"] = False
    code = {"connection.json": _json(connection)}
    for path, content in sorted((metadata or {}).items()):
        code[f"META-INF/{path}"] = content.encode()
    outer = {
        "metadata.json": _json({"path": "", "type": "ccaas", "label": label}),
        "code.tar.gz": _tar_gz(code),
    }
    return Package(label, _tar_gz(outer))


def _json(value: Mapping[str, str | bool]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _tar_gz(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)  # owner, group and modification time are zero
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return _stored_gzip(buffer.getvalue())


def _stored_gzip(data: bytes) -> bytes:
    """A gzip stream of stored blocks (RFC 1952 around RFC 1951, 3.2.4): no time, no system."""
    parts = [b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"]
    for start in range(0, max(len(data), 1), _STORED_BLOCK):
        block = data[start : start + _STORED_BLOCK]
        last = start + _STORED_BLOCK >= len(data)
        parts.append(struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block)
    parts.append(struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF))
    return b"".join(parts)
