"""Every node gets another log level while transactions go on: one at a time, the leader last, nothing lost."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from ansible_collections.selvedge.fabric.molecule.operate.tests.test_plan import NODES, log_level
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import the_host
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.runs import Model, Operator
from ansible_collections.selvedge.fabric.molecule.shared.testing.traffic import Traffic
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import ChannelMembers
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import NetworkCheck


@dataclass(frozen=True)
class Outage:
    """When a node did not run, in nanoseconds."""

    node: str
    begin: int
    end: int


def outages(host: str, since: int, until: int) -> list[Outage]:
    """What the host's engine says about containers that died and started."""
    command = (
        f"docker events --since {since} --until {until} --filter type=container --format '{{{{json .}}}}'"
    )
    found, died = [], {}
    for line in the_host(host).run(command).stdout.splitlines():
        event = json.loads(line)
        # Compose gives what it replaces a temporary name, the container's first twelve digits in front.
        name = event["Actor"]["Attributes"]["name"].rpartition("_")[2]
        if event["Action"] == "die":
            died[name] = event["timeNano"]
        elif event["Action"] == "start" and name in died:
            found.append(Outage(name, died.pop(name), event["timeNano"]))
    assert not died, f"never started again: {died}"
    return found


def leader(deployment: Deployment) -> str:
    members = [ChannelMembers.from_option(item) for item in deployment.controller["channels"]]
    results = NetworkCheck(deployment.topology, members)()
    (found,) = {
        facts["leader"]
        for result in results
        if result.kind == "orderer"
        for facts in result.facts["channels"].values()
    }
    return str(found)


def other_log_level(model: Model) -> None:
    log_level(model)
    for org in model["organizations"]:
        for node in [*org.get("orderers", []), *org.get("peers", [])]:
            node["log_level"] = "info:gossip=error"


def now() -> int:
    """Seconds, by the clock of the hosts, which is this machine's."""
    return int(the_host("host1").run("date +%s").stdout)


def test_nodes_restart_one_at_a_time_under_traffic_and_nothing_is_lost(
    operator: Operator, deployment: Deployment, ledger: Ledger
) -> None:
    led = leader(deployment)
    since = now()
    operator.edit(other_log_level)
    with Traffic(ledger) as traffic:
        operator.run("site")
    until = now() + 1
    found = sorted(
        (outage for host in deployment.variables for outage in outages(host, since, until)),
        key=lambda outage: outage.begin,
    )
    assert {outage.node for outage in found} >= NODES
    for first, second in zip(found, found[1:], strict=False):
        assert first.end <= second.begin, f"{first.node} and {second.node} were down at the same time"
    orderers = [outage.node for outage in found if outage.node.startswith("orderer")]
    assert orderers[-1] == led
    # Clients that know more than one peer went on all the time, and what they were told is committed is.
    assert len(traffic.committed) > len(found), traffic.refused
    _unused, last = ledger.create()
    ledger.wait_for(last.tx_id)
    for peer in ledger.peers:
        missing = [asset for asset in traffic.committed if ledger.read(peer, asset)["id"] != asset]
        assert not missing


def test_each_host_says_so_in_its_own_words(deployment: Deployment) -> None:
    """The setting has arrived: what a container is told is what the model says."""
    for name in sorted(NODES):
        host = deployment.controller["placement"][name]
        command = ["docker", "inspect", "--format", "{{json .Config.Env}}", name]
        assert "FABRIC_LOGGING_SPEC=info:gossip=error" in json.loads(
            the_host(host).run(shlex.join(command)).stdout
        )
