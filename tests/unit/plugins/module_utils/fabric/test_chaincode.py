"""What has to happen to a chaincode: sequences, packages and plans, with the network as plain data."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.chaincode import (
    Actual,
    Plan,
    Wanted,
    ccaas_packages,
    plan,
    select_peers,
    target,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.definition import Definition
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.lifecycle import Approval
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology

NAMES = ["Org1", "Org2"]
DEFINITION = Definition.desired("assets", "1.0", "AND('Org1MSP.peer', 'Org2MSP.peer')")


class Store:
    """Each organisation's public certificates; nothing else may be asked for."""

    def read(self, path: str) -> dict[str, str] | None:
        assert path.endswith("/msp"), f"{path} is not public"
        return {"ca_cert": f"CA of {path}", "tls_ca_cert": f"TLS CA of {path}"}


def topology() -> Topology:
    def node(name: str, organization: str) -> dict[str, str]:
        fields = ("address", "operations_address", "endpoint")
        return {"name": name, "organization": organization, **{field: "127.0.0.1:1" for field in fields}}

    organizations = [
        {"name": name, "msp_id": f"{name}MSP", "mount": name.lower(), "role": "peer"}
        for name in (*NAMES, "Org3")
    ]
    peers = [node(f"peer{index}.{name.lower()}", name) for name in NAMES for index in (0, 1)]
    return Topology.from_option({"organizations": organizations, "orderers": [], "peers": peers}, Store())


def wanted(definition: Definition = DEFINITION, sequence: int | None = None, commit: bool = True) -> Wanted:
    packages = ccaas_packages(topology(), NAMES, "assets_1.0", "assets:9999", tls=True)
    return Wanted("demo", definition, packages, select_peers(topology(), [], NAMES), sequence, commit)


def actual(goal: Wanted, committed: Definition | None, approved: int, installed: bool = True) -> Actual:
    """The network after ``approved`` organisations approved the target."""
    goal_definition = target(goal, committed)
    approvals = {
        name: Approval(goal_definition, goal.packages[name].package_id) if index < approved else None
        for index, name in enumerate(NAMES)
    }
    have = {peer.name: goal.packages[peer.organization].package_id for peer in goal.peers}
    return Actual(
        goal_definition,
        committed,
        approvals,
        {name: frozenset([have[name]] if installed else ["other:1"]) for name in have},
    )


def steps(found: Plan) -> tuple[int, tuple[str, ...], bool]:
    return len(found.install), found.approve, found.commit


def test_an_empty_network_needs_everything() -> None:
    goal = wanted()
    found = plan(goal, actual(goal, None, 0, installed=False))
    assert steps(found) == (4, ("Org1", "Org2"), True)
    ids = {name: goal.packages[name].package_id for name in NAMES}
    assert found.lines() == [
        f"install {ids['Org1']} on peer0.org1",
        f"install {ids['Org1']} on peer1.org1",
        f"install {ids['Org2']} on peer0.org2",
        f"install {ids['Org2']} on peer1.org2",
        f"approve assets 1.0 at sequence 1 for Org1 with {ids['Org1']}",
        f"approve assets 1.0 at sequence 1 for Org2 with {ids['Org2']}",
        "commit assets 1.0 at sequence 1 on channel demo",
    ]
    assert found.before["definition"] is None and found.after["definition"]["sequence"] == 1


def test_a_finished_network_needs_nothing() -> None:
    goal = wanted()
    found = plan(goal, actual(goal, DEFINITION.at(1), 2))
    assert not found.changed and found.lines() == [] and found.before == found.after


@pytest.mark.parametrize(
    ("committed", "approved", "installed", "expected"),
    [
        (None, 1, True, (0, ("Org2",), True)),
        (None, 2, True, (0, (), True)),
        (DEFINITION.at(4), 2, False, (4, (), False)),
        (DEFINITION.at(4), 1, True, (0, ("Org2",), False)),
    ],
)
def test_only_what_is_missing(
    committed: Definition | None, approved: int, installed: bool, expected: tuple[int, tuple[str, ...], bool]
) -> None:
    """An interrupted run is picked up where it stopped."""
    goal = wanted()
    assert steps(plan(goal, actual(goal, committed, approved, installed))) == expected


def test_another_package_is_approved_again_and_not_committed_again() -> None:
    goal = wanted()
    now = actual(goal, DEFINITION.at(1), 2)
    now = replace(now, approvals={**now.approvals, "Org1": Approval(DEFINITION.at(1), "assets_0.9:1")})
    assert steps(plan(goal, now)) == (0, ("Org1",), False)


def test_an_approval_of_other_parameters_does_not_count() -> None:
    goal = wanted()
    other = Approval(Definition.desired("assets", "1.0").at(1), goal.packages["Org1"].package_id)
    now = actual(goal, None, 2)
    assert plan(goal, replace(now, approvals={**now.approvals, "Org1": other})).approve == ("Org1",)


def test_approving_only() -> None:
    goal = wanted(commit=False)
    found = plan(goal, actual(goal, None, 0))
    assert steps(found) == (0, ("Org1", "Org2"), False)
    assert found.after["definition"] is None


@pytest.mark.parametrize(
    ("committed", "insisted", "expected"),
    [
        (None, None, 1),
        (None, 1, 1),
        (DEFINITION.at(3), None, 3),
        (DEFINITION.at(3), 3, 3),
        (DEFINITION.at(3), 4, 4),
        (Definition.desired("assets", "0.9").at(3), None, 4),
        (Definition.desired("assets", "0.9").at(3), 4, 4),
    ],
)
def test_sequences(committed: Definition | None, insisted: int | None, expected: int) -> None:
    found = target(wanted(sequence=insisted), committed)
    assert found.sequence == expected and found.same_parameters(DEFINITION)


@pytest.mark.parametrize(
    ("committed", "insisted"),
    [
        (None, 2),
        (DEFINITION.at(3), 2),
        (DEFINITION.at(3), 5),
        (Definition.desired("assets", "0.9").at(3), 3),
    ],
)
def test_impossible_sequences(committed: Definition | None, insisted: int) -> None:
    with pytest.raises(FabricError, match=f"cannot have sequence {insisted}"):
        target(wanted(sequence=insisted), committed)


def test_insisting_on_a_further_sequence_commits_again() -> None:
    goal = wanted(sequence=4)
    found = plan(goal, actual(goal, DEFINITION.at(3), 0))
    assert found.commit and found.target.sequence == 4


def test_with_tls_each_organisation_has_its_own_package() -> None:
    own = ccaas_packages(topology(), NAMES, "a", "a:1", tls=True)
    assert own["Org1"].package_id != own["Org2"].package_id
    for options in (
        {"tls": False},
        {"tls": True, "root_cert_pem": "CA"},
        {"tls": False, "root_cert_pem": "CA"},
    ):
        shared = ccaas_packages(topology(), NAMES, "a", "a:1", **options)
        assert shared["Org1"] == shared["Org2"]


def test_wrong_peers_and_organisations_are_told_at_once() -> None:
    with pytest.raises(FabricError) as caught:
        select_peers(topology(), ["peer9.org1", "peer0.org2"], ["Org1", "Org4"])
    for part in (
        "no peer peer9.org1",
        "no organisation Org4",
        "peer0.org2 belongs to Org2",
        "Org1 has no peer",
    ):
        assert part in caught.value.what
    with pytest.raises(FabricError, match="Org3 has no peer"):
        select_peers(topology(), [], ["Org3"])
