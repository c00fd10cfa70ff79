"""Faults made for real: who is woken hears of each by the right labels, the health check and the page say the same.

Faults that do not hide each other are made at the same time: what takes time is the waiting that alerts do.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial

import pytest
from ansible_collections.selvedge.fabric.molecule.shared.testing import faults
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.monitoring import Server
from ansible_collections.selvedge.fabric.molecule.shared.testing.receiver import Receiver
from ansible_collections.selvedge.fabric.molecule.shared.testing.runs import (
    ROOT,
    Model,
    Operator,
    environment,
)
from ansible_collections.selvedge.fabric.molecule.shared.testing.traffic import Traffic
from ansible_collections.selvedge.fabric.molecule.shared.testing.waiting import eventually
from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.config import Config
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    Authority,
    ChaincodeMembers,
    ChannelMembers,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_host import (
    HostEvidence,
    judge_host,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import NetworkCheck
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Service
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.queries import QUERIES
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.topology import topology
from ansible_collections.selvedge.fabric.tests.pictures.numbers import STATES
from ansible_collections.selvedge.fabric.tests.pictures.webdriver import Browser

PLACE = "org1/receivers/test"
# An alert holds for two minutes at most before it is told, and is looked at and gathered before that.
TOLD_S, AGREE_S = 300, 120
# Rates look back five minutes, an orderer that was away is called again every two, and word of it waits for one.
OVER_S = 480
QUIET_S, CLIENTS = 15 * 60, 4
AGAIN_S = 20 * 60
FULL = "/srv"


@dataclass(frozen=True)
class Fault:
    """One fault.

    :param make: makes it, and mends it at its end
    :param alerts: names with labels of what has to be told
    :param page: what the network page has to show: a query's name, labels, and the value
    :param judged: the subject whose verdict is not healthy, and what stands in its reasons
    """

    make: Callable[[], AbstractContextManager[None]]
    alerts: list[tuple[str, dict[str, str]]]
    page: list[tuple[str, dict[str, str], Callable[[float], bool]]]
    judged: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture(scope="module")
def receiver(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """Alertmanager's receiver, which a run of site.yml adds to the deployed network, and one takes away."""
    with Receiver(deployment.controller_address).listening() as found:
        deployment.store.write(PLACE, {"url": found.url})
        operator = Operator(deployment, tmp_path_factory.mktemp("edited"))
        item = {
            # Alertmanager remembers for hours what it told whom.
            "name": f"test-{found.port}",
            "kind": "webhook",
            "secret": PLACE,
            "severities": ["critical", "warning", "info"],
        }

        def told(model: Model) -> None:
            model["monitoring"]["receivers"] = [item]

        with operator.edited(told):
            operator.run("site")
            yield found
        operator.run("site")
        deployment.store.delete(PLACE)


def verdicts(deployment: Deployment) -> dict[str, Health]:
    """What the module network_health says now, without waiting."""
    known = deployment.controller
    check = NetworkCheck(
        # A new one: it remembers what it has read in the store.
        Topology.from_option(known["topology"], deployment.store),
        [ChannelMembers.from_option(item) for item in known["channels"]],
        [Authority.from_option(item) for item in known["authorities"]],
        known["store"],
        chaincodes=[ChaincodeMembers.from_option(item) for item in known["chaincodes"]],
    )
    return {result.subject: result for result in check()}


def room(deployment: Deployment, host: str) -> Health:
    """What the modules host_info and network_health make of a host's disks."""
    command = ["ansible", host, "-i", str(deployment.inventory), "-m", "selvedge.fabric.host_info",
               "-a", json.dumps({"paths": [FULL]})]  # fmt: skip
    env = environment(ANSIBLE_CALLBACK_RESULT_FORMAT="json")
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
    disks = json.loads(done[done.index("{") :])["disks"]
    return judge_host(HostEvidence.from_option({"name": host, "disks": disks}), 10, 2)


def named(deployment: Deployment, name: str) -> Service:
    services = [*deployment.network.orderers, *deployment.network.peers]
    return next(item for item in services if item.name.startswith(f"{name}."))


def node_down(service: Service) -> Fault:
    """What every node that is stopped has in common."""
    label = {"node": service.name, "host": service.host.name, "organization": service.organization}
    return Fault(
        lambda: faults.stopped(service),
        [("NodeDown", {**label, "severity": "critical"})],
        [("up", {"node": service.name, "job": service.kind}, lambda value: value == 0)],
        [(service.name, "does not answer")],
    )


def several(deployment: Deployment) -> list[Fault]:
    """One of each that touches no other's node: six faults."""
    chaincode = next(item for item in deployment.network.chaincodes if item.organization == "org1")
    orderer, cut, short, late = (
        named(deployment, name) for name in ("orderer3.orderers", "peer1.org2", "peer0.org2", "peer1.org1")
    )
    down = node_down(orderer)
    return [
        Fault(
            down.make,
            [*down.alerts, ("QuorumAtRisk", {"channel": "main", "severity": "warning"})],
            [*down.page, ("active", {"channel": "main"}, lambda value: value == 2)],
            down.judged,
        ),
        Fault(
            lambda: faults.stopped(chaincode, "kill"),
            [
                (
                    "ChaincodeGone",
                    {
                        "node": chaincode.name,
                        "channel": "main",
                        "chaincode": "assets",
                        "severity": "critical",
                    },
                )
            ],
            [("chaincode", {"node": chaincode.name}, lambda value: value == 0)],
            [(peer_of(deployment, chaincode), "chaincode assets does not answer through it")],
        ),
        Fault(
            lambda: faults.full_disk(f"{deployment.lab_name}-host3", FULL),
            [("DiskFull", {"host": "host3", "mountpoint": FULL, "severity": "critical"})],
            [("disk", {"host": "host3"}, lambda value: value < 0.08)],
            [("host3", FULL)],
        ),
        Fault(
            lambda: faults.short_lived(deployment, short, 12),
            [("CertificateExpiresInADay", {"node": short.name, "severity": "critical"})],
            [("served_days", {"node": short.name}, lambda value: 0 < value < 1)],
            [(short.name, "its TLS certificate expires in 0 days")],
        ),
        Fault(
            lambda: faults.wrong_clock(late, 120),
            [("ClockSkew", {"host": late.host.name, "severity": "warning"})],
            [("clock", {"host": late.host.name}, lambda value: 118 < value < 122)],
            [(late.name, "s ahead of ours")],
        ),
        Fault(
            lambda: faults.cut_block_file(cut, "main"),
            [("NodeUnhealthy", {"node": cut.name, "host": cut.host.name, "severity": "critical"})],
            [("verdict", {"subject": cut.name}, lambda value: value == 2)],
            [(cut.name, "cannot be read")],
        ),
    ]


def peer_of(deployment: Deployment, chaincode: Service) -> str:
    """The peer beside an instance of a chaincode."""
    return next(
        peer.name
        for peer in deployment.network.peers
        if peer.host == chaincode.host and peer.organization == chaincode.organization
    )


def no_quorum(deployment: Deployment) -> list[Fault]:
    """Two orderers of three, and a peer that hangs."""
    first, second, hanging = (
        named(deployment, name) for name in ("orderer2.orderers", "orderer3.orderers", "peer1.org2")
    )
    lost = ("QuorumLost", {"channel": "main", "severity": "critical"})
    left = named(deployment, "orderer1.orderers")
    return [
        node_down(first),
        Fault(
            node_down(second).make,
            [*node_down(second).alerts, lost],
            [("active", {"channel": "main"}, lambda value: value == 1)],
            [(left.name, "no quorum (2)")],
        ),
        Fault(
            lambda: faults.paused(hanging),
            [("NodeDown", {"node": hanging.name, "severity": "critical"})],
            [("up", {"node": hanging.name, "job": "peer"}, lambda value: value == 0)],
            [(hanging.name, "no answer in")],
        ),
    ]


def partition(deployment: Deployment) -> list[Fault]:
    here = [
        item
        for item in [*deployment.network.orderers, *deployment.network.peers]
        if item.host.name == "host3"
    ]
    return [
        Fault(
            lambda: faults.cut_off("host3"),
            [
                ("HostDown", {"host": "host3", "severity": "critical"}),
                ("QuorumAtRisk", {"channel": "main", "severity": "warning"}),
            ],
            [("up", {"node": item.name, "job": item.kind}, lambda value: value == 0) for item in here],
            [(item.name, "answers") for item in here],
        )
    ]


def seal(deployment: Deployment) -> list[Fault]:
    name = f"store.{deployment.network.settings['domain']}"
    return [
        Fault(
            lambda: faults.sealed(deployment),
            [("StoreSealed", {"node": name, "host": "host1", "severity": "critical"})],
            [("sealed", {}, lambda value: value == 1)],
            [("store", "sealed")],
        )
    ]


ROUNDS = {"several": several, "no_quorum": no_quorum, "partition": partition, "seal": seal}
# What may be told beside it, with labels: it is true, and follows from the fault.
FOLLOWS: dict[str, list[tuple[str, dict[str, str]]]] = {
    # Its peer has no chaincode, another no ledger: neither has the probe's transaction.
    "several": [
        ("NodeUnhealthy", {}),
        ("NodeDegraded", {}),
        ("CommitProbeFailing", {}),
        ("EndorsementFailing", {}),
    ],
    "no_quorum": [],
    "partition": [("CommitProbeFailing", {}), ("NodeUnhealthy", {})],
    # What is told of its own verdict is silenced; nobody else is the worse for it.
    "seal": [],
}
# Of what these tests start again and again it is said for a quarter of an hour, rightly.
AGAIN = "ContainerRestarting"


def has(found: list[dict[str, str]], name: str, labels: dict[str, str]) -> bool:
    wanted = {"alertname": name, **labels}
    return any(wanted.items() <= item.items() for item in found)


def only_the_store_is_unwell(prometheus: Server, store: str, since: float) -> None:
    """Once its own verdict has lasted long enough to be told, another one's would have, too.

    :param store: its container's name
    :param since: seconds since 1970; a transaction has to have been tried after that
    """
    alerts = prometheus.query('ALERTS{alertname="NodeUnhealthy",alertstate="firing"}')
    assert [item["metric"]["node"] for item in alerts] == [store]
    verdicts = prometheus.query(QUERIES["verdict"].ask())
    assert [item["metric"]["subject"] for item in verdicts if float(item["value"][1])] == ["store"]
    # What has ended by then may have begun before.
    tried = prometheus.query("selvedge_commit_probe_last_run_timestamp_seconds")
    assert tried and all(float(item["value"][1]) > since + Config.probe_timeout for item in tried)
    probed = prometheus.query(QUERIES["probe_success"].ask())
    assert probed and {float(item["value"][1]) for item in probed} == {1.0}


def test_nothing_is_told_of_a_healthy_network_under_load(
    ledger: Ledger, prometheus: Server, receiver: Receiver
) -> None:

    def quiet() -> None:
        assert prometheus.query('ALERTS{alertstate="firing"}') == []

    # What other tests started again and again is told of for a quarter of an hour, rightly.
    eventually(quiet, AGAIN_S, AssertionError)
    receiver.forget()
    end = time.monotonic() + QUIET_S
    with ExitStack() as stack:
        clients = [stack.enter_context(Traffic(ledger)) for _unused in range(CLIENTS)]
        while time.monotonic() < end:
            quiet()
            assert receiver.heard == []
            time.sleep(5)
    assert [client.refused for client in clients] == [[]] * CLIENTS
    # Far below what it does; far above what is no load.
    assert sum(len(client.committed) for client in clients) > QUIET_S


@pytest.mark.parametrize("name", ROUNDS)
def test_each_fault_is_told_and_is_over_when_mended(
    deployment: Deployment,
    prometheus: Server,
    receiver: Receiver,
    page_or_none: Browser | None,
    name: str,
) -> None:
    made = ROUNDS[name](deployment)

    def over() -> None:
        assert [item for item in receiver.firing if item["alertname"] != AGAIN] == []
        # What is true, but not long enough to be told, would be told of in the next round.
        assert prometheus.query(f'ALERTS{{alertname!="{AGAIN}"}}') == []
        assert [item for item in verdicts(deployment).values() if not item.healthy] == []

    eventually(over, OVER_S, AssertionError)
    receiver.forget()

    def told() -> None:
        missing = [alert for fault in made for alert in fault.alerts if not has(receiver.firing, *alert)]
        assert missing == [], receiver.firing

    def shown() -> None:
        wrong = []
        for fault in made:
            for query, labels, right in fault.page:
                series = prometheus.query(QUERIES[query].ask(**labels))
                values = [float(item["value"][1]) for item in series]
                if not values or not all(right(value) for value in values):
                    wrong.append((query, labels, values))
        assert wrong == []

    def drawn() -> None:
        """What is unwell is not drawn as well on the page."""
        assert page_or_none
        states = dict(page_or_none.run(STATES))
        nodes = {node["subject"]: node["name"] for node in topology(deployment.network)["nodes"]}
        unwell = {nodes[subject] for fault in made for subject, _unused in fault.judged if subject in nodes}
        assert {name: states.get(name) for name in unwell if states.get(name) in (None, "good")} == {}

    def judged() -> None:
        found = verdicts(deployment)
        if any(subject == "host3" for fault in made for subject, _unused in fault.judged):
            found["host3"] = room(deployment, "host3")
        wrong = [
            (subject, text, found[subject].reasons if subject in found else "not judged")
            for fault in made
            for subject, text in fault.judged
            if subject not in found or not any(text in reason for reason in found[subject].reasons)
        ]
        assert wrong == []
        assert all(found[subject].remedy for fault in made for subject, _unused in fault.judged)

    with ExitStack() as stack:
        for fault in made:
            stack.enter_context(fault.make())
        began = time.time()
        eventually(told, TOLD_S, AssertionError)
        eventually(shown, AGREE_S, AssertionError, OSError)
        eventually(judged, AGREE_S, AssertionError)
        if page_or_none:
            eventually(drawn, AGREE_S, AssertionError)
        if name == "seal":
            store = f"store.{deployment.network.settings['domain']}"
            unwell = partial(only_the_store_is_unwell, prometheus, store, began)
            eventually(unwell, TOLD_S, AssertionError)
        known = [(alert, {}) for fault in made for alert, _unused in fault.alerts]
        known += [*FOLLOWS[name], (AGAIN, {})]
        beside = [item for item in receiver.heard if not any(has([item], *alert) for alert in known)]
        assert beside == []
        if name == "partition":
            # It silences what runs there.
            here = {item["alertname"] for item in receiver.heard if item.get("host") == "host3"}
            assert here - {AGAIN} == {"HostDown"}

    eventually(over, OVER_S, AssertionError)
