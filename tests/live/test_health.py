"""The health of a live network: three orderers, four peers, three CAs and the store, well and not so well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import authority, x509
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel import (
    apply_channel,
    plan_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import (
    Health,
    Status,
    UnhealthyError,
    table,
    wait_until_healthy,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    Authority,
    ChannelMembers,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import (
    CHANNELS,
    SERVING,
    STORE,
    NetworkCheck,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import Builder
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao_admin import Host
from ansible_collections.selvedge.fabric.plugins.modules import (
    ca_health,
    network_health,
    orderer_health,
    peer_health,
    store_health,
)
from ansible_collections.selvedge.fabric.tests.live.network import LiveNetwork, running
from ansible_collections.selvedge.fabric.tests.live.stores import (
    ADDRESS,
    REPOSITORY,
    LiveCa,
    LiveStore,
    eventually,
    running_store,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.service_captures import (
    HEALTHY,
    Recorder,
)

CHANNEL = "demo"
MOUNTS = ("ca-orderers", "ca-org1", "ca-org2")
# Raft's election timeout is 5 to 10 s with Fabric's defaults.
ELECTION = 25.0


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNetwork]:
    with running(tmp_path_factory.mktemp("network"), peers={"Org1": 2, "Org2": 2}) as network:
        yield network


def channel_option(live: LiveNetwork) -> dict[str, Any]:
    return {"name": CHANNEL, "definition": live.definition}


def check_of(live: LiveNetwork, **changes: Any) -> NetworkCheck:
    options: dict[str, Any] = {"channels": [ChannelMembers.from_option(channel_option(live))], **changes}
    return NetworkCheck(options.pop("topology", live.topology), **options)


def by_name(results: list[Health]) -> dict[str, Health]:
    return {result.subject: result for result in results}


def quickest(make: Callable[[], NetworkCheck]) -> tuple[float, list[Health]]:
    """The cheapest of five checks, in seconds of our processor time, and its verdicts.

    Nodes answer in milliseconds, so on an idle machine it takes no longer than that; on a busy one who knows.
    """
    found = []
    for _unused in range(5):
        started = time.process_time()
        results = make()()
        found.append((time.process_time() - started, results))
    return min(found, key=lambda item: item[0])


def reach(
    check: NetworkCheck, wanted: Callable[[dict[str, Health]], bool], seconds: float
) -> dict[str, Health]:
    """The verdicts as soon as they are as wanted."""
    deadline = time.monotonic() + seconds
    while not wanted(found := by_name(check())):
        assert time.monotonic() < deadline, f"not after {seconds} s:\n{table(list(found.values()))}"
        time.sleep(0.2)
    return found


@pytest.fixture(scope="module")
def channel(live: LiveNetwork) -> LiveNetwork:
    """The network with its channel, waited for by the library itself."""
    definition = ChannelDefinition.from_option(CHANNEL, live.definition)
    apply_channel(live.topology, plan_channel(live.topology, definition, timeout=20), timeout=60)
    started = time.monotonic()
    wait_until_healthy(check_of(live), 30)
    print(f"healthy {time.monotonic() - started:.2f} s after the channel was there")
    return live


@pytest.fixture
def whole(channel: LiveNetwork) -> Iterator[LiveNetwork]:
    """Whatever a test stopped runs again afterwards, and is waited for."""
    yield channel
    channel.start()
    wait_until_healthy(check_of(channel), 60)


def test_nodes_serve_before_there_is_a_channel(live: LiveNetwork) -> None:
    """Runs first, before anything asks for the channel."""
    results = wait_until_healthy(check_of(live, level=SERVING), 20)
    assert [result.kind for result in results] == ["orderer"] * 3 + ["peer"] * 4
    assert all(result.facts["version"] == "v2.5.9" for result in results)
    assert all(result.facts.get("channels", {}) == {} for result in results)


def test_a_channel_that_is_not_there_is_missed(live: LiveNetwork) -> None:
    with pytest.raises(UnhealthyError) as caught:
        wait_until_healthy(check_of(live, level=CHANNELS), 0)
    assert {result.status for result in caught.value.results} == {Status.UNHEALTHY}
    assert {result.reasons for result in caught.value.results} == {("channel demo: it has not joined",)}
    assert "site.yml" in caught.value.results[0].remedy


def test_a_healthy_network_in_less_than_a_second(channel: LiveNetwork) -> None:
    check = check_of(channel)
    check()
    elapsed, results = quickest(lambda: check)
    print(f"judged in {elapsed:.2f} s\n{table(results)}")
    assert all(result.healthy for result in results), table(results)
    assert elapsed < 1
    facts = [result.facts["channels"][CHANNEL] for result in results]
    assert {(fact["height"], fact["lag"]) for fact in facts} == {(1, 0)}
    assert len({fact["hash"] for fact in facts}) == 1, "a peer's hash is not the orderers' block's"
    orderers = facts[:3]
    assert len({fact["leader"] for fact in orderers}) == 1
    assert orderers[0]["leader"] in channel.names
    assert {fact["consenters"] for fact in orderers} == {3}
    assert all(result.facts["cert_days"] == 89 for result in results)


def test_all_copies_have_the_same_new_block(channel: LiveNetwork) -> None:
    """Orderers' hashes are computed here, peers' come from Fabric."""
    before = by_name(check_of(channel)())["peer0.org1.lab"].facts["channels"][CHANNEL]
    definition = ChannelDefinition.from_option(CHANNEL, {**channel.definition, "batch_timeout": "150ms"})
    apply_channel(channel.topology, plan_channel(channel.topology, definition, timeout=20), timeout=60)
    results = wait_until_healthy(check_of(channel), 20)
    facts = [result.facts["channels"][CHANNEL] for result in results]
    assert {fact["height"] for fact in facts} == {before["height"] + 1}
    assert len({fact["hash"] for fact in facts}) == 1
    assert facts[0]["hash"] != before["hash"]


def test_an_orderer_stops_and_quorum_remains(whole: LiveNetwork) -> None:
    """A follower stops: the others are degraded at once, and peers do not care."""
    leader = by_name(check_of(whole)())["orderer0.orderer.lab"].facts["channels"][CHANNEL]["leader"]
    stopped = next(node.name for node in whole.topology.orderers if node.name != leader)
    whole.stop(stopped)
    found = by_name(check_of(whole)())
    assert found[stopped].status is Status.UNHEALTHY
    assert found[stopped].reasons[0].startswith("does not answer: neither gRPC 127.0.0.1:")
    for node in whole.topology.orderers:
        if node.name != stopped:
            assert found[node.name].status is Status.DEGRADED
            reason = f"channel demo: 2 of 3 consenters active, quorum (2) remains, without {stopped}"
            assert found[node.name].reasons == (reason,)
    assert all(found[node.name].healthy for node in whole.topology.peers)


def test_the_leader_stops_and_another_one_is_elected(whole: LiveNetwork) -> None:
    leader = by_name(check_of(whole)())["orderer0.orderer.lab"].facts["channels"][CHANNEL]["leader"]
    others = [node.name for node in whole.topology.orderers if node.name != leader]
    whole.stop(leader)
    found = by_name(check_of(whole)())
    for name in others:
        assert found[name].status is Status.UNHEALTHY
        assert "channel demo: no consenter says that it is the Raft leader" in found[name].reasons
    found = reach(
        check_of(whole), lambda now: all(now[name].status is Status.DEGRADED for name in others), ELECTION
    )
    assert found[others[0]].facts["channels"][CHANNEL]["leader"] in others


def test_two_orderers_stop_and_there_is_no_quorum(whole: LiveNetwork) -> None:
    names = [node.name for node in whole.topology.orderers]
    whole.stop(*names[:2])
    survivor = by_name(check_of(whole)())[names[2]]
    assert survivor.status is Status.UNHEALTHY
    lost = f"channel demo: 1 of 3 consenters active, no quorum (2), without {names[0]}, {names[1]}"
    assert lost in survivor.reasons
    found = reach(check_of(whole), lambda now: any("knows no" in r for r in now[names[2]].reasons), ELECTION)
    assert "channel demo: it knows no Raft leader" in found[names[2]].reasons
    assert "leader" not in found[names[2]].facts["channels"][CHANNEL]


def test_a_restarted_orderer_is_waited_for(whole: LiveNetwork) -> None:
    """Limited to one node, the rest is evidence only."""
    name = whole.topology.orderers[1].name
    whole.stop(name)
    whole.start(name)
    seen: list[str] = []
    results = wait_until_healthy(
        check_of(whole, nodes=[name]),
        40,
        progress=lambda _unused, now: seen.extend(str(r.status) for r in now),
    )
    assert [result.subject for result in results] == [name]
    assert seen[0] == "unhealthy", "it cannot know the leader in the moment in which it starts"
    assert seen[-1] == "healthy"


def test_a_peer_stops(whole: LiveNetwork) -> None:
    whole.stop("peer1.org1.lab")
    with pytest.raises(UnhealthyError) as caught:
        wait_until_healthy(check_of(whole), 0.5)
    found = by_name(caught.value.results)
    bad = [name for name, result in found.items() if not result.healthy]
    assert bad == ["peer1.org1.lab"]
    assert found["peer1.org1.lab"].reasons[0].startswith("does not answer: neither gRPC")
    assert found["peer1.org1.lab"].remedy.startswith("start it")
    assert "peer1.org1.lab is unhealthy: does not answer" in str(caught.value)


def test_a_certificate_near_its_end_is_not_waited_for(channel: LiveNetwork) -> None:
    started = time.monotonic()
    with pytest.raises(UnhealthyError) as caught:
        wait_until_healthy(check_of(channel, certificate_days_min=100), 30)
    assert time.monotonic() - started < 5
    assert {result.status for result in caught.value.results} == {Status.DEGRADED}
    assert "its TLS certificate expires in 89 days" in caught.value.results[0].reasons


def test_a_certificate_that_the_node_has_not_loaded(channel: LiveNetwork) -> None:
    organization = channel.organizations["Org1"]
    path = f"{organization.mount}/nodes/peer0.org1.lab"
    secret = channel.store.secrets[path]
    renewed, key = organization.tls_ca.issue("peer0.org1.lab", "peer", tls=True)
    channel.store.secrets[path] = {**secret, "tls_cert": renewed, "tls_key": key}
    found = by_name(check_of(channel)())["peer0.org1.lab"]
    channel.store.secrets[path] = secret
    assert found.status is Status.DEGRADED
    assert found.reasons == ("it serves another TLS certificate than the one in the store",)


def test_a_node_with_another_name_or_ca_is_refused(channel: LiveNetwork) -> None:
    organization = channel.organizations["Org1"]
    path = f"{organization.mount}/msp"
    secret = channel.store.secrets[path]
    channel.store.secrets[path] = {**secret, "tls_ca_cert": channel.organizations["Org2"].tls_ca.cert}
    found = by_name(check_of(channel)())["peer0.org1.lab"]
    channel.store.secrets[path] = secret
    assert found.status is Status.UNHEALTHY
    assert any("CERTIFICATE_VERIFY_FAILED" in reason for reason in found.reasons), found.reasons
    assert any("its TLS certificate: " in reason for reason in found.reasons), found.reasons


def test_a_missing_secret_is_one_nodes_trouble(channel: LiveNetwork) -> None:
    path = "secret-org1/nodes/peer0.org1.lab"
    secret = channel.store.secrets.pop(path)
    found = by_name(check_of(channel)())
    channel.store.secrets[path] = secret
    assert [name for name, result in found.items() if not result.healthy] == ["peer0.org1.lab"]
    assert found["peer0.org1.lab"].reasons == (
        f"cannot be judged without its keys: a secret is missing in the store ({path})",
    )


# --- with CAs and a real store ---


@dataclass
class Together:
    """The network's secrets in memory, the CAs' in a real store; ``read`` is what a topology asks."""

    live: LiveNetwork
    store: LiveStore
    cas: list[LiveCa] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._client = self.store.open()

    def read(self, path: str) -> dict[str, str] | None:
        return self.live.store.read(path) or self._client.read(path)

    def check(self, **changes: Any) -> NetworkCheck:
        options = {"topology": Topology.from_option(self.live.option, self), "authorities": self.authorities}
        return check_of(self.live, **{**options, "store_option": self.store.option, **changes})

    @property
    def authorities(self) -> list[Authority]:
        return [Authority.from_option(item) for item in self.option]

    @property
    def option(self) -> list[dict[str, Any]]:
        return [
            {
                "name": ca.mount.removeprefix("ca-"),
                "mount": ca.mount,
                "msp_id": "ignored",
                "ca_address": ca.address,
                "operations_address": f"{ADDRESS}:{ca.operations_port}",
                "server_name": f"{ca.mount}.lab",
            }
            for ca in self.cas
        ]


@pytest.fixture(scope="module")
def together(channel: LiveNetwork, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Together]:
    folder = tmp_path_factory.mktemp("store")
    with running_store(folder) as store:
        store.configure(
            list(MOUNTS), [Host(mount, mount, [f"{mount}/ca/server"], ["127.0.0.0/8"]) for mount in MOUNTS]
        )
        found = Together(channel, store)
        try:
            for mount in MOUNTS:
                _authority(store, mount)
                ca = LiveCa(tmp_path_factory.mktemp("ca") / mount, store, mount)
                found.cas.append(ca)
                ca.render()
                ca.start()
            wait_until_healthy(found.check(), 30)
            yield found
        finally:
            for ca in found.cas:
                ca.stop()


def _authority(store: LiveStore, mount: str) -> None:
    """A CA's keys and its organisation's admin, in the store."""
    spec = authority.AuthoritySpec(mount, mount, mount, [f"{mount}.lab", ADDRESS])
    plan = authority.plan_authority(spec, None, None, root_days=30, server_days=30, renew_before_days=5)
    admin = x509.issue_server(
        x509.KeyPair(plan.server["tls_cert"], plan.server["tls_key"]), "admin", mount, ["admin"], 30
    )
    client = store.open()
    client.write(spec.server_path, plan.server)
    client.write(spec.msp_path, plan.msp)
    client.write(f"{mount}/users/admin", {"tls_cert": admin.cert_pem, "tls_key": admin.key_pem})


@pytest.fixture(scope="module")
def wire() -> Iterator[Recorder]:
    """Keeps what the store and the CAs answer to each fault, for the unit tests."""
    recorder = Recorder()
    yield recorder
    if os.environ.get("SELVEDGE_CAPTURE"):
        recorder.write()


def kept(wire: Recorder, case: str, check: NetworkCheck) -> dict[str, Health]:
    """The verdicts on the store and the CAs alone, and their answers as those of ``case``."""
    check = replace(check, nodes=[STORE, *(item.name for item in check.authorities)])
    with wire.keeping(case, check):
        return by_name(check())


def alone(store: LiveStore) -> NetworkCheck:
    """A check of a store, without a network."""
    return NetworkCheck(Topology({}, [], [], {}), store_option=store.option)  # type: ignore[arg-type]


def test_the_services_are_well(together: Together, wire: Recorder) -> None:
    found = kept(wire, HEALTHY, together.check())
    assert list(found) == [STORE, *(item.name for item in together.authorities)]
    assert all(result.healthy for result in found.values()), table(list(found.values()))


def test_the_whole_network_in_less_than_a_second(together: Together) -> None:
    elapsed, results = quickest(together.check)
    print(f"judged in {elapsed:.2f} s, secrets read included\n{table(results)}")
    assert all(result.healthy for result in results), table(results)
    kinds = ["store", *["ca"] * 3, *["orderer"] * 3, *["peer"] * 4]
    assert [result.kind for result in results] == kinds
    assert elapsed < 1
    assert results[0].facts["version"]
    assert results[1].facts["version"]
    assert results[1].facts["cert_days"] == 29


def test_a_ca_stops(together: Together, wire: Recorder) -> None:
    ca = together.cas[1]
    ca.process.stop()
    kept(wire, "a CA is stopped", together.check())
    found = by_name(together.check()())
    assert [name for name, result in found.items() if not result.healthy] == ["ca-org1.lab"]
    assert found["ca-org1.lab"].reasons[0].startswith("does not answer: neither HTTPS")
    ca.start()
    wait_until_healthy(together.check(nodes=["ca-org1.lab"]), 20)


def test_a_ca_is_paused(together: Together, wire: Recorder) -> None:
    ca = together.cas[1]
    ca.process.signal(signal.SIGSTOP)
    try:
        found = kept(wire, "a CA is paused", together.check(timeout=1.5))
    finally:
        ca.process.signal(signal.SIGCONT)
    assert [name for name, result in found.items() if not result.healthy] == ["ca-org1.lab"]
    assert found["ca-org1.lab"].reasons[0].endswith("no answer in 1.5 s")
    assert found["ca-org1.lab"].remedy.startswith("it hangs or is paused")
    wait_until_healthy(together.check(nodes=["ca-org1.lab"]), 20)


@pytest.mark.parametrize(
    ("case", "field", "reason"),
    [
        (
            "a CA signs with another key than the store's",
            "ca_cert",
            "its CA 'enrollment' signs with another certificate than the one in the store",
        ),
        (
            "a CA's TLS certificate is of another CA",
            "tls_ca_cert",
            "unable to get local issuer certificate",
        ),
    ],
)
def test_a_ca_is_not_that_of_the_store(
    together: Together, wire: Recorder, case: str, field: str, reason: str
) -> None:
    """The first is what fabric-ca does when it finds no key: it makes itself a new one."""
    client = together.store.open()
    right = client.read("ca-org2/msp")
    assert right
    other = x509.make_root("other", "other", 30)
    client.write("ca-org2/msp", {**right, field: other.cert_pem})
    found = kept(wire, case, together.check())["ca-org2.lab"]
    client.write("ca-org2/msp", right)
    assert found.status is Status.UNHEALTHY
    assert reason in found.reasons[0]


def test_the_module(
    together: Together, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As Ansible calls it: all well, then with a peer stopped, failing and not failing."""
    result = run_module(together, monkeypatch, capsys, wait=20)
    assert result["healthy"] and not result["changed"] and not result.get("failed")
    assert result["unhealthy_nodes"] == []
    together.live.stop("peer1.org2.lab")
    result = run_module(together, monkeypatch, capsys)
    assert result["failed"] and not result["healthy"]
    assert result["unhealthy_nodes"] == ["peer1.org2.lab"]
    assert "peer1.org2.lab is unhealthy: does not answer" in result["msg"]
    assert [line.split()[0] for line in result["table"].splitlines()][:2] == ["subject", "store"]
    result = run_module(together, monkeypatch, capsys, fail=False)
    assert not result.get("failed") and not result["healthy"]
    assert run_module(together, monkeypatch, capsys, nodes=["peer0.org1.lab"])["healthy"]
    wrong = run_module(together, monkeypatch, capsys, nodes=["peer0.org1.lba"])
    assert wrong["failed"] and "there is no node peer0.org1.lba" in wrong["msg"]
    together.live.start()
    run_module(together, monkeypatch, capsys, wait=30)


def run_module(
    together: Together, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **options: Any
) -> dict[str, Any]:
    def open_topology(params: dict[str, Any]) -> Topology:
        return Topology.from_option(params["topology"], together)

    monkeypatch.setattr(network_health, "open_topology", open_topology)
    arguments = {
        "topology": together.live.option,
        "store": together.store.option,
        "channels": [channel_option(together.live)],
        "authorities": together.option,
        **options,
        "_ansible_check_mode": True,
    }
    with patch_module_args(arguments), pytest.raises(SystemExit):
        network_health.main()
    printed = capsys.readouterr().out
    for secret in together.live.store.secrets.values():
        assert not any(value in printed for key, value in secret.items() if key.endswith("_key"))
    assert "PRIVATE KEY" not in printed
    return dict(json.loads(printed.splitlines()[-1]))


class Own:
    """The secrets of one organisation, and of no other."""

    def __init__(self, secrets: dict[str, dict[str, str]], mount: str) -> None:
        self._secrets, self._mount = secrets, mount

    def read(self, path: str) -> dict[str, str] | None:
        assert path.startswith(f"{self._mount}/"), f"{path} is another organisation's"
        return self._secrets.get(path)


@pytest.mark.parametrize(
    ("module", "organization", "stopped"),
    [(peer_health, "Org1", "peer1.org1.lab"), (orderer_health, "OrdererOrg", "orderer0.orderer.lab")],
    ids=["peers", "orderers"],
)
def test_an_organisation_judges_its_own(
    together: Together,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    module: ModuleType,
    organization: str,
    stopped: str,
) -> None:
    """With its own keys alone, and the verdict is the network's."""
    live = together.live
    own = Own(live.store.secrets, live.organizations[organization].mount)
    monkeypatch.setattr(module, "open_topology", lambda params: Topology.from_option(params["topology"], own))
    options = {
        "topology": live.option,
        "store": together.store.option,
        "channels": [channel_option(live)],
        "organizations": [organization],
    }
    answer = module_result(module, capsys, wait=30, stable_for=1, **options)
    assert answer["healthy"] and answer["elapsed"] >= 1 and not answer["changed"]
    nodes = [*live.topology.orderers, *live.topology.peers]
    wanted = {node.name for node in nodes if node.organization == organization}
    assert {result["subject"] for result in answer["results"]} == wanted
    live.stop(stopped)
    answer = module_result(module, capsys, **options)
    assert answer["failed"] and stopped in answer["unhealthy_nodes"]
    whole = {item.subject: item for item in together.check()()}
    seen = next(item for item in answer["results"] if item["subject"] == stopped)
    assert (seen["reasons"], seen["remedy"]) == (list(whole[stopped].reasons), whole[stopped].remedy)
    live.start()
    module_result(module, capsys, wait=30, **options)
    wrong = module_result(module, capsys, **{**options, "organizations": ["Org9"]})
    assert "there is no organisation Org9" in wrong["msg"]


def test_the_healthcheck_of_a_ca(together: Together, tmp_path: Path) -> None:
    """The command that its container has, on this server's ports: it asks both CAs."""
    program = tmp_path / "healthcheck"
    program.write_bytes(Builder(REPOSITORY, REPOSITORY / ".cache").helper(program.name))
    program.chmod(0o755)
    ca = together.cas[1]
    secrets = {name: str(ca.secrets / name) for name in ("tls_cert", "server_cert", "server_key")}
    files = ["-ca", secrets["tls_cert"], "-cert", secrets["server_cert"], "-key", secrets["server_key"]]
    targets = [f"https://{ADDRESS}:{ca.operations_port}/healthz"]
    targets += [f"https://{ca.address}/cainfo?ca={name}" for name in ("enrollment", "tls")]

    def ask(*more: str) -> subprocess.CompletedProcess[str]:
        command = [str(program), *targets, *more, *files, "-server-name", f"{ca.mount}.lab"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = ask()
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("status 200") == 3
    done = ask(f"https://{ca.address}/cainfo?ca=other")
    assert done.returncode == 1 and "/cainfo?ca=other: status 404" in done.stderr, done.stderr


def test_the_cas_by_themselves(together: Together, capsys: pytest.CaptureFixture[str]) -> None:
    """No topology is needed."""
    options = {"store": together.store.option, "authorities": together.option}
    answer = module_result(ca_health, capsys, wait=20, **options)
    assert answer["healthy"], answer
    assert [result["kind"] for result in answer["results"]] == ["ca"] * 3
    together.cas[0].process.stop()
    answer = module_result(ca_health, capsys, **options)
    assert answer["failed"] and answer["unhealthy_nodes"] == ["ca-orderers.lab"]
    together.cas[0].start()
    module_result(ca_health, capsys, wait=20, **options)
    assert "nothing to judge" in module_result(ca_health, capsys, store=together.store.option)["msg"]


def test_the_store_is_gone(together: Together, wire: Recorder) -> None:
    """Runs last. A check that has its keys goes on; a new one cannot judge anything, and says so at once."""
    running_check = together.check()
    assert all(result.healthy for result in running_check())
    together.store.stop()
    with wire.keeping("the store is stopped", alone(together.store)):
        found = by_name(alone(together.store)())
    assert found["store"].remedy.startswith("check that it runs")
    found = by_name(running_check())
    assert [name for name, result in found.items() if not result.healthy] == ["store"]
    assert found["store"].reasons[0].startswith("does not answer: ")
    started = time.monotonic()
    found = by_name(together.check()())
    assert time.monotonic() - started < 1
    assert all(result.status is Status.UNHEALTHY for result in found.values())
    assert found["peer0.org1.lab"].reasons == ("cannot be judged without its keys: the store does not serve",)
    together.store.start()
    eventually(lambda: by_name(together.check(nodes=["store"])())["store"].healthy, 20)


def test_the_state_of_a_new_store(tmp_path: Path) -> None:
    """Uninitialised or sealed for a moment, healthy afterwards."""
    with running_store(tmp_path) as store:
        check = alone(store)
        (result,) = wait_until_healthy(check, 20)
        assert result.facts["cert_days"] == 29


def test_a_store_that_is_not_initialised(tmp_path: Path, wire: Recorder) -> None:
    """What it is without the part of its configuration by which it initialises itself."""
    store = LiveStore(tmp_path)
    file = tmp_path / "openbao.json"
    config = json.loads(file.read_text())
    del config["initialize"]
    file.write_text(json.dumps(config))
    store.start()
    try:
        with wire.keeping("the store is not initialised", alone(store)):
            (result,) = alone(store)()
    finally:
        store.stop()
    assert (result.status, result.reasons) == (Status.UNHEALTHY, ("is not initialised",))
    assert result.remedy.startswith("run site.yml")


def test_a_sealed_store(tmp_path: Path, wire: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    """What it is when its seal key is not the one that it was initialised with."""
    with running_store(tmp_path) as store:
        check = alone(store)
        wait_until_healthy(check, 20)
        store.stop()
        key = (tmp_path / "seal_key").read_bytes()
        (tmp_path / "seal_key").write_bytes(os.urandom(32))
        store.start()
        with wire.keeping("the store is sealed", check):
            (result,) = check()
        assert (result.status, result.reasons[0]) == (Status.UNHEALTHY, "is sealed")
        assert result.remedy.startswith("check its seal key")
        assert result.facts["sealed"] is True
        # The exporter has no client certificate of the store's CA, and needs none to see this.
        bare = {key: store.option[key] for key in ("url", "server_name", "ca_file")}
        (seen,) = NetworkCheck(Topology({}, [], [], {}), store_option=bare)()  # type: ignore[arg-type]
        assert seen.reasons[0] == "is sealed"
        answer = module_result(store_health, capsys, store=store.option)
        assert answer["failed"] and answer["unhealthy_nodes"] == ["store"]
        store.stop()
        (tmp_path / "seal_key").write_bytes(key)
        store.start()
        assert module_result(store_health, capsys, store=store.option, wait=20, stable_for=1)["healthy"]


def module_result(module: ModuleType, capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    """What a module answers, in check mode, which is the same for it."""
    capsys.readouterr()
    with patch_module_args({**options, "_ansible_check_mode": True}), pytest.raises(SystemExit):
        module.main()
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))
