"""From one configuration to the next: the update, its signatures, its envelope.

``compute_update`` equals ``configtxlator compute_update``. Source: hyperledger/fabric
``internal/configtxlator/update/update.go`` and ``protoutil/txutils.go``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer, new_nonce

with suppress(ImportError):  # the module says which package is missing
    from fabric_protos.common import common_pb2, configtx_pb2

# The members of a ConfigGroup that are maps of versioned elements.
_MAPS = ("groups", "values", "policies")


def compute_update(
    channel: str, original: configtx_pb2.Config, updated: configtx_pb2.Config
) -> configtx_pb2.ConfigUpdate | None:
    """The read and write sets that lead from ``original`` to ``updated``; None when they are equal."""
    read, write, changed = _group_update(original.channel_group, updated.channel_group)
    if not changed:
        return None
    return configtx_pb2.ConfigUpdate(channel_id=channel, read_set=read, write_set=write)


def _group_update(original: Any, updated: Any) -> tuple[Any, Any, bool]:
    """Read set, write set, and whether they differ, of one group."""
    read = configtx_pb2.ConfigGroup(version=original.version)
    write = configtx_pb2.ConfigGroup(version=original.version)
    same: list[tuple[str, str, Any]] = []
    # A changed member list or mod_policy raises the group's own version, and then the unchanged members have
    # to be named with their versions in both sets.
    own_change = original.mod_policy != updated.mod_policy
    for kind in _MAPS:
        before, after = getattr(original, kind), getattr(updated, kind)
        own_change |= set(before) != set(after)
        for name in after:
            if kind == "groups":
                _child_update(name, before, after, read, write, same)
            else:
                _element_update(kind, name, before, after, write, same)
    if own_change:
        for kind, name, element in same:
            getattr(read, kind)[name].CopyFrom(element)
            getattr(write, kind)[name].CopyFrom(element)
        write.version = original.version + 1
        write.mod_policy = updated.mod_policy
    return read, write, own_change or any(getattr(write, kind) for kind in _MAPS)


def _child_update(name: str, before: Any, after: Any, read: Any, write: Any, same: list[Any]) -> None:
    if name not in before:
        _unused, child, _unused = _group_update(configtx_pb2.ConfigGroup(), after[name])
        child.version = 0
        child.mod_policy = after[name].mod_policy
        write.groups[name].CopyFrom(child)
        return
    child_read, child_write, changed = _group_update(before[name], after[name])
    if not changed:
        same.append(("groups", name, child_read))
        return
    read.groups[name].CopyFrom(child_read)
    write.groups[name].CopyFrom(child_write)


def _element_update(
    kind: str, name: str, before: Any, after: Any, write: Any, same: list[tuple[str, str, Any]]
) -> None:
    element = type(after[name])()
    if name not in before:
        element.CopyFrom(after[name])
        element.version = 0
    elif _content(kind, before[name]) == _content(kind, after[name]):
        element.version = before[name].version
        same.append((kind, name, element))
        return
    else:
        element.CopyFrom(after[name])
        element.version = before[name].version + 1
    getattr(write, kind)[name].CopyFrom(element)


def _content(kind: str, element: Any) -> tuple[str, Any]:
    return element.mod_policy, element.value if kind == "values" else element.policy


def concerned_organizations(original: Any, update: Any) -> list[tuple[str, str]]:
    """Which organisations' admins the changed elements ask for: ``[("Application", "Org1"), ...]``, sorted.

    An element below an organisation's group is that organisation's matter; one of the Application or Orderer
    group concerns all organisations that the group has in ``original``; one of the channel concerns all.
    New organisations do not count, their signatures have no weight yet. Elements whose mod_policy is an
    absolute path are treated like the group that the path names.
    """
    result: set[tuple[str, str]] = set()
    for path, mod_policy in _changed_elements(original.channel_group, update.write_set, ("Channel",)):
        parts = path
        if mod_policy.startswith("/"):
            parts = tuple(mod_policy.strip("/").split("/")[:-1])
        result |= _organizations_below(original.channel_group, parts)
    return sorted(result)


def _organizations_below(root: Any, path: tuple[str, ...]) -> set[tuple[str, str]]:
    sections = [path[1]] if len(path) > 1 else ["Application", "Orderer"]
    # Reading a missing key of a protobuf map would put it there.
    present = [section for section in sections if section in root.groups]
    found = {(section, name) for section in present for name in root.groups[section].groups}
    if len(path) > 2:
        found = {(section, name) for section, name in found if name == path[2]}
    return found


def _changed_elements(
    original: Any, write: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Path of the deciding group, and mod_policy in force, for each element that the write set changes."""
    if write.version > original.version:
        yield path, original.mod_policy
    for kind in ("values", "policies"):
        for name, element in getattr(write, kind).items():
            before = getattr(original, kind)
            # A new element is decided by the group that gets it, which is among the changes already.
            if name in before and element.version > before[name].version:
                yield path, before[name].mod_policy
    for name, child in write.groups.items():
        if name in original.groups:
            yield from _changed_elements(original.groups[name], child, (*path, name))


def _signature_header(signer: Signer) -> bytes:
    header = common_pb2.SignatureHeader(creator=signer.creator, nonce=new_nonce())
    return bytes(header.SerializeToString())


def signed_envelope(
    channel: str, header_type: int, data: bytes, signer: Signer, tls_cert_hash: bytes = b""
) -> common_pb2.Envelope:
    """A signed envelope around ``data``, with the present time in its header.

    :param header_type: ``common_pb2.CONFIG_UPDATE``, ``common_pb2.DELIVER_SEEK_INFO``
    :param tls_cert_hash: SHA-256 of the TLS client certificate, for services that bind to it
    """
    channel_header = common_pb2.ChannelHeader(
        type=header_type, channel_id=channel, tls_cert_hash=tls_cert_hash
    )
    channel_header.timestamp.GetCurrentTime()
    header = common_pb2.Header(
        channel_header=channel_header.SerializeToString(), signature_header=_signature_header(signer)
    )
    payload = common_pb2.Payload(header=header, data=data).SerializeToString()
    return common_pb2.Envelope(payload=payload, signature=signer.sign(payload))


def update_envelope(
    update: configtx_pb2.ConfigUpdate, signers: Sequence[Signer], submitter: Signer
) -> common_pb2.Envelope:
    """The update with a signature of every signer, in the submitter's envelope, ready for Broadcast.

    Raises FabricError without any signer.
    """
    if not signers:
        raise FabricError("nobody is there to sign the configuration update", f"channel {update.channel_id}")
    update_bytes = update.SerializeToString(deterministic=True)
    signatures = []
    for signer in signers:
        header = _signature_header(signer)
        signatures.append(
            configtx_pb2.ConfigSignature(
                signature_header=header, signature=signer.sign(header + update_bytes)
            )
        )
    wrapped = configtx_pb2.ConfigUpdateEnvelope(config_update=update_bytes, signatures=signatures)
    return signed_envelope(
        update.channel_id, common_pb2.CONFIG_UPDATE, wrapped.SerializeToString(), submitter
    )
