"""Merging the model into the configuration that is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx import (
    Consenter,
    channel_group,
    config_value,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_merge import (
    changes_between,
    consenter_addresses,
    plan_steps,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_policies import policy_from_text
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.channel_samples import (
    Sample,
    make_sample,
)
from fabric_protos.common import configtx_pb2, configuration_pb2
from fabric_protos.msp import msp_config_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_configuration_pb2
from fabric_protos.peer import configuration_pb2 as peer_configuration_pb2


@pytest.fixture(scope="module")
def sample() -> Sample:
    return make_sample(("Org1", "Org2", "Org3"), orderers=4)


def _without(sample: Sample, application: int = 0, consenters: int = 0, **changes: Any) -> Any:
    """The sample's tree without its last organisations and consenters."""
    members = sample.members
    members = replace(
        members,
        application=members.application[: len(members.application) - application],
        consenters=members.consenters[: len(members.consenters) - consenters],
    )
    return channel_group(replace(sample.definition, **changes), members)


def _lines(actual: Any, desired: Any, allow_removal: bool = False) -> list[str]:
    targets = plan_steps(actual, desired, allow_removal).targets
    changes = changes_between(actual, targets[-1]) if targets else []
    return [line for change in changes for line in change.lines]


def _foreign_policy(root: Any) -> None:
    root.policies["Auditors"].policy.CopyFrom(policy_from_text("ANY Readers"))


def _foreign_value(root: Any) -> None:
    root.groups["Application"].values["Unknown"].value = b"\x01\x02"


def _foreign_group(root: Any) -> None:
    root.groups["Consortiums"].mod_policy = "Admins"


def _acls(root: Any) -> None:
    acls = peer_configuration_pb2.ACLs()
    acls.acls["event/Block"].policy_ref = "Writers"
    root.groups["Application"].values["ACLs"].CopyFrom(config_value(acls))


def _mod_policy(root: Any) -> None:
    root.groups["Orderer"].values["BatchSize"].mod_policy = "/Channel/Admins"


def _history(root: Any) -> None:
    root.version = 3
    root.groups["Orderer"].values["BatchSize"].version = 7


def _timeout_in_other_words(root: Any) -> None:
    timeout = orderer_configuration_pb2.BatchTimeout(timeout="0.5s")
    root.groups["Orderer"].values["BatchTimeout"].value = timeout.SerializeToString()


def _endpoints_in_other_order(root: Any) -> None:
    element = root.groups["Orderer"].groups["OrdererOrg"].values["Endpoints"]
    addresses = configuration_pb2.OrdererAddresses.FromString(element.value).addresses
    element.value = configuration_pb2.OrdererAddresses(addresses=addresses[::-1]).SerializeToString()


def _edit_msp(root: Any, edit: Callable[[Any], None]) -> None:
    element = root.groups["Application"].groups["Org1"].values["MSP"]
    outer = msp_config_pb2.MSPConfig.FromString(element.value)
    config = msp_config_pb2.FabricMSPConfig.FromString(outer.config)
    edit(config)
    outer.config = config.SerializeToString()
    element.value = outer.SerializeToString()


def _revocation_list(root: Any) -> None:
    _edit_msp(root, lambda config: config.revocation_list.append(b"crl"))


def _unit_certificates(root: Any) -> None:
    def edit(config: Any) -> None:
        config.fabric_node_ous.peer_ou_identifier.certificate = config.root_certs[0]

    _edit_msp(root, edit)


def _maintenance(root: Any) -> None:
    element = root.groups["Orderer"].values["ConsensusType"]
    message = orderer_configuration_pb2.ConsensusType.FromString(element.value)
    message.state = orderer_configuration_pb2.ConsensusType.STATE_MAINTENANCE
    element.value = message.SerializeToString()


@pytest.mark.parametrize(
    "edit",
    [
        _foreign_policy, _foreign_value, _foreign_group, _acls, _mod_policy, _history,
        _timeout_in_other_words, _endpoints_in_other_order, _revocation_list, _unit_certificates,
        _maintenance,
    ],
    ids=lambda edit: edit.__name__.strip("_"),
)  # fmt: skip
def test_what_the_model_does_not_speak_about_is_kept(edit: Callable[[Any], None], sample: Sample) -> None:
    actual = sample.group()
    edit(actual)
    steps = plan_steps(actual, sample.group(), allow_removal=True)
    assert steps.targets == ()
    assert steps.kept == ()


def test_a_kept_part_survives_a_change_beside_it(sample: Sample) -> None:
    """A new root certificate in an MSP that has a revocation list and an extra admin."""
    actual = sample.group()
    _edit_msp(actual, lambda config: config.revocation_list.append(b"crl"))
    other = make_sample(("Org1",)).members.application[0].ca_cert
    members = replace(
        sample.members,
        application=(replace(sample.members.application[0], ca_cert=other), *sample.members.application[1:]),
    )
    target = plan_steps(actual, channel_group(sample.definition, members), False).targets[0]
    outer = msp_config_pb2.MSPConfig.FromString(
        target.groups["Application"].groups["Org1"].values["MSP"].value
    )
    config = msp_config_pb2.FabricMSPConfig.FromString(outer.config)
    assert list(config.revocation_list) == [b"crl"]
    assert [cert.decode() for cert in config.root_certs] == [other]


def test_versions_are_those_of_the_present(sample: Sample) -> None:
    actual = sample.group()
    _history(actual)
    target = plan_steps(actual, sample.group(batch_max_messages=9), False).targets[0]
    assert target.version == 3
    assert target.groups["Orderer"].values["BatchSize"].version == 7


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"batch_timeout": "2s"}, ["~ /Channel/Orderer/BatchTimeout: 500ms -> 2s"]),
        ({"batch_max_messages": 9}, ["~ /Channel/Orderer/BatchSize/max_message_count: 500 -> 9"]),
        (
            {"raft": {"election_tick": 20}},
            ["~ /Channel/Orderer/ConsensusType/options/election_tick: 10 -> 20"],
        ),
        (
            {"policies": {"application": {"Endorsement": "ANY Endorsement"}}},
            ["~ /Channel/Application/Endorsement: MAJORITY Endorsement -> ANY Endorsement"],
        ),
        (
            {"policies": {"channel": {"Auditors": "ANY Readers"}}},
            ["+ /Channel/Auditors: ANY Readers"],
        ),
        (
            {"policies": {"organizations": {"Org2": {"Admins": "OR('Org2MSP.client')"}}}},
            ["~ /Channel/Application/Org2/Admins: OR('Org2MSP.admin') -> OR('Org2MSP.client')"],
        ),
        (
            {"capabilities": {"channel": "V3_0"}},
            ["- /Channel/Capabilities: V2_0", "+ /Channel/Capabilities: V3_0"],
        ),
        ({"acls": {"a": "Writers"}}, ["+ /Channel/Application/ACLs"]),
    ],
)
def test_lines(changes: dict[str, Any], lines: list[str], sample: Sample) -> None:
    assert _lines(sample.group(), sample.group(**changes)) == lines


def test_lower_capabilities_are_refused(sample: Sample) -> None:
    with pytest.raises(FabricError, match="V2_5, the model asks for V2_0"):
        plan_steps(sample.group(), sample.group(capabilities={"application": "V2_0"}), False)


def test_another_consensus_is_refused(sample: Sample) -> None:
    actual = sample.group()
    element = actual.groups["Orderer"].values["ConsensusType"]
    element.value = orderer_configuration_pb2.ConsensusType(type="BFT").SerializeToString()
    with pytest.raises(FabricError, match="is BFT, the model asks for etcdraft"):
        plan_steps(actual, sample.group(), False)


def test_an_organization_comes(sample: Sample) -> None:
    actual, desired = _without(sample, application=1), sample.group()
    assert _lines(actual, desired) == ["+ /Channel/Application/Org3"]


def test_an_organization_leaves_only_when_allowed(sample: Sample) -> None:
    actual, desired = sample.group(), _without(sample, application=2)
    steps = plan_steps(actual, desired, allow_removal=False)
    assert steps.targets == ()
    assert steps.kept == ("Application/Org2", "Application/Org3")
    steps = plan_steps(actual, desired, allow_removal=True)
    assert len(steps.targets) == 1
    assert steps.kept == ()
    assert _lines(actual, desired, True) == ["- /Channel/Application/Org2", "- /Channel/Application/Org3"]


def test_consenters_come_one_at_a_time(sample: Sample) -> None:
    actual, desired = _without(sample, consenters=3), sample.group(batch_max_messages=9)
    steps = plan_steps(actual, desired, False)
    addresses = [consenter.address for consenter in sample.members.consenters]
    found = [consenter_addresses(target) for target in steps.targets]
    assert found == [addresses[:1], addresses[:2], addresses[:3], addresses]


def test_consenters_leave_one_at_a_time_after_newcomers(sample: Sample) -> None:
    desired = channel_group(
        sample.definition, replace(sample.members, consenters=sample.members.consenters[2:])
    )
    actual = _without(sample, consenters=1)
    zero, one, two, three = (consenter.address for consenter in sample.members.consenters)
    steps = plan_steps(actual, desired, True)
    found = [consenter_addresses(target) for target in steps.targets]
    assert found == [[zero, one, two, three], [one, two, three], [two, three]]
    assert len(plan_steps(actual, desired, False).kept) == 2


def test_an_orderer_organization_leaves_after_its_consenters(sample: Sample) -> None:
    """Fabric refuses a consenter whose TLS CA is not in the channel."""
    other = make_sample(orderers=1)
    name = replace(other.members.orderer[0], name="OtherOrg", addresses=("other:7050",))
    consenter = replace(other.members.consenters[0], address="other:7050")
    both = replace(
        sample.members,
        orderer=(*sample.members.orderer, name),
        consenters=(*sample.members.consenters, consenter),
    )
    steps = plan_steps(channel_group(sample.definition, both), sample.group(), True)
    has_group = ["OtherOrg" in target.groups["Orderer"].groups for target in steps.targets]
    has_consenter = ["other:7050" in consenter_addresses(target) for target in steps.targets]
    assert list(zip(has_group, has_consenter, strict=True)) == [(True, False), (False, False)]


def test_a_renewed_certificate_is_no_change_with_the_same_key(sample: Sample) -> None:
    def with_first(consenter: Consenter) -> Any:
        consenters = (consenter, *sample.members.consenters[1:])
        return channel_group(sample.definition, replace(sample.members, consenters=consenters))

    first = sample.members.consenters[0]
    other = make_sample(orderers=1).members.consenters[0].client_tls_cert
    replaced = with_first(replace(first, client_tls_cert=other, server_tls_cert=other))
    assert len(_lines(sample.group(), replaced)) == 2
    moved = with_first(replace(first, address="elsewhere:7050"))
    steps = plan_steps(sample.group(), moved, False)
    assert len(steps.targets) == 1
    assert consenter_addresses(steps.targets[0])[0] == "elsewhere:7050"


def test_only_one_consenter_gets_another_key(sample: Sample) -> None:
    others = make_sample(orderers=2).members.consenters

    def with_new_keys(count: int) -> Any:
        changed = [
            replace(consenter, client_tls_cert=other.client_tls_cert, server_tls_cert=other.server_tls_cert)
            for consenter, other in zip(sample.members.consenters[:count], others, strict=False)
        ]
        consenters = (*changed, *sample.members.consenters[count:])
        return channel_group(sample.definition, replace(sample.members, consenters=consenters))

    steps = plan_steps(sample.group(), with_new_keys(1), False)
    assert steps.replaced == ("orderer0.orderer.lab:7050",)
    assert len(steps.targets) == 1
    with pytest.raises(FabricError, match="rotate one orderer at a time"):
        plan_steps(sample.group(), with_new_keys(2), False)


def test_a_kept_consenter_stays_reachable(sample: Sample) -> None:
    """Its address remains among the endpoints as long as removal is not allowed."""
    shorter = replace(
        sample.members,
        orderer=(replace(sample.members.orderer[0], addresses=sample.members.orderer[0].addresses[:3]),),
        consenters=sample.members.consenters[:3],
    )
    desired = channel_group(sample.definition, shorter)
    assert plan_steps(sample.group(), desired, False).targets == ()
    assert len(plan_steps(sample.group(), desired, True).targets) == 2


def test_planning_mutates_nothing(sample: Sample) -> None:
    actual, desired = sample.group(), sample.group(batch_max_messages=9)
    before = [item.SerializeToString(deterministic=True) for item in (actual, desired)]
    plan_steps(actual, desired, True)
    changes_between(actual, desired)
    assert [item.SerializeToString(deterministic=True) for item in (actual, desired)] == before


def test_a_new_channel_is_all_additions(sample: Sample) -> None:
    changes = changes_between(configtx_pb2.ConfigGroup(), sample.group())
    assert all(change.before is None for change in changes)
    assert {change.path for change in changes} >= {"/Channel/Application", "/Channel/Orderer"}
