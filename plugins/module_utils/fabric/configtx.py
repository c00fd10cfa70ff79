"""The configuration tree of a channel, built from its definition and its members' public certificates.

Equal in content to what configtxgen makes of a ``configtx.yaml`` with the policies of fabric-samples. Source:
hyperledger/fabric ``internal/configtxgen/encoder/encoder.go`` and ``msp/configbuilder.go``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
    RaftOptions,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_policies import policy_from_text
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError

with suppress(ImportError):  # the module says which package is missing
    from cryptography import x509
    from fabric_protos.common import configtx_pb2, configuration_pb2
    from fabric_protos.msp import msp_config_pb2
    from fabric_protos.orderer import configuration_pb2 as orderer_configuration_pb2
    from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2
    from fabric_protos.peer import configuration_pb2 as peer_configuration_pb2

ADMINS = "Admins"
NODE_OUS = ("client", "peer", "admin", "orderer")

CHANNEL_POLICIES = {"Readers": "ANY Readers", "Writers": "ANY Writers", "Admins": "MAJORITY Admins"}
ORDERER_POLICIES = {**CHANNEL_POLICIES, "BlockValidation": "ANY Writers"}
APPLICATION_POLICIES = {
    **CHANNEL_POLICIES,
    "LifecycleEndorsement": "MAJORITY Endorsement",
    "Endorsement": "MAJORITY Endorsement",
}
ORDERER_ORGANIZATION_POLICIES = {
    "Readers": "OR('{0}.member')",
    "Writers": "OR('{0}.member')",
    "Admins": "OR('{0}.admin')",
}
APPLICATION_ORGANIZATION_POLICIES = {
    "Readers": "OR('{0}.admin', '{0}.peer', '{0}.client')",
    "Writers": "OR('{0}.admin', '{0}.client')",
    "Admins": "OR('{0}.admin')",
    "Endorsement": "OR('{0}.peer')",
}

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Member:
    """An organisation of the channel, with nothing but public facts.

    :param name: its group in the configuration, ``Org1``
    :param msp_id: ``Org1MSP``
    :param ca_cert: PEM of its enrolment CA; a bundle may hold several roots, and intermediates
    :param tls_ca_cert: the same for TLS
    :param addresses: ``host:port`` of its anchor peers, or of its orderers, as other nodes reach them
    """

    name: str
    msp_id: str
    ca_cert: str
    tls_ca_cert: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Consenter:
    """An orderer that takes part in Raft: ``address`` is ``host:port``, the certificates are PEM."""

    address: str
    client_tls_cert: str
    server_tls_cert: str


@dataclass(frozen=True)
class Members:
    """Everybody in the channel."""

    application: tuple[Member, ...]
    orderer: tuple[Member, ...]
    consenters: tuple[Consenter, ...]


def split_address(address: str) -> tuple[str, int]:
    """``"host:7050"`` as host and port. Raises FabricError when it has no port."""
    host, _unused, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise FabricError(
            f"{address!r} is not host:port", next_step="correct the node's endpoint in the model"
        )
    return host.strip("[]"), int(port)


def split_bundle(pem: str, where: str) -> tuple[list[bytes], list[bytes]]:
    """Roots and intermediates of a PEM bundle, each one raw PEM block. Raises FabricError without a root."""
    roots: list[bytes] = []
    intermediates: list[bytes] = []
    for block in _PEM.findall(pem):
        raw = block.encode() + b"\n"
        try:
            certificate = x509.load_pem_x509_certificate(raw)
        except ValueError as error:
            raise FabricError("a CA certificate is not readable as PEM", where) from error
        (roots if certificate.issuer == certificate.subject else intermediates).append(raw)
    if not roots:
        raise FabricError("there is no root CA certificate", where, "enrol the organisation's CA again")
    return roots, intermediates


def msp_config(member: Member) -> msp_config_pb2.MSPConfig:
    """An organisation's verifying MSP with NodeOUs for client, peer, admin and orderer."""
    roots, intermediates = split_bundle(member.ca_cert, f"ca_cert of {member.name}")
    tls_roots, tls_intermediates = split_bundle(member.tls_ca_cert, f"tls_ca_cert of {member.name}")
    units = {
        f"{unit}_ou_identifier": msp_config_pb2.FabricOUIdentifier(organizational_unit_identifier=unit)
        for unit in NODE_OUS
    }
    config = msp_config_pb2.FabricMSPConfig(
        name=member.msp_id,
        root_certs=roots,
        intermediate_certs=intermediates,
        tls_root_certs=tls_roots,
        tls_intermediate_certs=tls_intermediates,
        crypto_config=msp_config_pb2.FabricCryptoConfig(
            signature_hash_family="SHA2", identity_identifier_hash_function="SHA256"
        ),
        fabric_node_ous=msp_config_pb2.FabricNodeOUs(enable=True, **units),
    )
    return msp_config_pb2.MSPConfig(type=0, config=config.SerializeToString(deterministic=True))


def raft_metadata(consenters: Sequence[Consenter], options: RaftOptions) -> etcdraft_pb2.ConfigMetadata:
    """etcdraft's part of the ConsensusType value."""
    return etcdraft_pb2.ConfigMetadata(
        consenters=[consenter_message(consenter) for consenter in consenters],
        options=etcdraft_pb2.Options(
            tick_interval=options.tick_interval,
            election_tick=options.election_tick,
            heartbeat_tick=options.heartbeat_tick,
            max_inflight_blocks=options.max_inflight_blocks,
            snapshot_interval_size=options.snapshot_interval_size,
        ),
    )


def consenter_message(consenter: Consenter) -> etcdraft_pb2.Consenter:
    host, port = split_address(consenter.address)
    return etcdraft_pb2.Consenter(
        host=host,
        port=port,
        client_tls_cert=consenter.client_tls_cert.encode(),
        server_tls_cert=consenter.server_tls_cert.encode(),
    )


def config_value(message: Any, mod_policy: str = ADMINS) -> configtx_pb2.ConfigValue:
    return configtx_pb2.ConfigValue(
        value=message.SerializeToString(deterministic=True), mod_policy=mod_policy
    )


def _group(
    policies: Mapping[str, str],
    overrides: Mapping[str, str],
    values: Mapping[str, Any],
    groups: Mapping[str, configtx_pb2.ConfigGroup] | None = None,
) -> configtx_pb2.ConfigGroup:
    group = configtx_pb2.ConfigGroup(mod_policy=ADMINS)
    for name, text in {**policies, **overrides}.items():
        group.policies[name].CopyFrom(
            configtx_pb2.ConfigPolicy(policy=policy_from_text(text), mod_policy=ADMINS)
        )
    for name, message in values.items():
        group.values[name].CopyFrom(config_value(message))
    for name, child in (groups or {}).items():
        group.groups[name].CopyFrom(child)
    return group


def _capabilities(name: str) -> configuration_pb2.Capabilities:
    message = configuration_pb2.Capabilities()
    message.capabilities[name].SetInParent()
    return message


def _organization_group(
    member: Member, policies: Mapping[str, str], overrides: Mapping[str, str], values: Mapping[str, Any]
) -> configtx_pb2.ConfigGroup:
    own = {name: text.format(member.msp_id) for name, text in policies.items()}
    return _group(own, overrides, {"MSP": msp_config(member), **values})


def _application_group(definition: ChannelDefinition, members: Members) -> configtx_pb2.ConfigGroup:
    overrides = definition.policies.get("organizations", {})
    groups = {}
    for member in members.application:
        values = {}
        if member.addresses:
            anchors = [split_address(address) for address in member.addresses]
            values["AnchorPeers"] = peer_configuration_pb2.AnchorPeers(
                anchor_peers=[
                    peer_configuration_pb2.AnchorPeer(host=host, port=port) for host, port in anchors
                ]
            )
        groups[member.name] = _organization_group(
            member, APPLICATION_ORGANIZATION_POLICIES, overrides.get(member.name, {}), values
        )
    values = {"Capabilities": _capabilities(definition.capabilities["application"])}
    if definition.acls:
        acls = {
            name: peer_configuration_pb2.APIResource(policy_ref=reference)
            for name, reference in definition.acls.items()
        }
        values["ACLs"] = peer_configuration_pb2.ACLs(acls=acls)
    return _group(APPLICATION_POLICIES, definition.policies.get("application", {}), values, groups)


def _orderer_group(definition: ChannelDefinition, members: Members) -> configtx_pb2.ConfigGroup:
    overrides = definition.policies.get("organizations", {})
    groups = {}
    for member in members.orderer:
        values = {}
        if member.addresses:
            values["Endpoints"] = configuration_pb2.OrdererAddresses(addresses=member.addresses)
        groups[member.name] = _organization_group(
            member, ORDERER_ORGANIZATION_POLICIES, overrides.get(member.name, {}), values
        )
    metadata = raft_metadata(members.consenters, definition.raft)
    values = {
        "BatchSize": orderer_configuration_pb2.BatchSize(
            max_message_count=definition.batch_max_messages,
            absolute_max_bytes=definition.batch_absolute_max_bytes,
            preferred_max_bytes=definition.batch_preferred_max_bytes,
        ),
        "BatchTimeout": orderer_configuration_pb2.BatchTimeout(timeout=definition.batch_timeout),
        "ChannelRestrictions": orderer_configuration_pb2.ChannelRestrictions(),
        "Capabilities": _capabilities(definition.capabilities["orderer"]),
        "ConsensusType": orderer_configuration_pb2.ConsensusType(
            type="etcdraft", metadata=metadata.SerializeToString(deterministic=True)
        ),
    }
    return _group(ORDERER_POLICIES, definition.policies.get("orderer", {}), values, groups)


def channel_group(definition: ChannelDefinition, members: Members) -> configtx_pb2.ConfigGroup:
    """The whole tree, root ``/Channel``; orderer endpoints stand with their organisations only.

    Raises FabricError for certificates, addresses or policies that are not readable.
    """
    values = {
        "HashingAlgorithm": configuration_pb2.HashingAlgorithm(name="SHA256"),
        "BlockDataHashingStructure": configuration_pb2.BlockDataHashingStructure(width=2**32 - 1),
        "Capabilities": _capabilities(definition.capabilities["channel"]),
    }
    groups = {
        "Orderer": _orderer_group(definition, members),
        "Application": _application_group(definition, members),
    }
    return _group(CHANNEL_POLICIES, definition.policies.get("channel", {}), values, groups)
