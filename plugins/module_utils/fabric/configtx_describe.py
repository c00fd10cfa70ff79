"""A channel's configuration in plain words: dictionaries, lists, strings; for diffs, facts, and comparison.

Shape of a described group: ``{"values": {name: plain}, "policies": {name: text}, "groups": {name: group}}``,
empty parts left out; what has another mod_policy than ``Admins`` is in ``"mod_policies": {name: text}``.
Everything in a value is shown, or stands there as a fingerprint: two values with equal descriptions have
equal meaning. Certificates are public and shown as subject, end and SHA-256 of the DER form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    format_duration,
    parse_duration,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_policies import policy_to_text

with suppress(ImportError):  # the module says which package is missing
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from fabric_protos.common import configtx_pb2, configuration_pb2
    from fabric_protos.msp import msp_config_pb2
    from fabric_protos.orderer import configuration_pb2 as orderer_configuration_pb2
    from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2
    from fabric_protos.peer import configuration_pb2 as peer_configuration_pb2
    from google.protobuf.message import DecodeError

_ADMINS = "Admins"


def fingerprint(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def certificate_text(pem: bytes) -> str:
    """``"CN=ca.org1.lab until 2027-01-31 sha256:..."``; what is no certificate comes as its fingerprint."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        return fingerprint(pem)
    subject, end = certificate.subject.rfc4514_string(), certificate.not_valid_after_utc.date()
    return f"{subject} until {end} sha256:{certificate.fingerprint(hashes.SHA256()).hex()}"


def _capabilities(value: bytes) -> list[str]:
    return sorted(configuration_pb2.Capabilities.FromString(value).capabilities)


def _batch_size(value: bytes) -> dict[str, int]:
    message = orderer_configuration_pb2.BatchSize.FromString(value)
    return {
        "max_message_count": message.max_message_count,
        "absolute_max_bytes": message.absolute_max_bytes,
        "preferred_max_bytes": message.preferred_max_bytes,
    }


def _batch_timeout(value: bytes) -> str:
    text: str = orderer_configuration_pb2.BatchTimeout.FromString(value).timeout
    try:
        return format_duration(parse_duration(text))
    except ValueError:
        return text


def _consensus(value: bytes) -> dict[str, Any]:
    message = orderer_configuration_pb2.ConsensusType.FromString(value)
    state = orderer_configuration_pb2.ConsensusType.State.Name(message.state)
    plain: dict[str, Any] = {"type": message.type, "state": state}
    if message.type != "etcdraft":
        return {**plain, "metadata": fingerprint(message.metadata)}
    metadata = etcdraft_pb2.ConfigMetadata.FromString(message.metadata)
    options = {
        field.name: getattr(metadata.options, field.name) for field in metadata.options.DESCRIPTOR.fields
    }
    consenters = [
        {
            "address": f"{consenter.host}:{consenter.port}",
            "client_tls_cert": certificate_text(consenter.client_tls_cert),
            "server_tls_cert": certificate_text(consenter.server_tls_cert),
        }
        for consenter in metadata.consenters
    ]
    return {**plain, "options": options, "consenters": sorted(consenters, key=lambda item: item["address"])}


def _addresses(value: bytes) -> list[str]:
    return sorted(configuration_pb2.OrdererAddresses.FromString(value).addresses)


def _anchor_peers(value: bytes) -> list[str]:
    message = peer_configuration_pb2.AnchorPeers.FromString(value)
    return sorted(f"{anchor.host}:{anchor.port}" for anchor in message.anchor_peers)


def _acls(value: bytes) -> dict[str, str]:
    message = peer_configuration_pb2.ACLs.FromString(value)
    return {name: message.acls[name].policy_ref for name in sorted(message.acls)}


def _msp(value: bytes) -> dict[str, Any]:
    outer = msp_config_pb2.MSPConfig.FromString(value)
    if outer.type != 0:
        return {"type": outer.type, "config": fingerprint(outer.config)}
    message = msp_config_pb2.FabricMSPConfig.FromString(outer.config)
    crypto = message.crypto_config
    plain: dict[str, Any] = {
        "msp_id": message.name,
        "root_certs": _certificates(message.root_certs),
        "intermediate_certs": _certificates(message.intermediate_certs),
        "tls_root_certs": _certificates(message.tls_root_certs),
        "tls_intermediate_certs": _certificates(message.tls_intermediate_certs),
        "admins": _certificates(message.admins),
        "revocation_list": sorted(fingerprint(item) for item in message.revocation_list),
        "organizational_units": [_unit(item) for item in message.organizational_unit_identifiers],
        "crypto": f"{crypto.signature_hash_family} {crypto.identity_identifier_hash_function}",
        "node_ous": _node_ous(message.fabric_node_ous),
    }
    return {key: item for key, item in plain.items() if item not in ([], {})}


def _certificates(items: Any) -> list[str]:
    return sorted(certificate_text(item) for item in items)


def _unit(item: Any) -> str:
    name: str = item.organizational_unit_identifier
    return f"{name} of {certificate_text(item.certificate)}" if item.certificate else name


def _node_ous(message: Any) -> dict[str, str]:
    if not message.enable:
        return {}
    names = ("client", "peer", "admin", "orderer")
    return {name: _unit(getattr(message, f"{name}_ou_identifier")) for name in names}


_VALUES: dict[str, Callable[[bytes], Any]] = {
    "Capabilities": _capabilities,
    "BatchSize": _batch_size,
    "BatchTimeout": _batch_timeout,
    "ChannelRestrictions": lambda value: (
        orderer_configuration_pb2.ChannelRestrictions.FromString(value).max_count
    ),
    "ConsensusType": _consensus,
    "HashingAlgorithm": lambda value: configuration_pb2.HashingAlgorithm.FromString(value).name,
    "BlockDataHashingStructure": lambda value: (
        configuration_pb2.BlockDataHashingStructure.FromString(value).width
    ),
    "OrdererAddresses": _addresses,
    "Endpoints": _addresses,
    "Consortium": lambda value: configuration_pb2.Consortium.FromString(value).name,
    "AnchorPeers": _anchor_peers,
    "ACLs": _acls,
    "MSP": _msp,
}


def describe_value(name: str, value: bytes) -> Any:
    """A value in plain words; one that this client does not know comes as its fingerprint."""
    try:
        return _VALUES[name](value) if name in _VALUES else fingerprint(value)
    except DecodeError:
        return fingerprint(value)


def describe_group(group: configtx_pb2.ConfigGroup) -> dict[str, Any]:
    """A group with all below it in plain words."""
    mod_policies = {
        name: element.mod_policy
        for elements in (group.values, group.policies)
        for name, element in elements.items()
        if element.mod_policy != _ADMINS
    }
    if group.mod_policy != _ADMINS:
        mod_policies[""] = group.mod_policy
    plain = {
        "values": {name: describe_value(name, group.values[name].value) for name in sorted(group.values)},
        "policies": {name: policy_to_text(group.policies[name].policy) for name in sorted(group.policies)},
        "mod_policies": dict(sorted(mod_policies.items())),
        "groups": {name: describe_group(group.groups[name]) for name in sorted(group.groups)},
    }
    return {key: item for key, item in plain.items() if item}
