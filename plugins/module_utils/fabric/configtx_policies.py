"""The policies of a channel's configuration, from text to message and back.

Two forms, as in ``configtx.yaml``: ``"MAJORITY Admins"`` (ImplicitMeta) and ``"OR('Org1MSP.admin', ...)"``
(signature policy). Source: hyperledger/fabric ``common/policies/implicitmetaparser.go`` and
``common/policydsl/policyparser.go``.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.policy import (
    Gate,
    Principal,
    canonical,
    parse,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.policy_message import decode

with suppress(ImportError):  # the module says which package is missing
    from fabric_protos.common import policies_pb2
    from fabric_protos.msp import msp_principal_pb2

_IMPLICIT_META = re.compile(r"^(ANY|ALL|MAJORITY) ([A-Za-z0-9._-]+)$")


def policy_from_text(text: str) -> policies_pb2.Policy:
    """A policy of either form. Raises FabricError when it is not readable."""
    match = _IMPLICIT_META.match(text)
    if match is None:
        identities: list[Any] = []
        rule = _encode(parse(text), identities)
        envelope = policies_pb2.SignaturePolicyEnvelope(version=0, rule=rule, identities=identities)
        value = envelope.SerializeToString(deterministic=True)
        return policies_pb2.Policy(type=policies_pb2.Policy.SIGNATURE, value=value)
    number = policies_pb2.ImplicitMetaPolicy.Rule.Value(match[1])
    meta = policies_pb2.ImplicitMetaPolicy(rule=number, sub_policy=match[2])
    return policies_pb2.Policy(type=policies_pb2.Policy.IMPLICIT_META, value=meta.SerializeToString())


def _encode(gate: Gate, identities: list[Any]) -> policies_pb2.SignaturePolicy:
    """Encode a gate into ``identities``, an inner gate's before the outer's, as configtxgen does."""
    rules = {index: _encode(rule, identities) for index, rule in _enumerate(gate, Gate)}
    for index, principal in _enumerate(gate, Principal):
        role = msp_principal_pb2.MSPRole(
            msp_identifier=principal.msp_id,
            role=msp_principal_pb2.MSPRole.MSPRoleType.Value(principal.role.upper()),
        )
        rules[index] = policies_pb2.SignaturePolicy(signed_by=len(identities))
        identities.append(
            msp_principal_pb2.MSPPrincipal(
                principal_classification=msp_principal_pb2.MSPPrincipal.ROLE,
                principal=role.SerializeToString(),
            )
        )
    ordered = [rules[index] for index in sorted(rules)]
    return policies_pb2.SignaturePolicy(
        n_out_of=policies_pb2.SignaturePolicy.NOutOf(n=gate.count, rules=ordered)
    )


def _enumerate(gate: Gate, kind: type) -> list[tuple[int, Any]]:
    return [(index, rule) for index, rule in enumerate(gate.rules) if isinstance(rule, kind)]


def policy_to_text(policy: policies_pb2.Policy) -> str:
    """The inverse of :func:`policy_from_text`; what has no text comes as ``type N sha256:...``."""
    if policy.type == policies_pb2.Policy.SIGNATURE:
        try:
            return str(decode(policies_pb2.SignaturePolicyEnvelope.FromString(policy.value)))
        except FabricError:
            pass
    elif policy.type == policies_pb2.Policy.IMPLICIT_META:
        meta = policies_pb2.ImplicitMetaPolicy.FromString(policy.value)
        return f"{policies_pb2.ImplicitMetaPolicy.Rule.Name(meta.rule)} {meta.sub_policy}"
    return f"type {policy.type} sha256:{hashlib.sha256(policy.value).hexdigest()}"


def same_policy(one: policies_pb2.Policy, other: policies_pb2.Policy) -> bool:
    """Whether two policies ask for the same, however they are written."""
    first, second = policy_to_text(one), policy_to_text(other)
    if one.type == other.type == policies_pb2.Policy.SIGNATURE and "sha256:" not in first + second:
        return canonical(first) == canonical(second)
    return first == second
