"""What a report says of captured answers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.status.answers import answering
from ansible_collections.selvedge.fabric.plugins.module_utils.status.report import (
    Concern,
    Report,
    Status,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.status.samples import (
    capture,
    controller,
    host,
    inputs,
    report,
)

UNREACHABLE = {"unreachable": True, "msg": "ssh: connect to host 192.0.2.2 port 22: Connection refused"}


def of(found: Report, subject: str) -> Concern:
    (concern,) = [item for item in found.concerns if item.subject == subject]
    return concern


def test_all_well() -> None:
    found = report()
    assert (found.headline, found.status, found.concerns) == ("All is well", Status.HEALTHY, ())
    assert [node.kind for node in found.nodes] == ["store", *["ca"] * 3, *["orderer"] * 3, *["peer"] * 4]
    orderers = [node for node in found.nodes if node.kind == "orderer"]
    assert [node.heights for node in orderers] == [{"demo": 3}] * 3
    assert [node.leads for node in orderers].count(("demo",)) == 1
    assert {node.version for node in orderers} == {"v2.5.9"}
    assert {node.host for node in orderers} == {"host1", "host2"}
    assert found.cert_days == 29
    assert found.nodes[1].certificates == {"TLS CA": 29, "enrolment CA": 29, "served TLS": 29}


def test_a_channel_s_definition_and_members() -> None:
    (channel,) = report().channels
    assert (channel.name, channel.status, channel.height, channel.sequence) == ("demo", Status.HEALTHY, 3, 0)
    assert channel.leader.endswith(".orderer.lab")
    assert (channel.orderers, channel.peers) == ("3 of 3", "4 of 4")
    assert channel.capabilities == (("channel", "V2_0"), ("orderer", "V2_0"), ("application", "V2_5"))
    assert (channel.consensus, channel.batch) == ("etcdraft", "100ms or 500 transactions")
    assert channel.organizations == ("Org1", "Org2")
    assert {member.state for member in channel.members} == {"consenter, active", "joined"}
    assert {member.height for member in channel.members} == {3}


def test_a_chaincode_as_it_is_committed() -> None:
    (chaincode,) = report().chaincodes
    assert (chaincode.version, chaincode.sequence, chaincode.status) == ("1.0", 1, Status.HEALTHY)
    assert (chaincode.installed, chaincode.approved) == ("4 of 4", ("Org1", "Org2"))
    assert chaincode.policy == "AND('Org1MSP.peer', 'Org2MSP.peer')"


def test_faults_are_told_with_reason_and_remedy_the_gravest_first() -> None:
    found = report("faults")
    told = {item.subject: (item.status, item.remedy) for item in found.concerns}
    results = capture("faults")["health"]["results"]
    assert told == {
        item["subject"]: (item["status"], item["remedy"]) for item in results if item["status"] != "healthy"
    }, "they are those of network_health, no more and no less"
    assert [str(item.status) for item in found.concerns] == ["unhealthy"] * 3 + ["degraded"] * 2
    assert found.headline == "5 things are not well"
    (channel,) = found.channels
    assert (channel.status, channel.orderers, channel.peers) == (Status.DEGRADED, "2 of 3", "3 of 4")
    assert [member.state for member in channel.members].count("does not answer") == 2
    (chaincode,) = found.chaincodes
    assert (chaincode.status, chaincode.installed) == (Status.HEALTHY, "3 of 4")


def test_a_channel_without_one_of_its_peers_is_degraded() -> None:
    told = capture("well")["channel"]
    silent = {"joined": False, "height": 0, "error": "UNAVAILABLE"}
    peers = {**told["channel"]["peers"], "peer1.org2.lab": silent}
    item = controller()["channels"][0]
    (channel,) = report(channels=[{"channel": {**told["channel"], "peers": peers}, "item": item}]).channels
    assert (channel.status, channel.peers) == (Status.DEGRADED, "3 of 4")


def test_a_store_that_is_down_leaves_the_hosts_and_what_was_asked_of_each_node() -> None:
    silent = {"msg": "the store does not serve", "failed": True}
    known = controller()
    found = report(
        health=capture("faults")["store_down"],
        channels=[{**silent, "item": known["channels"][0]}],
        chaincodes=[{"skipped": True, "item": known["chaincodes"][0]}],
    )
    assert len(found.nodes) == 11
    assert found.concerns[0].subject == "store", "why stands before what comes of it"
    assert of(found, "demo").reasons == ("could not be read: the store does not serve",)
    assert of(found, "demo/kv").reasons == ("could not be asked: no peer of its organisations answers",)
    assert {item.status for item in found.hosts} == {Status.HEALTHY}
    assert found.chaincodes[0].wanted == "1.0"


def test_a_health_check_that_failed_itself_leaves_the_nodes_unknown() -> None:
    found = report(health={"failed": True, "msg": "grpcio is missing"})
    assert of(found, "lab").reasons == ("its health could not be asked: grpcio is missing",)
    assert len(found.nodes) == 10 and {node.status for node in found.nodes} == {Status.UNKNOWN}
    assert found.nodes[0].organization == "orderers"


def test_what_a_module_says_to_do_next_is_the_remedy() -> None:
    said = "the store's cert_file 'x' is not a file. Next: run bootstrap.yml first"
    silent = {"failed": True, "msg": said}
    found = report(health=silent, channels=[{**silent, "item": controller()["channels"][0]}])
    for subject, verb in (("lab", "its health could not be asked"), ("demo", "could not be read")):
        assert of(found, subject).reasons == (f"{verb}: the store's cert_file 'x' is not a file",)
        assert of(found, subject).remedy == "run bootstrap.yml first"
    assert (found.channels[0].orderers, found.channels[0].peers) == ("? of 3", "? of 4")


def test_a_host_that_is_down_comes_first() -> None:
    found = report("faults", hosts={"host1": host(), "host2": UNREACHABLE})
    assert found.concerns[0].subject == "host2"
    assert "cannot be reached: ssh: connect" in found.concerns[0].reasons[0]
    assert "preflight.yml" in found.concerns[0].remedy
    assert found.hosts[1].told and found.hosts[1].services


def test_a_host_that_hung_is_unknown_and_one_that_was_not_asked_is_no_concern() -> None:
    found = report(hosts={"host1": {"failed": True, "msg": "Timed out after 30 second(s)."}})
    assert (of(found, "host1").status, found.hosts[0].status) == (Status.UNKNOWN, Status.UNKNOWN)
    assert (len(found.concerns), found.hosts[1].told) == (1, "not asked (--limit)")
    assert found.hosts[1].status is Status.UNKNOWN


def changed_container(**changes: Any) -> dict[str, Any]:
    containers = host()["host"]["containers"]
    return host(containers=[{**containers[0], **changes}, *containers[1:]])


@pytest.mark.parametrize(
    ("told", "status", "reason"),
    [
        (
            changed_container(state="exited", exit_code=137, oom_killed=True),
            "unhealthy",
            "container assets.peer0.org1.operate.example is exited with 137, out of memory",
        ),
        (
            changed_container(health="unhealthy"),
            "unhealthy",
            "container assets.peer0.org1.operate.example is running, unhealthy",
        ),
        (host(failed_units=["selvedge-agent.service"]), "degraded", "failed units: selvedge-agent.service"),
        (
            host(engine={"present": True, "version": "", "compose": "", "error": "no socket"}, containers=[]),
            "unhealthy",
            "its engine does not answer: no socket",
        ),
        (
            host(engine={"present": False, "version": "", "compose": "", "error": ""}, containers=[]),
            "unhealthy",
            "it has no engine",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_on_a_host(told: dict[str, Any], status: str, reason: str) -> None:
    found = report(hosts={"host1": told, "host2": host()})
    concern = of(found, "host1")
    assert (concern.status, concern.reasons) == (status, (reason,))
    assert concern.remedy
    assert (found.hosts[0].status, found.hosts[1].status) == (status, "healthy")


def test_a_container_that_starts_is_no_concern() -> None:
    assert report(hosts={"host1": changed_container(health="starting")}).concerns == ()


def test_a_host_that_the_health_check_judged_is_not_a_node() -> None:
    """Its verdict on a host's disks stands in the host's line."""
    verdict = {
        "subject": "host1", "kind": "host", "organization": "", "status": "degraded",
        "reasons": ["/ has 5.0 % free"], "remedy": "make room", "facts": {},
    }  # fmt: skip
    health = capture("well")["health"]
    found = report(health={**health, "results": [verdict, *health["results"]]})
    assert (found.hosts[0].status, len(found.nodes)) == ("degraded", 11)
    assert of(found, "host1").remedy == "make room"


def chaincode(**changes: Any) -> list[dict[str, Any]]:
    return [{**capture("well")["chaincode"], "item": controller()["chaincodes"][0], **changes}]


def test_a_chaincode_that_is_not_committed() -> None:
    found = report(chaincodes=chaincode(committed=None, approved={"Org1": None, "Org2": None}))
    assert of(found, "demo/kv").reasons == ("is not committed",)
    assert (found.chaincodes[0].status, found.chaincodes[0].version) == (Status.UNHEALTHY, "")


def test_a_chaincode_of_another_version_than_the_model_s() -> None:
    item = {**controller()["chaincodes"][0], "version": "2.0"}
    found = report(chaincodes=chaincode(item=item))
    assert of(found, "demo/kv").reasons == ("version 1.0 is committed, the model says 2.0",)


def test_a_peer_without_the_package_that_its_organisation_approved() -> None:
    told = capture("well")["chaincode"]
    found = report(
        chaincodes=chaincode(installed={**told["installed"], "peer1.org2.lab": {"other:1": "other"}})
    )
    assert of(found, "demo/kv").reasons == ("its package is not installed on peer1.org2.lab",)
    assert found.chaincodes[0].installed == "3 of 4"


def test_an_approval_of_the_next_sequence_does_not_count_yet() -> None:
    told = capture("well")["chaincode"]
    ahead = {**told["approved"]["Org2"], "sequence": 2, "package_id": "kv:2"}
    found = report(chaincodes=chaincode(approved={**told["approved"], "Org2": ahead}))
    assert found.chaincodes[0].approved == ("Org1",)
    assert found.concerns == (), "what runs is the committed definition"


def test_a_channel_that_nobody_has() -> None:
    known = controller()
    found = report(channels=[{**capture("faults")["channel_missing"], "item": known["channels"][0]}])
    assert of(found, "demo").reasons == ("no orderer that answers has it",)
    assert "site.yml" in of(found, "demo").remedy


def test_only_peers_that_answer_are_asked() -> None:
    """Real: with all four asked, one silent peer is the whole answer."""
    assert capture("faults")["chaincode_of_all"]["failed"]
    known = controller()
    found = answering(known["chaincodes"][0], capture("faults")["health"], known["topology"])
    assert found == {
        "organizations": ["Org1", "Org2"],
        "peers": ["peer0.org1.lab", "peer1.org1.lab", "peer0.org2.lab"],
    }
    assert (
        answering(known["chaincodes"][0], capture("faults")["store_down"], known["topology"])["peers"] == []
    )
    assert answering(known["chaincodes"][0], {"failed": True}, known["topology"])["organizations"] == []


def test_inputs_are_not_changed() -> None:
    """They are Ansible's, and other tasks read them."""
    given = inputs()
    before = repr(given)
    report()
    assert repr(given) == before
