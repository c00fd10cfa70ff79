"""Planning a channel with stand-ins for its nodes. Against a real network in tests/live/test_channel.py."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import channel as library
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import deliver
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel import (
    apply_channel,
    channel_members,
    plan_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel_state import (
    ChannelNodes,
    ChannelState,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx import channel_group
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_merge import consenter_addresses
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.genesis import genesis_block
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import ChannelStatus
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.planned import Planned
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.waiting import Deadline
from ansible_collections.selvedge.fabric.tests.live.pki import Authority, MemoryStore, TestOrganization
from fabric_protos.common import common_pb2, configtx_pb2

ORDERERS = ["orderer0.ord.lab", "orderer1.ord.lab"]
PEERS = ["peer0.org1.lab", "peer1.org1.lab"]
OPTION = {
    "organizations": ["Org1"],
    "orderer_organizations": ["Ord"],
    "orderers": ORDERERS,
    "peers": PEERS,
}
ACTIVE = ChannelStatus("demo", "consenter", "active", 1)


def _node(name: str, organization: str, **more: Any) -> dict[str, Any]:
    addresses = {"address": "127.0.0.1:1", "operations_address": "127.0.0.1:2", "endpoint": f"{name}:7000"}
    return {"name": name, "organization": organization, **addresses, **more}


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="module")
def topology(store: MemoryStore) -> Topology:
    organizations = [
        TestOrganization("Ord", "ord.lab", "orderer", store),
        TestOrganization("Org1", "org1.lab", "peer", store),
    ]
    for name in ORDERERS:
        organizations[0].enrol(f"nodes/{name}", "orderer", name)
    option = {
        "organizations": [org.option() for org in organizations],
        "orderers": [_node(name, "Ord", admin_address="127.0.0.1:3") for name in ORDERERS],
        "peers": [_node(name, "Org1", anchor=name == PEERS[0]) for name in PEERS],
    }
    return Topology.from_option(option, store)


@pytest.fixture(scope="module")
def definition() -> ChannelDefinition:
    return ChannelDefinition.from_option("demo", OPTION)


def _nodes_say(monkeypatch: pytest.MonkeyPatch, state: ChannelState) -> None:
    monkeypatch.setattr(ChannelNodes, "state", lambda *_unused: state)


def _existing(topology: Topology, definition: ChannelDefinition) -> ChannelState:
    block = genesis_block("demo", channel_group(definition, channel_members(topology, definition)))
    return ChannelState(dict.fromkeys(ORDERERS, ACTIVE), dict.fromkeys(PEERS, True), block)


NOTHING = ChannelState(dict.fromkeys(ORDERERS), dict.fromkeys(PEERS, False), None)


def test_members_come_from_the_topology(topology: Topology, definition: ChannelDefinition) -> None:
    members = channel_members(topology, definition)
    assert [member.msp_id for member in members.application] == ["Org1MSP"]
    assert members.application[0].addresses == ("peer0.org1.lab:7000",)
    assert members.orderer[0].addresses == tuple(f"{name}:7000" for name in ORDERERS)
    assert [consenter.address for consenter in members.consenters] == [f"{name}:7000" for name in ORDERERS]


def test_members_hold_no_key(topology: Topology, definition: ChannelDefinition) -> None:
    assert "PRIVATE" not in repr(channel_members(topology, definition))


def test_wrong_members_all_at_once(topology: Topology) -> None:
    option = {
        "organizations": ["Org9"],
        "orderer_organizations": ["Ord"],
        "orderers": ["orderer9"],
        "peers": ["peer9", PEERS[0]],
    }
    with pytest.raises(FabricError) as caught:
        channel_members(topology, ChannelDefinition.from_option("demo", option))
    for expected in ("Org9 is no organisation", "orderer9 is no node", "peer9 is no node", "belongs to Org1"):
        assert expected in str(caught.value)


def test_plan_of_a_new_channel(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    _nodes_say(monkeypatch, NOTHING)
    plan = plan_channel(topology, definition)
    assert plan.creates
    assert plan.join_orderers == tuple(ORDERERS)
    assert plan.join_peers == tuple(PEERS)
    assert "+ /Channel/Application" in plan.difference.lines
    assert plan.difference.diff()["before"] == {}


def test_plan_of_a_finished_channel_is_empty(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    _nodes_say(monkeypatch, _existing(topology, definition))
    plan = plan_channel(topology, definition)
    assert not plan.changed
    monkeypatch.setattr(library, "_Run", None)
    assert apply_channel(topology, plan) is plan.state


def test_plan_of_a_half_finished_channel(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was killed after the first orderer had joined goes on from there."""
    state = _existing(topology, definition)
    state = replace(
        state, orderers={ORDERERS[0]: ACTIVE, ORDERERS[1]: None}, peers=dict.fromkeys(PEERS, False)
    )
    _nodes_say(monkeypatch, state)
    plan = plan_channel(topology, definition)
    assert not plan.creates
    assert plan.targets == ()
    assert plan.difference.lines == [
        "+ orderers/orderer1.ord.lab: joined",
        "+ peers/peer0.org1.lab: joined",
        "+ peers/peer1.org1.lab: joined",
    ]


def test_peers_without_orderers_are_refused(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lost orderers must not end in a second channel of the same name."""
    _nodes_say(monkeypatch, replace(NOTHING, peers={PEERS[0]: True, PEERS[1]: False}))
    with pytest.raises(FabricError, match=r"is on peer0\.org1\.lab, but no orderer has it"):
        plan_channel(topology, definition)


def test_a_plan_shows_no_secret(
    topology: Topology, store: MemoryStore, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    _nodes_say(monkeypatch, NOTHING)
    plan = plan_channel(topology, definition)
    text = repr(plan) + str(plan.difference.diff()) + "\n".join(plan.difference.lines)
    assert "PRIVATE" not in text
    for secret in store.secrets.values():
        for key in ("sign_key", "tls_key"):
            if key in secret:
                assert secret[key].splitlines()[1] not in text


class _Orderers:
    """Stand-ins for the orderers in one update: what Broadcast answers, and when the block comes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, state: ChannelState, answers: list[Any]) -> None:
        self.state, self.answers, self.sent = state, answers, 0
        self.newest = state.block
        monkeypatch.setattr(ChannelNodes, "config_block", lambda *_unused, **__: self.newest)
        monkeypatch.setattr(ChannelNodes, "wait_for_orderers", lambda *_unused, **__: None)
        monkeypatch.setattr(ChannelNodes, "wait_for_peers", lambda *_unused, **__: None)
        monkeypatch.setattr(ChannelNodes, "state", lambda *_unused: state)
        monkeypatch.setattr(library, "_ORDERING", 0.5)
        monkeypatch.setattr(deliver, "broadcast", self.broadcast)

    def broadcast(self, *_unused: Any) -> None:
        self.sent += 1
        answer = self.answers.pop(0)
        if isinstance(answer, FabricError):
            raise answer
        if answer is not None:
            self.newest = answer


def _successor(topology: Topology, definition: ChannelDefinition) -> Any:
    """Block 1, with the configuration of ``definition``."""
    return _block_of(channel_group(definition, channel_members(topology, definition)), 1)


def _block_of(group: Any, number: int) -> Any:
    """The configuration block ``number`` of the channel, after as many updates."""
    block = genesis_block("demo", group)
    block.header.number = number
    envelope = common_pb2.Envelope.FromString(block.data.data[0])
    payload = common_pb2.Payload.FromString(envelope.payload)
    config = configtx_pb2.ConfigEnvelope.FromString(payload.data)
    config.config.sequence = number
    payload.data = config.SerializeToString()
    block.data.data[0] = common_pb2.Envelope(payload=payload.SerializeToString()).SerializeToString()
    return block


def test_an_update_that_raft_lost_is_sent_again(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = _existing(topology, definition)
    wanted = replace(definition, batch_max_messages=9)
    orderers = _Orderers(
        monkeypatch, state, [None, NotReadyError("no leader"), None, _successor(topology, wanted)]
    )
    apply_channel(topology, plan_channel(topology, wanted), timeout=10)
    assert orderers.sent == 4


def test_an_update_that_was_refused_because_it_had_got_through(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = _existing(topology, definition)
    wanted = replace(definition, batch_max_messages=9)
    orderers = _Orderers(monkeypatch, state, [])

    def broadcast(*_unused: Any) -> None:
        orderers.newest = _successor(topology, wanted)
        raise FabricError("version mismatch")

    monkeypatch.setattr(deliver, "broadcast", broadcast)
    apply_channel(topology, plan_channel(topology, wanted), timeout=5)


def test_a_refused_update_fails_at_once(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = _existing(topology, definition)
    orderers = _Orderers(monkeypatch, state, [FabricError("policy not satisfied")])
    plan = plan_channel(topology, replace(definition, batch_max_messages=9))
    with pytest.raises(FabricError, match="policy not satisfied"):
        apply_channel(topology, plan, timeout=5)
    assert orderers.sent == 1


def test_a_change_by_somebody_else_is_noticed(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = _existing(topology, definition)
    foreign = _successor(topology, replace(definition, batch_timeout="9s"))
    _Orderers(monkeypatch, state, [foreign])
    plan = plan_channel(topology, replace(definition, batch_max_messages=9))
    with pytest.raises(FabricError, match="changed by somebody else"):
        apply_channel(topology, plan, timeout=5)


def test_missing_keys_are_named_when_an_update_is_refused(
    topology: Topology, definition: ChannelDefinition, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator without the other organisation's key learns whose signature is missing."""
    state = _existing(topology, definition)
    _Orderers(monkeypatch, state, [FabricError("policy not satisfied")])
    wanted = replace(definition, policies={"application": {"Endorsement": "ANY Endorsement"}})
    plan = plan_channel(topology, wanted)
    monkeypatch.delitem(store.secrets, "secret-org1/users/admin")
    monkeypatch.setattr(topology, "_secrets", {})
    with pytest.raises(FabricError, match="no admin's key was at hand for Org1"):
        apply_channel(topology, plan, timeout=5)


def test_an_update_that_no_orderer_takes_is_tried_until_time_is_up(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = _existing(topology, definition)
    orderers = _Orderers(monkeypatch, state, [NotReadyError("no leader")] * 1000)
    plan = plan_channel(topology, replace(definition, batch_max_messages=9))
    with pytest.raises(NotReadyError, match="no leader"):
        apply_channel(topology, plan, timeout=1)
    assert orderers.sent > len(ORDERERS), "each of them, and again"


def test_an_update_that_changes_nothing_is_not_sent(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = _existing(topology, definition)
    orderers = _Orderers(monkeypatch, state, [])
    plan = plan_channel(topology, replace(definition, batch_max_messages=9))
    assert state.config is not None
    apply_channel(topology, replace(plan, targets=(state.config.channel_group,)), timeout=5)
    assert orderers.sent == 0


class _Deeds:
    """Stand-ins for nodes that do at once what they are told, and the list of it in its order.

    ``consenters N`` is an update of the configuration after which there are so many.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, state: ChannelState) -> None:
        self.plan: Any = None
        self.done: list[str] = []
        self.blocks: dict[str, Any] = {}
        self.newest, self.updates = state.block, 0
        monkeypatch.setattr(ChannelNodes, "state", lambda *_unused: state)
        monkeypatch.setattr(ChannelNodes, "config_block", lambda *_unused, **__: self.newest)
        monkeypatch.setattr(ChannelNodes, "genesis_block", lambda *_unused: state.block)
        monkeypatch.setattr(ChannelNodes, "join_orderers", lambda _self, *to: self._join(*to))
        monkeypatch.setattr(ChannelNodes, "join_peers", lambda _self, *to: self._join(*to))
        monkeypatch.setattr(
            ChannelNodes, "wait_for_orderers", lambda _self, names, *_unused, **__: self._wait(names)
        )
        monkeypatch.setattr(ChannelNodes, "wait_for_peers", lambda _self, names, _height: self._wait(names))
        monkeypatch.setattr(deliver, "broadcast", lambda *_unused: self._update())
        monkeypatch.setattr(
            library.participation,
            "remove",
            lambda endpoint, _channel: self._note("remove", [endpoint.server_name]),
        )

    def _note(self, deed: str, names: Iterable[str]) -> None:
        self.done += [f"{deed} {name.split('.')[0]}" for name in names]

    def _join(self, names: Iterable[str], block: Any) -> None:
        self._note("join", names)
        self.blocks |= dict.fromkeys(names, block)

    def _wait(self, names: Iterable[str]) -> None:
        # Waiting for who has always been there is no deed.
        self._note("wait", [name for name in names if f"join {name.split('.')[0]}" in self.done])

    def _update(self) -> None:
        target = self.plan.targets[self.updates]
        self.updates += 1
        self.newest = _block_of(target, self.updates)
        self.done.append(f"consenters {len(consenter_addresses(target))}")


def test_a_new_channel_starts_with_its_orderers_and_one_block_for_all(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    deeds = _Deeds(monkeypatch, NOTHING)
    plan = plan_channel(topology, definition)
    apply_channel(topology, plan, timeout=5)
    assert deeds.done[:2] == ["join orderer0", "join orderer1"]
    assert sorted(deeds.done[2:]) == ["join peer0", "join peer1", "wait orderer0", "wait orderer1"]
    assert set(deeds.blocks) == {*ORDERERS, *PEERS}
    (block,) = {block.SerializeToString() for block in deeds.blocks.values()}
    found = deliver.config_of(common_pb2.Block.FromString(block))
    assert found.channel_group == plan.targets[0]


def test_newcomers_follow_the_channel_before_they_count_and_peers_begin_at_its_first_block(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _existing(topology, replace(definition, orderers=tuple(ORDERERS[:1])))
    state = replace(
        before, orderers={ORDERERS[0]: ACTIVE, ORDERERS[1]: None}, peers={PEERS[0]: True, PEERS[1]: False}
    )
    deeds = _Deeds(monkeypatch, state)
    # Another change at the same time: it comes first, the quorum's own change waits for the newcomer.
    deeds.plan = plan_channel(topology, replace(definition, batch_max_messages=9))
    apply_channel(topology, deeds.plan, timeout=5)
    changed = deeds.done.index("consenters 2")
    assert deeds.done.index("join orderer1") < deeds.done.index("wait orderer1") < changed
    assert "consenters 1" in deeds.done[: deeds.done.index("join orderer1")]
    assert deeds.done.index("join peer1") > changed
    assert deeds.blocks[ORDERERS[1]].header.number == 1, "the newest configuration, its peers know the rest"
    assert deeds.blocks[PEERS[1]].header.number == 0


def test_an_orderer_that_already_counts_joins_before_anything_is_changed(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lost its ledger: without it there may be no quorum to order an update."""
    state = replace(_existing(topology, definition), orderers={ORDERERS[0]: ACTIVE, ORDERERS[1]: None})
    deeds = _Deeds(monkeypatch, state)
    deeds.plan = plan_channel(topology, replace(definition, batch_max_messages=9))
    apply_channel(topology, deeds.plan, timeout=5)
    assert deeds.done[:3] == ["join orderer1", "wait orderer1", "consenters 2"]


def test_who_leaves_is_out_of_the_quorum_before_it_forgets_the_channel(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    deeds = _Deeds(monkeypatch, _existing(topology, definition))
    fewer = replace(definition, orderers=tuple(ORDERERS[:1]))
    deeds.plan = plan_channel(topology, fewer, allow_removal=True)
    assert deeds.plan.leave_orderers == (ORDERERS[1],)
    assert f"- orderers/{ORDERERS[1]}: joined" in deeds.plan.difference.lines
    apply_channel(topology, deeds.plan, timeout=5)
    assert deeds.done[-2:] == ["consenters 1", "remove orderer1"]


def test_nothing_is_planned_for_a_channel_whose_orderers_are_all_stopped(
    topology: Topology, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    _nodes_say(monkeypatch, NOTHING)
    stopped = replace(topology, planned=Planned(stopped=frozenset(ORDERERS)))
    with pytest.raises(NotReadyError, match="no orderer of channel demo runs") as caught:
        plan_channel(stopped, definition)
    assert caught.value.next_step == "run start.yml, then plan"


def test_an_orderer_with_another_key_is_not_asked_or_waited_for(
    topology: Topology, store: MemoryStore, definition: ChannelDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is out of the quorum until it is restarted."""
    _nodes_say(monkeypatch, _existing(topology, definition))
    path = f"secret-ord/nodes/{ORDERERS[1]}"
    other, _unused = Authority("tlsca").issue(ORDERERS[1], tls=True)
    monkeypatch.setattr(topology, "_secrets", {})
    monkeypatch.setitem(store.secrets, path, {**store.secrets[path], "tls_cert": other})
    plan = plan_channel(topology, definition)
    assert plan.restart_orderers == (ORDERERS[1],)
    assert library._Run(topology, plan, Deadline(1)).ready == [ORDERERS[0]]


def test_a_peer_that_denies_access_may_only_be_behind(
    topology: Topology, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = [FabricError("access denied"), 1, 2]

    def height(*_unused: Any) -> int:
        answer = answers.pop(0)
        if isinstance(answer, FabricError):
            raise answer
        return int(answer)

    monkeypatch.setattr(ChannelNodes, "peer_height", height)
    ChannelNodes(topology, "demo", Deadline(5)).wait_for_peers([PEERS[0]], 2)
    assert answers == []
