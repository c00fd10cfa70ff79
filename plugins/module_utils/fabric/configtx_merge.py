"""From the configuration that is to the one that shall be, in steps that Fabric accepts.

What the model does not speak about is kept: foreign values, policies, groups, revocation lists, mod_policies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import CAPABILITIES
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_describe import (
    describe_group,
    describe_value,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_policies import (
    policy_to_text,
    same_policy,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.difference import Change
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError

with suppress(ImportError):  # the module says which package is missing
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from fabric_protos.common import configtx_pb2, configuration_pb2
    from fabric_protos.msp import msp_config_pb2
    from fabric_protos.orderer import configuration_pb2 as orderer_configuration_pb2
    from fabric_protos.orderer.etcdraft import configuration_pb2 as etcdraft_pb2

SECTIONS = ("Application", "Orderer")


@dataclass(frozen=True)
class Steps:
    """The way from the present configuration to the wanted one.

    :param targets: the configuration after each update, in order; empty when nothing differs. Fabric takes
        one consenter at a time, and an organisation leaves after its consenters.
    :param kept: members of the channel that the model does not name and that stay, ``["Orderer/Old"]``
    :param replaced: ``host:port`` of the consenter that gets another TLS key, or nothing
    """

    targets: tuple[configtx_pb2.ConfigGroup, ...]
    kept: tuple[str, ...]
    replaced: tuple[str, ...] = ()


def plan_steps(
    actual: configtx_pb2.ConfigGroup, desired: configtx_pb2.ConfigGroup, allow_removal: bool
) -> Steps:
    """Merge ``desired`` into ``actual``.

    :param allow_removal: whether organisations and consenters that ``desired`` does not name leave

    Raises FabricError for what Fabric cannot undo or this client cannot do: lower capabilities, another
    consensus type, more than one consenter with another TLS key.
    """
    base = _copy(actual)
    _merge_group(base, desired, ("Channel",))
    present = _metadata(actual)
    wanted = _metadata(desired)
    consenter_lists, kept_consenters = _consenter_steps(
        list(present.consenters), list(wanted.consenters), allow_removal
    )
    replaced = _replaced(list(present.consenters), list(wanted.consenters))
    _keep_endpoints(base, actual, kept_consenters)
    targets = [base]
    for consenters in consenter_lists:
        target = _copy(targets[-1])
        _set_consenters(target, consenters)
        targets.append(target)
    extra = [
        (section, name)
        for section in SECTIONS
        for name in sorted(set(actual.groups[section].groups) - set(desired.groups[section].groups))
    ]
    kept = [f"{section}/{name}" for section, name in extra] if not allow_removal else []
    kept += [f"consenter {_address(consenter)}" for consenter in kept_consenters]
    if extra and allow_removal:
        target = _copy(targets[-1])
        for section, name in extra:
            del target.groups[section].groups[name]
        targets.append(target)
    return Steps(tuple(_without_idle([actual, *targets])), tuple(kept), replaced)


def _without_idle(states: list[Any]) -> Iterator[Any]:
    for before, after in zip(states, states[1:], strict=False):
        if before != after:
            yield after


def changes_between(
    before: configtx_pb2.ConfigGroup, after: configtx_pb2.ConfigGroup, path: str = "/Channel"
) -> list[Change]:
    """The changes from one tree to another; a group that comes or goes is one change."""
    result = []
    for name in sorted({*before.values, *after.values}):
        old, new = _value(before, name), _value(after, name)
        if old != new:
            result.append(Change(f"{path}/{name}", old, new))
    for name in sorted({*before.policies, *after.policies}):
        old, new = _policy(before, name), _policy(after, name)
        if old != new:
            result.append(Change(f"{path}/{name}", old, new))
    for name in sorted({*before.groups, *after.groups}):
        if name in before.groups and name in after.groups:
            result += changes_between(before.groups[name], after.groups[name], f"{path}/{name}")
            continue
        old, new = (
            describe_group(root.groups[name]) if name in root.groups else None for root in (before, after)
        )
        result.append(Change(f"{path}/{name}", old, new))
    return result


def _value(group: Any, name: str) -> Any:
    return describe_value(name, group.values[name].value) if name in group.values else None


def _policy(group: Any, name: str) -> str | None:
    return policy_to_text(group.policies[name].policy) if name in group.policies else None


def _copy(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def _merge_group(target: Any, desired: Any, path: tuple[str, ...]) -> None:
    for name, element in desired.values.items():
        if name not in target.values:
            target.values[name].CopyFrom(element)
            continue
        value = _merge_value(name, target.values[name].value, element.value, path)
        if describe_value(name, value) != describe_value(name, target.values[name].value):
            target.values[name].value = value
    for name, element in desired.policies.items():
        if name not in target.policies:
            target.policies[name].CopyFrom(element)
        elif not same_policy(target.policies[name].policy, element.policy):
            target.policies[name].policy.CopyFrom(element.policy)
    for name, child in desired.groups.items():
        if name in target.groups:
            _merge_group(target.groups[name], child, (*path, name))
        else:
            target.groups[name].CopyFrom(child)


def _merge_value(name: str, actual: bytes, desired: bytes, path: tuple[str, ...]) -> bytes:
    if name == "MSP":
        return _merge_msp(actual, desired)
    if name == "ConsensusType":
        return _merge_consensus(actual, desired)
    if name == "Capabilities":
        _refuse_lower(actual, desired, path)
    return desired


def _refuse_lower(actual: bytes, desired: bytes, path: tuple[str, ...]) -> None:
    """Blocks that were written under a newer capability may be read otherwise under an older one."""
    known = CAPABILITIES[path[-1].lower()]
    present, wanted = (
        max((known.index(name) for name in message.capabilities if name in known), default=-1)
        for message in (configuration_pb2.Capabilities.FromString(item) for item in (actual, desired))
    )
    if wanted < present:
        raise FabricError(
            f"the capability is {known[present]}, the model asks for {known[wanted]}",
            "/".join(path),
            "raise the capability in the model; capabilities never go down",
        )


def _merge_msp(actual: bytes, desired: bytes) -> bytes:
    old_outer, new_outer = (msp_config_pb2.MSPConfig.FromString(item) for item in (actual, desired))
    old, new = (msp_config_pb2.FabricMSPConfig.FromString(item.config) for item in (old_outer, new_outer))
    for kept in ("admins", "revocation_list", "organizational_unit_identifiers"):
        getattr(new, kept).MergeFrom(getattr(old, kept))
    for kept in ("intermediate_certs", "tls_intermediate_certs"):
        if not getattr(new, kept):
            getattr(new, kept).extend(getattr(old, kept))
    if _unit_names(old.fabric_node_ous) == _unit_names(new.fabric_node_ous):
        new.fabric_node_ous.CopyFrom(old.fabric_node_ous)
    new_outer.config = new.SerializeToString(deterministic=True)
    return bytes(new_outer.SerializeToString(deterministic=True))


def _unit_names(message: Any) -> list[Any]:
    units = ("client", "peer", "admin", "orderer")
    names = [getattr(message, f"{unit}_ou_identifier").organizational_unit_identifier for unit in units]
    return [message.enable, *names]


def _merge_consensus(actual: bytes, desired: bytes) -> bytes:
    """Options from the model; type, maintenance state and consenters as they are."""
    old, new = (orderer_configuration_pb2.ConsensusType.FromString(item) for item in (actual, desired))
    if old.type != new.type:
        raise FabricError(
            f"the channel's consensus type is {old.type}, the model asks for {new.type}",
            "/Channel/Orderer/ConsensusType",
            "migrate the consensus by Fabric's own procedure first",
        )
    metadata = etcdraft_pb2.ConfigMetadata.FromString(old.metadata)
    metadata.options.CopyFrom(etcdraft_pb2.ConfigMetadata.FromString(new.metadata).options)
    old.metadata = metadata.SerializeToString(deterministic=True)
    return bytes(old.SerializeToString(deterministic=True))


def _metadata(root: Any) -> Any:
    value = root.groups["Orderer"].values["ConsensusType"].value
    return etcdraft_pb2.ConfigMetadata.FromString(
        orderer_configuration_pb2.ConsensusType.FromString(value).metadata
    )


def consenter_addresses(root: configtx_pb2.ConfigGroup) -> list[str]:
    """``host:port`` of each consenter."""
    return [_address(consenter) for consenter in _metadata(root).consenters]


def _set_consenters(root: Any, consenters: list[Any]) -> None:
    element = root.groups["Orderer"].values["ConsensusType"]
    message = orderer_configuration_pb2.ConsensusType.FromString(element.value)
    metadata = etcdraft_pb2.ConfigMetadata.FromString(message.metadata)
    del metadata.consenters[:]
    metadata.consenters.extend(consenters)
    message.metadata = metadata.SerializeToString(deterministic=True)
    element.value = message.SerializeToString(deterministic=True)


def _address(consenter: Any) -> str:
    return f"{consenter.host}:{consenter.port}"


def _public_key(pem: bytes) -> bytes:
    try:
        key = x509.load_pem_x509_certificate(pem).public_key()
    except ValueError:
        return pem
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _keys(consenter: Any) -> tuple[bytes, bytes]:
    return _public_key(consenter.client_tls_cert), _public_key(consenter.server_tls_cert)


def _consenter_steps(
    present: list[Any], wanted: list[Any], allow_removal: bool
) -> tuple[list[list[Any]], list[Any]]:
    """The consenter list after each step, and the consenters that stay although nobody wants them.

    Fabric recognises an orderer by its TLS key, so a certificate renewed with the same key is no change.
    Replacements come first, then newcomers, then those who leave: the quorum never shrinks before it grew.
    """
    steps: list[list[Any]] = []
    current = list(present)
    unclaimed = list(range(len(present)))
    new = []
    for consenter in wanted:
        match = _find(current, unclaimed, consenter)
        if match is None:
            new.append(consenter)
            continue
        unclaimed.remove(match)
        same_key = _keys(current[match]) == _keys(consenter)
        if same_key and _address(current[match]) == _address(consenter):
            continue
        current = [*current[:match], consenter, *current[match + 1 :]]
        steps.append(current)
    for consenter in new:
        current = [*current, consenter]
        steps.append(current)
    leaving = [present[index] for index in unclaimed]
    if not allow_removal:
        return steps, leaving
    for consenter in leaving:
        current = [item for item in current if item != consenter]
        steps.append(current)
    return steps, []


def _replaced(present: list[Any], wanted: list[Any]) -> tuple[str, ...]:
    """Who gets another key. Each has to be restarted before the next, or the channel loses its quorum."""
    keys = {_address(consenter): _keys(consenter) for consenter in present}
    result = tuple(
        _address(consenter)
        for consenter in wanted
        if keys.get(_address(consenter), _keys(consenter)) != _keys(consenter)
    )
    if len(result) > 1:
        raise FabricError(
            f"the orderers {', '.join(result)} have other TLS keys than the channel",
            "/Channel/Orderer/ConsensusType",
            "rotate one orderer at a time: update the channel, restart that orderer, then the next",
        )
    return result


def _find(current: list[Any], unclaimed: list[int], consenter: Any) -> int | None:
    for same in (_address, _keys):
        for index in unclaimed:
            if same(current[index]) == same(consenter):
                return index
    return None


def _keep_endpoints(base: Any, actual: Any, kept: list[Any]) -> None:
    """An orderer that stays stays reachable: its address remains among its organisation's endpoints."""
    addresses = {_address(consenter) for consenter in kept}
    for name, group in base.groups["Orderer"].groups.items():
        before = actual.groups["Orderer"].groups.get(name)
        if before is None or "Endpoints" not in before.values:
            continue
        message = configuration_pb2.OrdererAddresses.FromString(group.values["Endpoints"].value)
        old = configuration_pb2.OrdererAddresses.FromString(before.values["Endpoints"].value).addresses
        missing = [address for address in old if address in addresses and address not in message.addresses]
        if missing:
            message.addresses.extend(missing)
            value = message.SerializeToString(deterministic=True)
            same = describe_value("Endpoints", value) == describe_value(
                "Endpoints", before.values["Endpoints"].value
            )
            group.values["Endpoints"].value = before.values["Endpoints"].value if same else value
