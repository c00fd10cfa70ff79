"""Chaincode from package to transaction, against real peers and orderers."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import (
    chaincode,
    gateway,
    lifecycle,
    peer_channels,
    planned,
    probe,
    rollout,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel import (
    apply_channel,
    plan_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.definition import Definition
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.endorser import query, require_answer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.package import ccaas_package
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.proposal import new_proposal
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import shared_channels
from ansible_collections.selvedge.fabric.tests.live.chaincode_server import ChaincodeServer, serving
from ansible_collections.selvedge.fabric.tests.live.network import LiveNetwork, oracle, running
from ansible_collections.selvedge.fabric.tools.bench.openloop import Client, run

CHANNEL = "demo"
BATCH_TIMEOUT = 0.1
NAMES = ["Org1", "Org2"]
BOTH = "AND('Org1MSP.peer', 'Org2MSP.peer')"
COLLECTIONS = [
    {
        "name": "prices",
        "policy": "OR('Org1MSP.member', 'Org2MSP.member')",
        "requiredPeerCount": 0,
        "maxPeerCount": 2,
        "blockToLive": 0,
        "memberOnlyRead": True,
        "endorsementPolicy": {"signaturePolicy": "OR('Org1MSP.peer', AND('Org2MSP.peer', 'Org1MSP.admin'))"},
    }
]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNetwork]:
    """One orderer and two peers for each of two organisations, in one channel."""
    with running(tmp_path_factory.mktemp("network"), orderers=1, peers={"Org1": 2, "Org2": 2}) as network:
        definition = ChannelDefinition.from_option(
            CHANNEL, {**network.definition, "batch_timeout": f"{BATCH_TIMEOUT}s"}
        )
        apply_channel(network.topology, plan_channel(network.topology, definition))
        yield network


@pytest.fixture(scope="module")
def topology(live: LiveNetwork) -> Topology:
    return live.topology


class Servers:
    """A chaincode server for each package, started when first asked for.

    One for all would not do: a peer that connects again, as after its restart, would be told another package's
    id and wait for the right one, and while it waits it commits no blocks.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack, self._servers = stack, dict[str, ChaincodeServer]()

    def of(self, label: str) -> ChaincodeServer:
        if label not in self._servers:
            server = self._stack.enter_context(serving())
            server.package_id = ccaas_package(label, server.address).package_id
            self._servers[label] = server
        return self._servers[label]


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(stack)


def wanted(
    topology: Topology, servers: Servers, name: str = "kv", label: str = "", **definition: Any
) -> chaincode.Wanted:
    options = {"version": "1.0", "endorsement_policy": BOTH, **definition}
    label = label or name
    packages = chaincode.ccaas_packages(topology, NAMES, label, servers.of(label).address, tls=False)
    peers = chaincode.select_peers(topology, [], NAMES)
    return chaincode.Wanted(CHANNEL, Definition.desired(name, **options), packages, peers)


def ensure(topology: Topology, goal: chaincode.Wanted) -> chaincode.Plan:
    """What the module does."""
    plan = chaincode.plan(goal, rollout.read(topology, goal))
    rollout.apply(topology, plan)
    rollout.wait(topology, goal, plan.target.sequence, 60)
    return plan


@pytest.fixture(scope="module")
def deployed(topology: Topology, servers: Servers) -> chaincode.Wanted:
    """The chaincode ``kv`` with an endorsement policy of both organisations."""
    goal = wanted(topology, servers)
    plan = ensure(topology, goal)
    assert (len(plan.install), plan.approve, plan.commit) == (4, ("Org1", "Org2"), True)
    assert plan.target.sequence == 1
    return goal


def submit(topology: Topology, *args: str, **options: Any) -> gateway.TransactionResult:
    return gateway.submit_transaction(
        topology.grpc_endpoint(topology.peers[0]),
        topology.signer("Org1", "client"),
        CHANNEL,
        "kv",
        [arg.encode() for arg in args],
        **options,
    )


def heights(topology: Topology) -> list[int]:
    return [
        peer_channels.chain_info(
            topology.grpc_endpoint(peer), topology.signer(peer.organization), CHANNEL
        ).height
        for peer in topology.peers
    ]


def test_the_second_run_changes_nothing(
    topology: Topology, servers: Servers, deployed: chaincode.Wanted
) -> None:
    before = heights(topology)
    plan = ensure(topology, deployed)
    assert not plan.changed and not plan.lines() and plan.before == plan.after
    assert heights(topology) == before


def test_a_transaction_endorsed_by_both_reaches_every_peer(
    topology: Topology, deployed: chaincode.Wanted
) -> None:
    done = submit(topology, "put", "colour", "blue")
    assert (done.payload, done.status) == (b"blue", "VALID") and done.block_number > 0
    for peer in topology.peers:
        endpoint, signer = topology.grpc_endpoint(peer), topology.signer(peer.organization)
        gateway.commit_status(endpoint, signer, CHANNEL, done.tx_id)
        assert query(endpoint, signer, CHANNEL, "kv", [b"get", b"colour"]) == b"blue"
        proposal = new_proposal(signer, CHANNEL, "kv", [b"get", b"colour"])
        assert gateway.evaluate(endpoint, proposal) == b"blue"


def test_what_the_bench_offers_is_sent_on_time_and_committed(
    topology: Topology, deployed: chaincode.Wanted
) -> None:
    ledger = SimpleNamespace(
        topology=topology,
        channel=CHANNEL,
        chaincode="kv",
        msp_ids={"Org1MSP", "Org2MSP"},
        peers=topology.peers,
    )
    keys = iter(range(1000))
    for peer in topology.peers:
        # This tries again until the peer's gateway has heard of all endorsers; the bench does not.
        endpoint, signer = topology.grpc_endpoint(peer), topology.signer(peer.organization)
        gateway.submit_transaction(endpoint, signer, CHANNEL, "kv", [b"put", peer.name.encode(), b"1"])
    with shared_channels():
        client = Client(ledger, lambda: [b"put", b"bench%d" % next(keys), b"blue"])
        timings = run(client.transact, rate=20, count=40)
        assert [timing.error for timing in timings if timing.error] == []
        refused = run(Client(ledger, lambda: [b"fail", b"at once"]).transact, rate=20, count=2)
    assert all("fail at once" in timing.error for timing in refused)
    apart = [later.due - sooner.due for sooner, later in zip(timings, timings[1:], strict=False)]
    assert apart == pytest.approx([0.05] * 39)
    assert all(0 <= timing.late < 1 and timing.endorsing > 0 for timing in timings)
    # A block is cut when the first of its transactions has waited for so long.
    assert BATCH_TIMEOUT / 2 < max(timing.latency for timing in timings) < 5
    reader = topology.peers[-1]
    endpoint, signer = topology.grpc_endpoint(reader), topology.signer(reader.organization)
    assert query(endpoint, signer, CHANNEL, "kv", [b"get", b"bench39"]) == b"blue"


def test_transient_input_reaches_the_chaincode(topology: Topology, deployed: chaincode.Wanted) -> None:
    done = submit(
        topology, "secret", transient={"secret": b"7"}, endorsing_organizations=["Org1MSP", "Org2MSP"]
    )
    assert done.payload == b"7"
    block = query(
        topology.grpc_endpoint(topology.peers[0]),
        topology.signer("Org1"),
        CHANNEL,
        "qscc",
        [b"GetBlockByTxID", CHANNEL.encode(), done.tx_id.encode()],
    )
    assert b"secret" in block and b"\x0a\x06secret\x12\x017" not in block, "private input is in the block"


def test_what_the_chaincode_says_is_in_the_error(topology: Topology, deployed: chaincode.Wanted) -> None:
    with pytest.raises(
        FabricError, match=r"Org1MSP 127.0.0.1:\d+: chaincode response 500, fail no such thing"
    ):
        submit(topology, "fail", "no such thing")
    peer = topology.peers[0]
    with pytest.raises(FabricError, match="fail again"):
        query(topology.grpc_endpoint(peer), topology.signer("Org1"), CHANNEL, "kv", [b"fail", b"again"])


def test_too_few_endorsements_have_no_effect(topology: Topology, deployed: chaincode.Wanted) -> None:
    with pytest.raises(FabricError, match="ENDORSEMENT_POLICY_FAILURE"):
        submit(topology, "put", "colour", "red", endorsing_organizations=["Org1MSP"])
    peer = topology.peers[0]
    payload = query(topology.grpc_endpoint(peer), topology.signer("Org1"), CHANNEL, "kv", [b"get", b"colour"])
    assert payload != b"red"


def test_unknown_things_are_told(topology: Topology, deployed: chaincode.Wanted) -> None:
    endpoint, signer = topology.grpc_endpoint(topology.peers[0]), topology.signer("Org1")
    with pytest.raises(NotReadyError, match="nothere"):
        require_answer(endpoint, signer, CHANNEL, "nothere")
    with pytest.raises(FabricError) as caught:
        query(endpoint, signer, "nochannel", "kv", [b"get", b"x"])
    assert not isinstance(caught.value, NotReadyError)
    absent = replace(endpoint, address="127.0.0.1:1")
    with pytest.raises(NotReadyError, match="UNAVAILABLE"):
        query(absent, signer, CHANNEL, "kv", [b"get", b"x"], 2)


def test_a_deployment_takes_two_batch_timeouts_and_little_more(
    topology: Topology, servers: Servers, deployed: chaincode.Wanted
) -> None:
    """Install on four peers, approve for two organisations, commit, wait for four answers."""
    before = heights(topology)
    started = time.monotonic()
    ensure(topology, wanted(topology, servers, "fast"))
    elapsed = time.monotonic() - started
    print(f"deployed in {elapsed:.2f} s")
    blocks = {after - height for height, after in zip(before, heights(topology), strict=True)}
    assert blocks <= {2, 3}, "two approvals share a block, unless the timeout falls between them"
    assert elapsed < 2 * BATCH_TIMEOUT + 3


def test_a_new_version_is_the_next_sequence_and_another_package_is_not(
    topology: Topology, servers: Servers, deployed: chaincode.Wanted
) -> None:
    first = wanted(topology, servers, "steps")
    ensure(topology, first)
    plan = ensure(
        topology,
        wanted(topology, servers, "steps", version="1.1", endorsement_policy="", collections=COLLECTIONS),
    )
    assert (plan.install, plan.approve, plan.commit) == ((), ("Org1", "Org2"), True)
    assert plan.target.sequence == 2
    assert plan.before["definition"]["version"] == "1.0" and plan.after["definition"]["version"] == "1.1"

    other = wanted(
        topology, servers, "steps", "other", version="1.1", collections=COLLECTIONS, endorsement_policy=""
    )
    plan = ensure(topology, other)
    assert (len(plan.install), plan.approve, plan.commit) == (4, ("Org1", "Org2"), False)
    assert plan.target.sequence == 2
    assert not ensure(topology, other).changed

    found = rollout.info(topology, CHANNEL, "steps", topology.peers)
    assert (
        found["committed"] == plan.after["definition"]
        and found["committed"]["collections"][0]["name"] == "prices"
    )
    assert found["approved"] == plan.after["approvals"]
    ids = {first.packages["Org1"].package_id, other.packages["Org1"].package_id}
    assert all(ids <= set(installed) for installed in found["installed"].values())


def test_one_organisation_approves_and_another_finishes(
    topology: Topology, servers: Servers, deployed: chaincode.Wanted
) -> None:
    goal = wanted(topology, servers, "halves")
    alone = replace(
        goal,
        packages={"Org1": goal.packages["Org1"]},
        peers=tuple(peer for peer in goal.peers if peer.organization == "Org1"),
        commit=False,
    )
    rollout.apply(topology, chaincode.plan(alone, rollout.read(topology, alone)))
    assert rollout.info(topology, CHANNEL, "halves", topology.peers)["committed"] is None
    too_early = replace(alone, commit=True)
    with pytest.raises(FabricError, match="not approved by Org2MSP"):
        rollout.apply(topology, chaincode.plan(too_early, rollout.read(topology, too_early)))
    plan = ensure(topology, goal)
    assert (plan.approve, plan.commit) == (("Org2",), True)


def test_a_channel_that_does_not_exist_yet_can_be_planned_for(topology: Topology, servers: Servers) -> None:
    """In check mode on a new network nothing is there; writing is refused."""
    goal = replace(wanted(topology, servers), channel="later")
    plan = chaincode.plan(goal, rollout.read(topology, goal))
    assert (plan.approve, plan.commit) == (("Org1", "Org2"), True)
    with pytest.raises(FabricError, match="channel 'later' not found"):
        rollout.apply(topology, replace(plan, install=()))


def test_required_initialisation(topology: Topology, servers: Servers, deployed: chaincode.Wanted) -> None:
    ensure(topology, wanted(topology, servers, "begins", init_required=True))
    endpoint, signer = topology.grpc_endpoint(topology.peers[0]), topology.signer("Org1")
    with pytest.raises(FabricError, match="has not been initialized"):
        gateway.submit_transaction(endpoint, signer, CHANNEL, "begins", [b"put", b"a", b"1"], timeout=8)
    gateway.submit_transaction(endpoint, signer, CHANNEL, "begins", [b"put", b"a", b"1"], is_init=True)
    done = gateway.submit_transaction(endpoint, signer, CHANNEL, "begins", [b"put", b"a", b"2"])
    assert done.payload == b"2"


@pytest.fixture(scope="module")
def cli(live: LiveNetwork, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Fabric's own ``peer`` command as Org1's admin, the oracle. Test keys lie in a temporary directory."""
    binary, folder = oracle("peer"), tmp_path_factory.mktemp("cli")
    secret = live.store.secrets["secret-org1/users/admin"]
    peer = live.option["peers"][0]
    files = {
        "msp/cacerts/ca.pem": secret["ca_cert"],
        "msp/signcerts/cert.pem": secret["sign_cert"],
        "msp/keystore/key": secret["sign_key"],
        "tls.pem": secret["tls_ca_cert"],
        "core.yaml": (live.root / peer["name"] / "core.yaml").read_text(),
        "msp/config.yaml": (live.root / peer["name"] / "msp/config.yaml").read_text(),
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    environment = {
        "PATH": os.environ["PATH"],
        "FABRIC_CFG_PATH": str(folder),
        "CORE_PEER_LOCALMSPID": "Org1MSP",
        "CORE_PEER_MSPCONFIGPATH": str(folder / "msp"),
        "CORE_PEER_ADDRESS": peer["address"],
        "CORE_PEER_TLS_ENABLED": "true",
        "CORE_PEER_TLS_ROOTCERT_FILE": str(folder / "tls.pem"),
    }

    def run(*args: str) -> str:
        done = subprocess.run(
            [str(binary), *args], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize(
    "policy",
    [
        BOTH,
        "AND('Org1MSP.peer', OR('Org2MSP.peer', OutOf(2, 'Org1MSP.admin', 'Org2MSP.client', 'A.member')))",
    ],
)
def test_approvals_are_those_of_the_peer_command(
    topology: Topology,
    servers: Servers,
    deployed: chaincode.Wanted,
    cli: Callable[..., str],
    tmp_path: Path,
    policy: str,
) -> None:
    """``checkcommitreadiness`` says true only for approvals with exactly the bytes that the command makes."""
    name = f"oracle{len(policy)}"
    goal = replace(
        wanted(topology, servers, name, endorsement_policy=policy, collections=COLLECTIONS), commit=False
    )
    rollout.apply(topology, chaincode.plan(goal, rollout.read(topology, goal)))
    config = tmp_path / "collections.json"
    config.write_text(json.dumps(COLLECTIONS))
    options = ["-C", CHANNEL, "-n", name, "-v", "1.0", "--sequence", "1", "--output", "json"]
    check = ["lifecycle", "chaincode", "checkcommitreadiness", *options, "--collections-config", str(config)]
    assert json.loads(cli(*check, "--signature-policy", policy))["approvals"] == {
        "Org1MSP": True,
        "Org2MSP": True,
    }
    other = json.loads(cli(*check, "--signature-policy", "OR('Org1MSP.peer')"))
    assert other["approvals"] == {"Org1MSP": False, "Org2MSP": False}


def test_package_ids_are_those_of_the_peer_command(cli: Callable[..., str], tmp_path: Path) -> None:
    package = ccaas_package("assets_1.0", "assets:9999", "-----BEGIN CERTIFICATE-----", metadata={"a": "b"})
    path = tmp_path / "package.tar.gz"
    path.write_bytes(package.data)
    assert cli("lifecycle", "chaincode", "calculatepackageid", str(path)).strip() == package.package_id


def test_a_probe_reports_every_peer(topology: Topology, deployed: chaincode.Wanted) -> None:
    signer = topology.signer("Org1", "client")
    report = probe.commit_probe(topology, signer, CHANNEL, "kv", [b"put", b"probe", b"1"], topology.peers)
    print(report)
    assert report.problems == () and len(report.peers) == 4
    assert len({peer.block_hash for peer in report.peers}) == 1
    assert 0 < report.latency < 5
    info = peer_channels.chain_info(topology.grpc_endpoint(topology.peers[0]), signer, CHANNEL)
    first = report.peers[0]
    assert (info.height, info.current_block_hash) == (first.block_number + 1, first.block_hash)
    assert first.height == info.height


def test_a_probe_of_peers_without_gateway(
    topology: Topology, deployed: chaincode.Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*args: object) -> None:
        raise gateway.NoGatewayError("none")

    monkeypatch.setattr(probe, "endorse", none)
    monkeypatch.setattr(probe, "commit_status", none)
    report = probe.commit_probe(
        topology, topology.signer("Org1"), CHANNEL, "kv", [b"put", b"probe", b"2"], topology.peers
    )
    assert report.problems == () and [peer.status for peer in report.peers] == ["VALID"] * 4


def test_a_probe_tells_which_peer_is_away(
    live: LiveNetwork, topology: Topology, deployed: chaincode.Wanted
) -> None:
    away = topology.peers[3].name
    live.stop(away)
    try:
        report = probe.commit_probe(
            topology,
            topology.signer("Org1"),
            CHANNEL,
            "kv",
            [b"put", b"probe", b"3"],
            topology.peers,
            timeout=20,
        )
    finally:
        live.start(away)
    assert len(report.problems) == 1 and report.problems[0].startswith(
        f"{away} does not have the transaction"
    )
    assert [peer.status for peer in report.peers] == ["VALID"] * 3 + [""]


def run_module(
    live: LiveNetwork, capsys: pytest.CaptureFixture[str], called: str, check: bool = False, **options: Any
) -> dict[str, Any]:
    """Call a module's ``main`` as Ansible does, and return its result."""
    module = importlib.import_module(f"ansible_collections.selvedge.fabric.plugins.modules.{called}")
    store = {"url": "https://x", "ca_file": "/x", "cert_file": "/x", "key_file": "/x"}
    given = {"topology": live.option, "store": store, "channel": CHANNEL, "timeout": 60, **options}
    capsys.readouterr()
    with (
        patch_module_args({**given, "_ansible_check_mode": check, "_ansible_diff": True}),
        pytest.raises(SystemExit),
    ):
        module.main()
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def stored(live: LiveNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planned, "open_store", lambda options: live.store)


def test_the_chaincode_modules(
    live: LiveNetwork,
    servers: Servers,
    deployed: chaincode.Wanted,
    stored: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = {
        "name": "modular",
        "version": "1.0",
        "endorsement_policy": BOTH,
        "organizations": NAMES,
        "package": {"label": "modular", "address": servers.of("modular").address},
    }
    predicted = run_module(live, capsys, "chaincode", check=True, **options)
    nothing = run_module(live, capsys, "chaincode_info", name="modular", organizations=NAMES)
    assert nothing["committed"] is None and nothing["approved"] == {"Org1": None, "Org2": None}
    done = run_module(live, capsys, "chaincode", **options)
    assert done["changed"] and done["sequence"] == 1 and len(done["plan"]) == 7
    assert {key: done[key] for key in ("plan", "diff", "package_ids")} == {
        key: predicted[key] for key in ("plan", "diff", "package_ids")
    }
    again = run_module(live, capsys, "chaincode", **options)
    assert not again["changed"] and again["plan"] == []
    found = run_module(live, capsys, "chaincode_info", name="modular", organizations=NAMES)
    assert found["committed"] == done["diff"]["after"]["definition"]
    wrong = run_module(live, capsys, "chaincode", **{**options, "organizations": ["Org1", "Org9"]})
    assert wrong["failed"] and "there is no organisation Org9" in wrong["msg"]


def test_the_transaction_and_probe_modules(
    live: LiveNetwork, deployed: chaincode.Wanted, stored: None, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"chaincode": "kv", "organization": "Org1", "user": "client"}
    put = {**options, "function": "put", "args": ["module", "1"]}
    get = {**options, "function": "get", "args": ["module"], "evaluate": True}
    endorsed = run_module(live, capsys, "transaction", check=True, **put)
    assert endorsed["changed"] and endorsed["result"] == "1" and "block_number" not in endorsed
    assert run_module(live, capsys, "transaction", **get)["result"] == "", "check mode wrote"
    done = run_module(live, capsys, "transaction", **put)
    assert done["changed"] and done["block_number"] > 0 and len(done["tx_id"]) == 64
    read = run_module(live, capsys, "transaction", **get)
    assert (read["changed"], read["result"], read["result_encoding"]) == (False, "1", "utf-8")
    peers = [peer.name for peer in live.topology.peers]
    asked = {**{key: value for key, value in get.items() if key != "organization"}, "peers": peers}
    everyone = run_module(live, capsys, "transaction", **asked)
    assert {name: said["result"] for name, said in everyone["answers"].items()} == dict.fromkeys(peers, "1")
    assert (
        len({said["tx_id"] for said in everyone["answers"].values()}) == len(peers)
        and not everyone["changed"]
    )
    stranger = run_module(live, capsys, "transaction", **{**asked, "peers": [*peers, "peer9"]})
    assert stranger["failed"] and "there is no peer peer9" in stranger["msg"]
    sent = run_module(live, capsys, "transaction", **{**asked, "evaluate": False})
    assert sent["failed"] and "evaluate: true" in sent["msg"]
    nobody = run_module(live, capsys, "transaction", **{**asked, "peers": []})
    assert nobody["failed"] and "the list is empty" in nobody["msg"]
    hidden = run_module(
        live, capsys, "transaction", **options, function="fail", args=["x"], transient={"a": "topsecret"}
    )
    assert hidden["failed"] and "topsecret" not in json.dumps(hidden)
    probed = run_module(live, capsys, "commit_probe", **put)
    assert probed["changed"] and probed["problems"] == [] and len(probed["peers"]) == 4
    for result in (done, read, hidden, probed):
        assert "PRIVATE KEY" not in json.dumps(result)


def test_keys_stay_out_of_packages_and_plans(topology: Topology, deployed: chaincode.Wanted) -> None:
    plan = chaincode.plan(deployed, rollout.read(topology, deployed))
    assert "PRIVATE KEY" not in repr(plan) + yaml.safe_dump(plan.before) + str(plan.lines())
    for package in deployed.packages.values():
        assert b"KEY" not in package.data


def test_install_twice_is_no_error(topology: Topology, deployed: chaincode.Wanted) -> None:
    peer, package = deployed.peers[0], deployed.packages["Org1"]
    endpoint, signer = topology.grpc_endpoint(peer), topology.signer("Org1")
    assert lifecycle.install(endpoint, signer, package) == package.package_id
    assert lifecycle.installed(endpoint, signer)[package.package_id] == "kv"
