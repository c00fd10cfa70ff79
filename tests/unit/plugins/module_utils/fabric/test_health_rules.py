"""Verdicts: each reason with its remedy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.clock import Clock
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import (
    FabricError,
    NoAnswerError,
    NotReadyError,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health, Status
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_channel import (
    ChannelView,
    view_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    Authority,
    AuthorityEvidence,
    AuthorityInfo,
    Certificates,
    ChannelMembers,
    NoLeaderError,
    OrdererEvidence,
    PeerEvidence,
    State,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_hosts import silent_hosts
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_probes import store_answer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_rules import (
    Rules,
    judge_authority,
    judge_orderer,
    judge_peer,
    judge_store,
    unjudged,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import ChannelStatus
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.fabric.health_samples import (
    REFUSED,
    STORE_SEALED,
    STORE_UNINITIALIZED,
    certificate,
    certificates,
    dead_orderer,
    ledger,
    node,
    operations,
    orderer,
    orderers,
    peer,
    peers,
    view,
)

RULES = Rules()
HEALTHY, DEGRADED, UNHEALTHY = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY


def judged_orderer(evidence: OrdererEvidence, channel: ChannelView | None = None) -> Health:
    return judge_orderer(evidence, {"demo": channel or view(orderers(orderer1=evidence))}, RULES)


def judged_peer(evidence: PeerEvidence, rules: Rules = RULES) -> Health:
    return judge_peer(evidence, {"demo": view(members=peers(peer1=evidence))}, rules)


def expect(found: Health, status: Status, reason: str, remedy: str) -> None:
    """One reason only, with its remedy."""
    assert (found.status, found.reasons) == (status, (reason,) if reason else ())
    assert remedy in found.remedy and bool(remedy) == bool(found.remedy)


def test_healthy_nodes() -> None:
    found = judged_orderer(orderer("orderer1"))
    expect(found, HEALTHY, "", "")
    assert found.facts == {
        "version": "v2.5.9",
        "cert_days": 300,
        "certificates": {"TLS": 300, "signing": 300},
        "channels": {
            "demo": {
                "height": 5,
                "lag": 0,
                "hash": "hash of 4",
                "status": "active",
                "relation": "consenter",
                "leader": "orderer0",
                "consensus": "Raft",
                "active": 3,
                "consenters": 3,
                "quorum": 2,
            }
        },
    }
    found = judged_peer(peer("peer1"))
    expect(found, HEALTHY, "", "")
    assert found.facts["channels"] == {"demo": {"height": 5, "lag": 0, "hash": "hash of 4"}}


def test_as_dict_has_plain_types_only() -> None:
    found = judged_peer(peer("peer1", ledgers={"demo": ledger(4)})).as_dict()
    keys = ["subject", "kind", "organization", "status", "reasons", "remedy", "facts"]
    assert list(found) == keys
    assert (found["status"].__class__, found["reasons"].__class__) == (str, list)


# --- reachability ---


def test_a_node_that_does_not_run() -> None:
    reason = "does not answer: neither gRPC orderer1:7050 nor operations orderer1:9443: Connection refused"
    expect(judged_orderer(dead_orderer("orderer1")), UNHEALTHY, reason, "start it")
    gone = peer("peer1", operations=REFUSED, joined=REFUSED, ledgers={"demo": REFUSED})
    expect(judged_peer(gone), UNHEALTHY, reason.replace("orderer1", "peer1"), "start it")
    assert "channels" not in judged_peer(gone).facts


def test_grpc_does_not_serve() -> None:
    error = NotReadyError("asking cscc failed: UNAVAILABLE: handshake", "peer1", "look at its log")
    found = judged_peer(peer("peer1", joined=error, ledgers={"demo": error}))
    expect(found, UNHEALTHY, "gRPC peer1:7050 does not serve: UNAVAILABLE: handshake", "look at its log")
    found = judged_orderer(orderer("orderer1", serving=FabricError("FORBIDDEN")))
    expect(found, UNHEALTHY, "gRPC orderer1:7050 does not serve: FORBIDDEN", "read its log")


def test_operations_do_not_answer() -> None:
    error = FabricError("/metrics answered with HTTP 401", "", "check the client certificate")
    found = judged_peer(peer("peer1", operations=error))
    reason = "operations peer1:9443: /metrics answered with HTTP 401"
    expect(found, DEGRADED, reason, "check the client certificate")


def test_its_own_health_check_fails() -> None:
    found = judged_peer(peer("peer1", operations=operations(failed_checks=("couchdb: refused",))))
    expect(found, UNHEALTHY, "its own health check fails: couchdb: refused", "look at its CouchDB")


def test_no_metrics() -> None:
    found = judged_peer(peer("peer1", operations=operations(metrics=None)))
    expect(found, DEGRADED, "operations peer1:9443: it keeps no metrics", "prometheus")
    assert found.lasting


# --- orderers in channels ---


def test_participation_api_does_not_answer() -> None:
    error = FabricError("no answer", "", "check the admin port")
    found = judged_orderer(orderer("orderer1", admin=error, statuses={"demo": error}))
    expect(found, UNHEALTHY, "participation API: no answer", "check the admin port")


def test_one_channel_is_refused() -> None:
    found = judged_orderer(orderer("orderer1", statuses={"demo": FabricError("HTTP 500")}))
    expect(found, UNHEALTHY, "channel demo: participation API: HTTP 500", "read its log")


def test_an_orderer_that_has_not_joined() -> None:
    error = NotReadyError("reading blocks failed: NOT_FOUND")
    found = judged_orderer(orderer("orderer1", statuses={"demo": None}, ledgers={"demo": error}))
    expect(found, UNHEALTHY, "channel demo: it has not joined", "site.yml")


@pytest.mark.parametrize(
    ("relation", "status", "reason", "remedy"),
    [
        ("follower", "active", "it is follower, not consenter", "site.yml"),
        ("consenter", "onboarding", "its status is onboarding", "read its log"),
        ("consenter", "failed", "its status is failed", "read its log"),
    ],
)
def test_an_orderer_that_takes_no_part(relation: str, status: str, reason: str, remedy: str) -> None:
    found = judged_orderer(orderer("orderer1", statuses={"demo": ChannelStatus("demo", relation, status, 5)}))
    expect(found, UNHEALTHY, f"channel demo: {reason}", remedy)


def test_an_orderer_that_knows_no_leader() -> None:
    found = judged_orderer(orderer("orderer1", ledgers={"demo": NoLeaderError("it knows no leader")}))
    expect(found, UNHEALTHY, "channel demo: it knows no Raft leader", "if it stays so")
    assert "leader" not in found.facts["channels"]["demo"]
    assert found.facts["channels"]["demo"]["height"] == 5, "the participation API still tells it"


def test_a_ledger_that_cannot_be_read() -> None:
    error = FabricError("reading blocks failed: FORBIDDEN", "", "check the signer")
    found = judged_orderer(orderer("orderer1", ledgers={"demo": error}))
    expect(found, UNHEALTHY, "channel demo: reading blocks failed: FORBIDDEN", "check the signer")


def test_one_of_three_stopped() -> None:
    channel = view(orderers(orderer2=dead_orderer("orderer2")))
    found = judged_orderer(orderer("orderer1"), channel)
    expect(
        found,
        DEGRADED,
        "channel demo: 2 of 3 consenters active, quorum (2) remains, without orderer2",
        "bring back orderer2, before another one stops",
    )
    assert found.facts["channels"]["demo"]["missing"] == ["orderer2"]


def test_one_that_the_leader_does_not_hear() -> None:
    channel = view(orderers(orderer0=orderer("orderer0", leader=True, active=2)))
    found = judged_orderer(orderer("orderer1"), channel)
    reason = "channel demo: 2 of 3 consenters active, quorum (2) remains, without one that the leader does not hear"
    expect(found, DEGRADED, reason, "bring back the orderer that takes no part")


def test_two_of_three_stopped() -> None:
    found = judged_orderer(
        orderer("orderer0", leader=True),
        view(orderers(orderer1=dead_orderer("orderer1"), orderer2=dead_orderer("orderer2"))),
    )
    reason = "channel demo: 1 of 3 consenters active, no quorum (2), without orderer1, orderer2"
    expect(found, UNHEALTHY, reason, "bring back orderer1, orderer2")


def test_the_leader_stopped() -> None:
    found = judged_orderer(orderer("orderer1"), view(orderers(orderer0=dead_orderer("orderer0"))))
    assert found.status is UNHEALTHY
    assert found.reasons == (
        "channel demo: no consenter says that it is the Raft leader",
        "channel demo: 2 of 3 consenters active, quorum (2) remains, without orderer0",
    )
    assert "certificates" in found.remedy, "of the gravest reason"


def test_two_leaders() -> None:
    found = judged_orderer(orderer("orderer1", leader=True))
    expect(found, UNHEALTHY, "channel demo: several Raft leaders: orderer0, orderer1", "network between them")


def test_more_consenters_than_defined() -> None:
    four = orderers(orderer0=orderer("orderer0", leader=True, active=4, size=4))
    found = judged_orderer(orderer("orderer1"), view(four))
    expect(found, DEGRADED, "channel demo: has 4 consenters, its definition names 3", "site.yml")


def test_an_orderer_of_which_nobody_knows_whether_it_joined() -> None:
    """Neither its participation API nor its metrics were to be asked; its blocks are."""
    expect(judged_orderer(orderer("orderer1", statuses={})), HEALTHY, "", "")


def test_an_orderer_before_channels() -> None:
    found = judge_orderer(orderer("orderer1", statuses={}, ledgers={}), {}, RULES)
    expect(found, HEALTHY, "", "")
    assert found.facts["channels"] == {}


# --- peers in channels ---


def test_a_peer_that_has_not_joined() -> None:
    found = judged_peer(peer("peer1", joined=[], ledgers={"demo": FabricError("access denied")}))
    expect(found, UNHEALTHY, "channel demo: it has not joined", "site.yml")


def test_a_peers_ledger_that_cannot_be_read() -> None:
    found = judged_peer(peer("peer1", ledgers={"demo": FabricError("asking qscc failed: 500")}))
    expect(found, UNHEALTHY, "channel demo: asking qscc failed: 500", "read its log")


@pytest.mark.parametrize(
    ("height", "text"), [(4, "1 block behind (4 of 5)"), (2, "3 blocks behind (2 of 5)")]
)
def test_a_peer_that_is_behind(height: int, text: str) -> None:
    behind = peer("peer1", ledgers={"demo": ledger(height)})
    found = judged_peer(behind)
    expect(found, DEGRADED, f"channel demo: {text}", "wait")
    assert found.facts["channels"]["demo"]["lag"] == 5 - height
    assert not found.lasting
    assert judged_peer(behind, Rules(max_lag=5 - height)).healthy
    assert not judged_peer(behind, Rules(max_lag=4 - height)).healthy


def test_an_orderer_that_is_behind() -> None:
    found = judged_orderer(orderer("orderer1", ledgers={"demo": ledger(4)}))
    expect(found, DEGRADED, "channel demo: 1 block behind (4 of 5)", "wait")


def test_a_state_database_that_does_not_answer() -> None:
    error = FabricError("asking _lifecycle on channel demo failed: 500: couchdb: refused")
    found = judged_peer(peer("peer1", states={"demo": error}))
    expect(
        found, UNHEALTHY, "channel demo: its state database does not answer: 500: couchdb: refused", "CouchDB"
    )
    # The peer as a whole is the reason, where its ledger does not answer either.
    found = judged_peer(peer("peer1", states={"demo": error}, ledgers={"demo": error}))
    assert len(found.reasons) == 1


def with_chaincode(error: FabricError | None, committed: tuple[str, ...] = ("assets",)) -> PeerEvidence:
    return peer("peer1", states={"demo": State(committed)}, chaincodes={"demo": {"assets": error}})


def test_chaincodes() -> None:
    found = judged_peer(with_chaincode(None))
    expect(found, HEALTHY, "", "")
    assert found.facts["channels"]["demo"]["chaincodes"] == {"assets": True}
    found = judged_peer(with_chaincode(NotReadyError("chaincode assets does not answer: refused")))
    assert (found.status, found.facts["channels"]["demo"]["chaincodes"]) == (UNHEALTHY, {"assets": False})
    assert found.reasons[0].startswith("channel demo: chaincode assets does not answer through it: ")
    assert "container" in found.remedy
    # What is not committed cannot answer: one reason, and another remedy.
    found = judged_peer(with_chaincode(NotReadyError("no"), committed=()))
    expect(found, UNHEALTHY, "channel demo: chaincode assets is not committed", "site.yml")


def test_a_damaged_block() -> None:
    damaged = replace(ledger(), damage="cannot be read: EOF")
    found = judged_peer(peer("peer1", ledgers={"demo": damaged}))
    expect(found, UNHEALTHY, "channel demo: its newest block (4) cannot be read: EOF", "rebuild its ledger")
    assert found.lasting


def test_an_orderer_whose_blocks_cannot_be_read_tells_its_height() -> None:
    status = ChannelStatus("demo", "consenter", "active", 3)
    evidence = orderer("orderer1", ledgers={"demo": FabricError("INTERNAL")}, statuses={"demo": status})
    found = judged_orderer(evidence)
    assert "channel demo: 2 blocks behind (3 of 5)" in found.reasons
    assert found.facts["channels"]["demo"]["lag"] == 2


def test_nothing_answers_at_a_host() -> None:
    """Then it is not the node's fault; and no answer is another thing than a refusal."""
    refused = dead_orderer("orderer1")
    rules = Rules(silent_hosts=frozenset({"orderer1"}))
    found = judge_orderer(refused, {}, rules)
    assert found.reasons[0].endswith("Connection refused; nothing at orderer1 answers")
    assert found.remedy == "check that this host runs, and the network to it"
    silent = NoAnswerError("no answer in 3 s")
    assert "paused" in judge_orderer(replace(refused, operations=silent, serving=silent), {}, RULES).remedy
    assert silent_hosts([refused]) == frozenset(), "one node alone says nothing about its host"
    other = replace(peer("peer1"), node=replace(node("peer1"), address="orderer1:7051"))
    assert silent_hosts([refused, other]) == frozenset()
    assert silent_hosts([refused, refused]) == {"orderer1"}


@pytest.mark.parametrize(
    ("skew", "status", "reason"),
    [
        (59.9, HEALTHY, ""),
        (-60.3, HEALTHY, ""),
        (61, DEGRADED, "its clock is 61.0 s ahead of ours (there)"),
        (-90, DEGRADED, "its clock is 90.0 s behind ours (there)"),
        (
            1000,
            UNHEALTHY,
            "its clock is 1000.0 s ahead of ours (there); nodes refuse requests that are 15 minutes off",
        ),
    ],
)
def test_clocks(skew: float, status: Status, reason: str) -> None:
    """With half a second on the way, what is just over the limit may be right."""
    clock = Clock(skew, 0.5, "there")
    found = judged_peer(peer("peer1", operations=operations(clock=clock)))
    expect(found, status, reason, "timedatectl" if reason else "")
    assert found.facts["clock"] == {"skew": skew, "uncertainty": 0.5, "source": "there"}
    assert not found.lasting
    sealed = replace(store_answer(STORE_SEALED, ""), clock=clock)
    assert (reason in judge_store(sealed, RULES).reasons) == bool(reason)


def test_a_certificate_that_it_signs_with_and_the_store_does_not_have() -> None:
    states = {"demo": State((), certificate(299))}
    known = Certificates({"signing": 300.0}, certificate(300), certificate(300))
    found = judged_peer(peer("peer1", states=states, certificates=known))
    expect(found, DEGRADED, "it signs with another certificate than the one in the store", "restart")
    assert found.facts["certificates"]["served signing"] == 298
    # Where nobody has the node's secret, what it shows is all there is.
    found = judged_peer(peer("peer1", states=states, certificates=Certificates({})))
    expect(found, HEALTHY, "", "")
    assert found.facts["certificates"] == {"TLS": 299, "signing": 298}


def test_bft() -> None:
    def text(leader: int) -> str:
        return (
            f'consensus_BFT_cluster_size{{channel="demo"}} 4\nconsensus_BFT_is_leader{{channel="demo"}} {leader}\n'
            'fabric_version{version="v3.1.1"} 1\n'
        )

    names = [f"orderer{number}" for number in range(4)]
    members = ChannelMembers("demo", tuple(names), ())
    four = {name: orderer(name, operations=operations(text(int(name == "orderer0")))) for name in names}
    channel = view_channel(members, four, {})
    assert (channel.leaders, channel.quorum, channel.active) == (("orderer0",), 3, 4)
    expect(judge_orderer(four["orderer1"], {"demo": channel}, RULES), HEALTHY, "", "")
    # It is not known who leads until the next block: serving, and worth a look.
    gone = view_channel(members, {**four, "orderer0": dead_orderer("orderer0")}, {})
    found = judge_orderer(four["orderer1"], {"demo": gone}, RULES)
    assert (found.status, len(found.reasons)) == (DEGRADED, 2)
    assert "channel demo: who led its newest block does not lead any more" in found.reasons
    # Who is behind still believes in itself.
    behind = orderer("orderer3", operations=operations(text(1)), ledgers={"demo": ledger(3)})
    assert view_channel(members, {**four, "orderer3": behind}, {}).leaders == ("orderer0",)


def test_a_fork() -> None:
    found = judged_peer(peer("peer1", ledgers={"demo": ledger(5, "x")}))
    reason = "channel demo: its block 3 (hash of 3x) is another one than elsewhere (hash of 3), a fork"
    expect(found, UNHEALTHY, reason, "compare this block")
    assert found.lasting
    facts = found.facts["channels"]["demo"]
    assert (facts["fork"], facts["fork_hash"]) == (3, "hash of 3x")


def test_a_fork_does_not_catch_up() -> None:
    """Waiting for it would be in vain, so being behind is no reason to."""
    found = judged_peer(peer("peer1", ledgers={"demo": ledger(4, "x")}))
    assert len(found.reasons) == 1 and found.lasting
    assert found.facts["channels"]["demo"]["lag"] == 1


# --- certificates ---


@pytest.mark.parametrize(
    ("left", "status", "reason"),
    [
        (14.0, HEALTHY, ""),
        (13.9, DEGRADED, "its TLS certificate expires in 13 days"),
        (0.5, DEGRADED, "its TLS certificate expires in 0 days"),
        (-2.5, UNHEALTHY, "its TLS certificate expired 3 days ago"),
    ],
)
def test_days_left(left: float, status: Status, reason: str) -> None:
    found = judged_peer(peer("peer1", certificates=certificates(TLS=left)))
    expect(found, status, reason, "renew" if reason else "")
    assert found.lasting == bool(reason)
    assert found.facts["certificates"]["signing"] == 300
    assert found.facts["cert_days"] == int(left // 1)


def test_the_sooner_certificate_comes_first() -> None:
    found = judged_peer(peer("peer1", certificates=certificates(TLS=9.5, signing=3.5)))
    assert [reason.split()[1] for reason in found.reasons] == ["signing", "TLS"]


def test_a_served_certificate_that_is_not_the_stores() -> None:
    old = operations(certificate_pem=certificate(5))
    found = judged_peer(peer("peer1", operations=old))
    assert found.status is DEGRADED
    assert found.reasons == (
        "it serves another TLS certificate than the one in the store",
        "its served TLS certificate expires in 4 days",
    )
    assert "restart" in found.remedy and not found.lasting


def test_unreadable_certificates() -> None:
    error = FabricError("a certificate is not readable as PEM", "", "enrol the identity again")
    found = judged_peer(peer("peer1", certificates=error))
    expect(found, UNHEALTHY, "its certificates: a certificate is not readable as PEM", "enrol")
    assert "cert_days" not in found.facts


# --- certificate authorities and the store ---

AUTHORITY = Authority("ca.org1", "Org1", "secret-org1", "ca.org1:7054", "ca.org1:9444", "ca.org1")
CA = AuthorityEvidence(
    AUTHORITY,
    operations(certificate_pem=""),
    Certificates({"enrolment CA": 3000.0, "TLS CA": 3000.0}),
    AuthorityInfo("1.5.15", (), certificate(300)),
)


def test_a_healthy_authority() -> None:
    found = judge_authority(CA, RULES)
    expect(found, HEALTHY, "", "")
    assert (found.subject, found.kind, found.organization) == ("ca.org1", "ca", "Org1")
    assert found.facts["version"] == "1.5.15"
    assert found.facts["cert_days"] == 299 and found.facts["certificates"]["TLS CA"] == 3000


def test_an_authority_that_does_not_run() -> None:
    reason = "does not answer: neither HTTPS ca.org1:7054 nor operations ca.org1:9444: Connection refused"
    expect(judge_authority(replace(CA, operations=REFUSED, info=REFUSED), RULES), UNHEALTHY, reason, "start")
    found = judge_authority(replace(CA, operations=None, info=REFUSED), RULES)
    expect(found, UNHEALTHY, "HTTPS ca.org1:7054: Connection refused", "start it")


def test_an_authority_without_operations() -> None:
    expect(judge_authority(replace(CA, operations=None), RULES), HEALTHY, "", "")


def test_an_authority_with_a_foreign_key() -> None:
    found = judge_authority(replace(CA, info=AuthorityInfo("1.5.15", ("tls",), certificate(300))), RULES)
    reason = "its CA 'tls' signs with another certificate than the one in the store"
    expect(found, UNHEALTHY, reason, "check its secrets")


def test_a_root_near_its_end() -> None:
    found = judge_authority(replace(CA, certificates=Certificates({"enrolment CA": 3.0})), RULES)
    expect(found, DEGRADED, "its enrolment CA certificate expires in 3 days", "renew")


def test_states_of_the_store() -> None:
    found = judge_store(store_answer(STORE_UNINITIALIZED, certificate(300)), RULES)
    expect(found, UNHEALTHY, "is not initialised", "secrets_store")
    found = judge_store(store_answer(STORE_SEALED, certificate(300)), RULES)
    expect(found, UNHEALTHY, "is sealed", "seal key")
    served = STORE_SEALED.replace(b'"sealed":true', b'"sealed":false')
    found = judge_store(store_answer(served, certificate(300)), RULES)
    expect(found, HEALTHY, "", "")
    assert found.facts["cert_days"] == 299 and found.facts["version"] == "2.0.0-HEAD"
    expect(judge_store(REFUSED, RULES), UNHEALTHY, "does not answer: Connection refused", "start it")
    with pytest.raises(FabricError, match="no JSON object"):
        store_answer(b"<html>", "")


def test_keys_that_are_not_to_be_had() -> None:
    error = FabricError("a secret is missing in the store", "secret-org1/msp", "run site.yml")
    reason = "cannot be judged without its keys: a secret is missing in the store (secret-org1/msp)"
    expect(unjudged("peer0", "peer", "Org1", error), UNHEALTHY, reason, "site.yml")
