"""A chaincode's definition: what the organisations of a channel agree on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.policy import canonical
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.policy_message import (
    application_policy,
    application_policy_text,
    decode,
    signature_policy,
)

with suppress(ImportError):  # the module says which package is missing
    from fabric_protos.peer import collection_pb2, policy_pb2

# Source: core/chaincode/lifecycle/scc.go and internal/peer/chaincode/common.go of hyperledger/fabric.
_NAME = re.compile(r"^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$")
_VERSION = re.compile(r"^[A-Za-z0-9_.+-]+$")
_SYSTEM_CHAINCODES = frozenset({"cscc", "escc", "lscc", "qscc", "vscc"})
_COLLECTION_DEFAULTS: dict[str, Any] = {
    "policy": "",
    "requiredPeerCount": 0,
    "maxPeerCount": 1,
    "blockToLive": 0,
    "memberOnlyRead": False,
    "memberOnlyWrite": False,
    "endorsementPolicy": {},
}

# Fabric's only built-in plugins. A channel that names others was not defined by this client.
_ENDORSEMENT_PLUGIN = "escc"
_VALIDATION_PLUGIN = "vscc"


@dataclass(frozen=True)
class Definition:
    """A chaincode definition.

    :param sequence: counts the definitions of this chaincode on its channel, from 1; 0 is not decided yet
    :param endorsement_policy: policy text, see ``policy.py``
    :param collections: private data collections as ``collections_config.json`` has them, defaults filled in
    :param stored: the parameters as the channel stores them; approvals have to repeat them byte by byte
    """

    name: str
    version: str
    endorsement_policy: str
    init_required: bool = False
    collections: tuple[dict[str, Any], ...] = ()
    sequence: int = 0
    stored: tuple[bytes, bytes] | None = None

    @classmethod
    def desired(
        cls,
        name: str,
        version: str,
        endorsement_policy: str = "",
        init_required: bool = False,
        collections: Sequence[Mapping[str, Any]] = (),
    ) -> Definition:
        """Take what an operator asks for. Raises FabricError with all mistakes that Fabric would refuse."""
        mistakes = []
        if not _NAME.match(name) or name in _SYSTEM_CHAINCODES:
            mistakes.append(f"chaincode name {name!r} is not letters and digits, joined by single - or _")
        if not _VERSION.match(version):
            mistakes.append(
                f"chaincode version {version!r} has other characters than letters, digits and _.+-"
            )
        policy = endorsement_policy
        filled: list[dict[str, Any]] = []
        try:
            policy = application_policy_text(application_policy(endorsement_policy))
        except FabricError as error:
            mistakes.append(error.what)
        for collection in collections:
            try:
                filled.append(_filled(collection))
            except FabricError as error:
                mistakes.append(error.what)
        if mistakes:
            raise FabricError("; ".join(mistakes))
        return cls(name, version, policy, init_required, tuple(filled))

    @classmethod
    def from_message(cls, message: Any, name: str) -> Definition:
        """Read what ``_lifecycle`` answers: a query result with the definition's fields."""
        if (message.endorsement_plugin, message.validation_plugin) != (
            _ENDORSEMENT_PLUGIN,
            _VALIDATION_PLUGIN,
        ):
            raise FabricError(
                f"chaincode {name} uses the plugins {message.endorsement_plugin} and "
                f"{message.validation_plugin}, this client manages only chaincode with Fabric's own"
            )
        policy = policy_pb2.ApplicationPolicy.FromString(message.validation_parameter)
        return cls(
            name,
            message.version,
            application_policy_text(policy),
            message.init_required,
            tuple(_collection_dict(item.static_collection_config) for item in message.collections.config),
            message.sequence,
            (bytes(message.validation_parameter), message.collections.SerializeToString()),
        )

    def same_parameters(self, other: Definition) -> bool:
        """Whether both define the same chaincode, apart from the sequence."""
        return self._comparable() == other._comparable()

    def _comparable(self) -> tuple[Any, ...]:
        policy = canonical(self.endorsement_policy)
        collections = sorted(map(_comparable, self.collections), key=lambda item: str(item["name"]))
        return self.name, self.version, self.init_required, policy, collections

    def at(self, sequence: int) -> Definition:
        """This definition at another sequence."""
        return replace(self, sequence=sequence)

    def fields(self) -> dict[str, Any]:
        """The fields that the arguments of approving, checking and committing have in common."""
        if self.stored:
            parameter = self.stored[0]
            package = collection_pb2.CollectionConfigPackage.FromString(self.stored[1])
        else:
            parameter = application_policy(self.endorsement_policy).SerializeToString()
            package = collections_package(self.collections)
        return {
            "sequence": self.sequence,
            "name": self.name,
            "version": self.version,
            "endorsement_plugin": _ENDORSEMENT_PLUGIN,
            "validation_plugin": _VALIDATION_PLUGIN,
            "validation_parameter": parameter,
            "init_required": self.init_required,
            "collections": package if package.config else None,
        }

    def as_dict(self) -> dict[str, Any]:
        """For results and diffs."""
        return {
            "version": self.version,
            "sequence": self.sequence,
            "endorsement_policy": self.endorsement_policy,
            "init_required": self.init_required,
            "collections": [dict(item) for item in self.collections],
        }


def _filled(collection: Mapping[str, Any]) -> dict[str, Any]:
    """A collection with its defaults. Raises FabricError for keys that Fabric does not know."""
    name = str(collection.get("name", ""))
    unknown = sorted(set(collection) - set(_COLLECTION_DEFAULTS) - {"name"})
    if not name or unknown:
        raise FabricError(
            f"collection {name!r} has unknown keys {unknown}" if name else "a collection has no name"
        )
    result = {"name": name, **_COLLECTION_DEFAULTS, **collection}
    try:
        signature_policy(result["policy"])
        _endorsement(result["endorsementPolicy"])
    except FabricError as error:
        raise FabricError(f"collection {name}: {error.what}") from error
    result["endorsementPolicy"] = dict(result["endorsementPolicy"] or {})
    if not 0 <= int(result["requiredPeerCount"]) <= int(result["maxPeerCount"]):
        raise FabricError(f"collection {name}: requiredPeerCount is not between 0 and maxPeerCount")
    return result


def _endorsement(option: Mapping[str, str] | None) -> policy_pb2.ApplicationPolicy | None:
    """The endorsement policy of a collection; None when it has none of its own."""
    wanted = {key: value for key, value in (option or {}).items() if value}
    unknown = sorted(set(wanted) - {"signaturePolicy", "channelConfigPolicy"})
    if unknown or len(wanted) > 1:
        raise FabricError("endorsementPolicy has one key, signaturePolicy or channelConfigPolicy")
    return application_policy(next(iter(wanted.values()))) if wanted else None


def collections_package(
    collections: Sequence[Mapping[str, Any]],
) -> collection_pb2.CollectionConfigPackage:
    """Encode collections as the ``peer`` command does."""
    package = collection_pb2.CollectionConfigPackage()
    for item in collections:
        config = collection_pb2.StaticCollectionConfig(
            name=item["name"],
            required_peer_count=int(item["requiredPeerCount"]),
            maximum_peer_count=int(item["maxPeerCount"]),
            block_to_live=int(item["blockToLive"]),
            member_only_read=item["memberOnlyRead"],
            member_only_write=item["memberOnlyWrite"],
            endorsement_policy=_endorsement(item["endorsementPolicy"]),
        )
        config.member_orgs_policy.signature_policy.CopyFrom(signature_policy(item["policy"]))
        package.config.add(static_collection_config=config)
    return package


def _collection_dict(config: collection_pb2.StaticCollectionConfig) -> dict[str, Any]:
    endorsement = {}
    if config.HasField("endorsement_policy"):
        text = application_policy_text(config.endorsement_policy)
        key = "channelConfigPolicy" if text.startswith("/") else "signaturePolicy"
        endorsement = {key: text}
    return {
        "name": config.name,
        "policy": str(decode(config.member_orgs_policy.signature_policy)),
        "requiredPeerCount": config.required_peer_count,
        "maxPeerCount": config.maximum_peer_count,
        "blockToLive": config.block_to_live,
        "memberOnlyRead": config.member_only_read,
        "memberOnlyWrite": config.member_only_write,
        "endorsementPolicy": endorsement,
    }


def _comparable(collection: Mapping[str, Any]) -> dict[str, Any]:
    """A collection with its policies in canonical form."""
    endorsement = [canonical(text) for text in collection["endorsementPolicy"].values() if text]
    policy = canonical(collection["policy"])
    return {**collection, "policy": policy, "endorsementPolicy": endorsement}
