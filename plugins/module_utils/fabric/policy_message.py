"""Endorsement policies as the messages that Fabric stores, from their text and back to it.

Source of the encoding: hyperledger/fabric ``common/policydsl/policyparser.go``.
"""

from __future__ import annotations

from contextlib import suppress

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.policy import (
    DEFAULT_ENDORSEMENT,
    Gate,
    Principal,
    Rule,
    parse,
)

with suppress(ImportError):  # the module says which package is missing
    from fabric_protos.common import policies_pb2
    from fabric_protos.msp import msp_principal_pb2
    from fabric_protos.peer import policy_pb2


def signature_policy(text: str) -> policies_pb2.SignaturePolicyEnvelope:
    """Encode a signature policy, byte by byte as Fabric's own tools do: organisations may use either."""
    envelope = policies_pb2.SignaturePolicyEnvelope(version=0)
    envelope.rule.CopyFrom(_encode_gate(parse(text), envelope))
    return envelope


def _encode_gate(gate: Gate, envelope: policies_pb2.SignaturePolicyEnvelope) -> policies_pb2.SignaturePolicy:
    # Fabric evaluates inner gates first, so their principals come first, and lists one for each mention.
    gates = {
        index: _encode_gate(rule, envelope) for index, rule in enumerate(gate.rules) if isinstance(rule, Gate)
    }
    rules = [
        gates[index] if isinstance(rule, Gate) else _encode_principal(rule, envelope)
        for index, rule in enumerate(gate.rules)
    ]
    return policies_pb2.SignaturePolicy(
        n_out_of=policies_pb2.SignaturePolicy.NOutOf(n=gate.count, rules=rules)
    )


def _encode_principal(
    principal: Principal, envelope: policies_pb2.SignaturePolicyEnvelope
) -> policies_pb2.SignaturePolicy:
    role = msp_principal_pb2.MSPRole(msp_identifier=principal.msp_id, role=principal.role.upper())
    envelope.identities.add(
        principal_classification=msp_principal_pb2.MSPPrincipal.ROLE, principal=role.SerializeToString()
    )
    return policies_pb2.SignaturePolicy(signed_by=len(envelope.identities) - 1)


def decode(envelope: policies_pb2.SignaturePolicyEnvelope) -> Rule:
    """Read a policy that Fabric stores. Raises FabricError for principals that are not roles."""
    return _decode(envelope.rule, [_principal(item) for item in envelope.identities])


def _decode(rule: policies_pb2.SignaturePolicy, principals: list[Principal]) -> Rule:
    if rule.WhichOneof("Type") == "signed_by":
        signed_by: int = rule.signed_by
        return principals[signed_by]
    return Gate(rule.n_out_of.n, tuple(_decode(inner, principals) for inner in rule.n_out_of.rules))


def _principal(item: msp_principal_pb2.MSPPrincipal) -> Principal:
    if item.principal_classification != msp_principal_pb2.MSPPrincipal.ROLE:
        raise FabricError("a stored policy names an identity or a unit, this client reads only roles")
    role = msp_principal_pb2.MSPRole.FromString(item.principal)
    return Principal(role.msp_identifier, msp_principal_pb2.MSPRole.MSPRoleType.Name(role.role).lower())


def application_policy(text: str) -> policy_pb2.ApplicationPolicy:
    """Encode what an operator writes; empty text is the channel's default endorsement policy."""
    text = text.strip() or DEFAULT_ENDORSEMENT
    if text.startswith("/"):
        return policy_pb2.ApplicationPolicy(channel_config_policy_reference=text)
    return policy_pb2.ApplicationPolicy(signature_policy=signature_policy(text))


def application_policy_text(policy: policy_pb2.ApplicationPolicy) -> str:
    """The text of a stored policy, as :func:`application_policy` reads it back."""
    if policy.WhichOneof("Type") == "signature_policy":
        return str(decode(policy.signature_policy))
    return str(policy.channel_config_policy_reference)
