"""What makes each alert fire, and what is close to it and must not.

Series are written as ``promtool test rules`` reads them: ``0+1x60`` starts at 0 and adds 1 sixty times, ``1x4 0x20`` is
1 for five samples and then 0, ``stale`` is the end of a series. Time begins at 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Series = Mapping[str, str]


@dataclass(frozen=True)
class Fires:
    """A case in which an alert fires.

    :param at: when it is looked at, such as ``5m``
    :param labels: those of the alert, less its name and severity
    :param summary: what somebody reads who is woken by it
    :param says: annotations that a template of the alert makes
    """

    series: Series
    at: str
    labels: Mapping[str, str]
    summary: str
    interval: str = "15s"
    says: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Silent:
    """A case in which an alert stays silent at all of ``at``."""

    why: str
    series: Series
    at: Sequence[str] = ("1m", "3m", "5m", "10m")
    interval: str = "15s"


@dataclass(frozen=True)
class Case:
    """All of one alert."""

    fires: Sequence[Fires]
    silent: Sequence[Silent] = field(default_factory=tuple)


def _labels(**labels: str) -> dict[str, str]:
    return labels


def _name(metric: str, labels: Mapping[str, str]) -> str:
    return metric + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


_ASK = "run verify.yml, it gives reasons and remedies"


def reason(values: str, subject: str, text: str, kind: str = "peer") -> Series:
    """Why the health check finds something not well."""
    labels = {**HEALTH, "subject": subject, "kind": kind, "reason": text, "remedy": f"see to: {text}"}
    return one("selvedge_health_reason", values, **labels)


def one(metric: str, values: str, **labels: str) -> Series:
    """One series."""
    return {_name(metric, labels): values}


def _at(job: str, node: str, host: str, **more: str) -> dict[str, str]:
    """The labels of a target."""
    return {"job": job, "instance": node, "node": node, "host": host, **more}


PEER = _at("peer", "peer0.org1.lab.example", "host1", organization="org1")
ORDERERS = [
    _at("orderer", f"orderer{number}.orderers.lab.example", f"host{number}", organization="orderers")
    for number in (1, 2, 3)
]
COUCHDB = _at("couchdb", "couchdb.peer0.org1.lab.example", "host1", organization="org1")
EXPORTER = _at("node-exporter", "node-exporter-host2.monitoring.lab.example", "host2")
_HEALTH_NAME = "health-exporter.monitoring.lab.example"
# What watches others has no host among its labels.
HEALTH = {"job": "selvedge-health", "instance": _HEALTH_NAME, "node": _HEALTH_NAME}
FLUENT_BIT = "fluent-bit-host2.monitoring.lab.example"
DISK = {**EXPORTER, "device": "/dev/sda1", "fstype": "ext4", "mountpoint": "/"}
# Of a disk it is the host that is told of, not the exporter.
_DISK_PLACE = {"host": "host2", "mountpoint": "/"}
CHAINCODE = _at(
    "chaincode",
    "assets.peer0.org1.lab.example",
    "host1",
    organization="org1",
    chaincode="assets",
    channel="main",
)
STORE = _at("store-seal", "store.lab.example", "host1")
STORE_METRICS = _at("store", "store.lab.example", "host1")
_STORE_PLACE = {"node": "store.lab.example", "host": "host1"}
_PEER_PLACE = {"node": PEER["node"], "host": PEER["host"]}
_CHAINCODE_PLACE = {"node": CHAINCODE["node"], "host": CHAINCODE["host"]}
ENDORSER = {**PEER, "channel": "main", "chaincode": "assets"}


def up(values: str, labels: Mapping[str, str]) -> Series:
    return one("up", values, **labels)


def starts(values: str, container: str) -> Series:
    """As the guard of the engine's socket counts them, on the peer's host."""
    exporter = _at("node-exporter", "node-exporter-host1.monitoring.lab.example", "host1")
    return one("selvedge_container_starts_total", values, **exporter, container=container)


def running(values: str, container: str) -> Series:
    """As the same guard knows it, on another host."""
    return one("selvedge_container_running", values, **EXPORTER, container=container)


def status(
    values: str, subject: str = PEER["node"], kind: str = "peer", organization: str = "org1"
) -> Series:
    """A verdict as Prometheus has it: what its exporter does not say is of the exporter."""
    labels = {"subject": subject, "kind": kind, "organization": organization}
    return one(
        "selvedge_node_status", values, **HEALTH, **{name: text for name, text in labels.items() if text}
    )


def consenters(*values: str, leader: str = "1x60") -> Series:
    """Raft: whether each of three orderers answers, as values of what it says of itself."""
    found: dict[str, str] = {}
    for labels, series in zip(ORDERERS, values, strict=True):
        here = {**labels, "channel": "main"}
        found |= one("participation_status", series, **here)
        found |= one("participation_consensus_relation", series, **here)
        found |= one("consensus_etcdraft_cluster_size", series.replace("1x", "3x"), **here)
        found |= one("consensus_etcdraft_is_leader", leader if labels is ORDERERS[0] else "0x60", **here)
    return found


LEFT = ORDERERS[0]["node"]
NO_LEADER = "channel main: it knows no Raft leader"
NO_QUORUM = "channel main: 1 of 3 consenters active, no quorum (2), without orderer2, orderer3"
REMAINS = "channel main: 2 of 3 consenters active, quorum (2) remains, without orderer3"


def orderer(status_: int, *reasons: str) -> Series:
    """The first orderer, which is there, and what the health check says of it; a grave reason counts 2."""
    found = {**up("1x60", ORDERERS[0]), **status(f"{status_}x60", LEFT, "orderer", "orderers")}
    for text in reasons:
        found |= reason(f"{status_}x60", LEFT, text, "orderer")
    return found


def site(mode: str, ended: int, success: int = 1, playbook: str = "site", **changed: int) -> Series:
    """What the callback of a run leaves, with changes by stage."""
    labels = {**EXPORTER, "network": "lab", "playbook": playbook, "mode": mode}
    found = {
        **one("selvedge_deployment_last_run_timestamp_seconds", f"{ended}x60", **labels),
        **one("selvedge_deployment_success", f"{success}x60", **labels),
    }
    for stage, count in changed.items():
        found |= one("selvedge_deployment_changed", f"{count}x60", **labels, stage=stage)
    return found


def heights(*values: str) -> Series:
    found: dict[str, str] = {}
    for number, series in enumerate(values):
        labels = _at("peer", f"peer{number}.org1.lab.example", f"host{number}", organization="org1")
        found |= one("ledger_blockchain_height", series, **labels, channel="main")
    return found


def bft(*leaders: str, size: str = "4x60") -> Series:
    found: dict[str, str] = {}
    for number, series in enumerate(leaders):
        labels = _at("orderer", f"o{number}", f"host{number}", organization="ord", channel="bft")
        found |= one("consensus_BFT_is_leader", series, **labels)
        found |= one("consensus_BFT_cluster_size", size, **labels)
        found |= one("participation_status", "1x60", **labels)
        found |= one("participation_consensus_relation", "1x60", **labels)
    return found


def expiry(seconds: int, node: str = PEER["node"], kind: str = "peer") -> Series:
    labels = _at("certificate", node, "host1", kind=kind)
    return one("probe_ssl_earliest_cert_expiry", f"{seconds}x400", **labels)


def told(days: float, subject: str, certificate: str) -> Series:
    """Of the exporter, who sees what nobody serves and what cannot be asked by TLS alone."""
    return one("selvedge_certificate_days", f"{days}x400", **HEALTH, subject=subject, certificate=certificate)


def own(days: float) -> Series:
    """The certificate of a user of the exporter."""
    return told(days, _OWN["subject"], _OWN["certificate"])


_DAY = 86400
_SEEN = _labels(node=PEER["node"], host="host1", kind="peer")
_RENEW = "run site.yml --tags {}, wait a minute until its host has it, then restart {}"
_REPLACE = "make its host a new one, as docs/reference/boot-material.md says of the {}'s TLS key"
_TOLD = {"job": HEALTH["job"], "instance": HEALTH["instance"]}
_OWN = {**_TOLD, "node": "probe@org1", "subject": "probe@org1", "certificate": "signing"}
_PEER_SUBJECT = {**_TOLD, "subject": PEER["node"], "kind": "peer", "organization": "org1"}
_LEFT_PLACE = {"subject": LEFT, "kind": "orderer", "organization": "orderers", "node": LEFT, "host": "host1"}
_STORE_SUBJECT = {**_TOLD, "subject": "store", "kind": "store"}

CASES: dict[str, Case] = {
    "HostDown": Case(
        [
            Fires({**up("1x4 0x20", {**PEER, "host": "host2"}), **up("1x4 0x20", EXPORTER)}, "3m",
                  _labels(host="host2"), "Host host2 does not answer"),
        ],
        [
            Silent("its exporter is gone, its peer answers",
                   {**up("1x40", {**PEER, "host": "host2"}), **up("1x4 0x40", EXPORTER)}),
            Silent("it was away for a scrape", up("1x8 0 1x40", EXPORTER)),
            Silent("a probe's exporter does not count", up("0x40", _at("certificate", "x", "host2"))),
        ],
    ),
    "NodeDown": Case(
        [Fires(up("1x4 0x20", PEER), "3m", PEER, "peer0.org1.lab.example does not answer"),
         Fires(up("1x4 0x20", COUCHDB), "3m", COUCHDB, "couchdb.peer0.org1.lab.example does not answer")],
        [Silent("a restart takes half a minute", up("1x8 0x2 1x40", PEER)),
         Silent("an exporter is no node", up("0x40", EXPORTER))],
    ),
    "TargetDown": Case(
        [Fires(up("1x4 0x40", EXPORTER), "5m", EXPORTER,
               "node-exporter-host2.monitoring.lab.example does not answer"),
         Fires(running("1x4 0x40", FLUENT_BIT), "5m", {**EXPORTER, "container": FLUENT_BIT, "node": FLUENT_BIT},
               f"{FLUENT_BIT} does not answer")],
        [Silent("it was restarted", up("1x8 0x4 1x40", EXPORTER)), Silent("a peer is a node", up("0x40", PEER)),
         Silent("what is asked tells of itself", running("0x40", PEER["node"])),
         Silent("it runs", running("1x40", FLUENT_BIT))],
    ),
    "NodeUnhealthy": Case(
        [
            Fires({**status("0x4 2x40"), **up("1x60", PEER), **reason("0x4 2x40", PEER["node"], "its disk is broken"),
                   **reason("1x40", PEER["node"], "its clock is off")}, "6m",
                  {**_PEER_SUBJECT, "node": PEER["node"], "host": "host1"}, "peer0.org1.lab.example is unhealthy",
                  says={"description": "The health check says: its disk is broken. It does not do its work.",
                        "remedy": "see to: its disk is broken"}),
            # It is all the channel's, whose alert says it.
            Fires({**orderer(2, NO_LEADER, NO_QUORUM), **consenters("1x60", "1x4 stale", "1x4 stale"),
                   **reason("1x60", LEFT, "its TLS certificate expires soon", "orderer")}, "6m",
                  {**_LEFT_PLACE, "channel": "main"}, f"{LEFT} is unhealthy",
                  says={"description": f"The health check says: {NO_QUORUM}. {NO_LEADER}. It does not do its work.",
                        "remedy": f"see to: {NO_QUORUM}"}),
            # There is something else, too.
            Fires({**orderer(2, NO_LEADER, "its disk is broken"), **consenters("1x60", "1x4 stale", "1x4 stale")}, "6m",
                  {**_TOLD, **_LEFT_PLACE}, f"{LEFT} is unhealthy",
                  says={"description": f"The health check says: {NO_LEADER}. its disk is broken. "
                                       "It does not do its work.", "remedy": f"see to: {NO_LEADER}"}),
            # Others know one: it is this orderer's own trouble.
            Fires({**orderer(2, NO_LEADER), **consenters("1x60", "1x60", "1x60")}, "6m",
                  {**_TOLD, **_LEFT_PLACE}, f"{LEFT} is unhealthy",
                  says={"description": f"The health check says: {NO_LEADER}. It does not do its work.",
                        "remedy": f"see to: {NO_LEADER}"}),
            # The store has the name that its own alerts have, and its host.
            Fires({**status("2x40", "store", "store", ""), **up("1x60", STORE_METRICS)}, "6m",
                  {**_STORE_SUBJECT, **_STORE_PLACE},
                  "store.lab.example is unhealthy", says={"description": "It does not do its work.", "remedy": _ASK}),
            # Before anybody has asked for its metrics.
            Fires(status("2x40", "store", "store", ""), "6m", {**_STORE_SUBJECT, "node": "store"},
                  "store is unhealthy", says={"description": "It does not do its work.", "remedy": _ASK}),
        ],
        [Silent("it is degraded", status("1x60")), Silent("it was for a minute", status("0x4 2x4 0x40"))],
    ),
    "NodeDegraded": Case(
        [Fires({**status("1x60"), **up("1x60", PEER)}, "12m",
               {**_PEER_SUBJECT, "node": PEER["node"], "host": "host1"}, "peer0.org1.lab.example is degraded",
               says={"description": "It serves, and something is not as it should be.", "remedy": _ASK}),
         Fires({**status("1x60"), **up("1x60", PEER), **reason("1x60", PEER["node"], "its clock is off"),
                **reason("1x60", PEER["node"], "its ledger is 'behind'"),
                **reason("1x60", "another", "it is behind")}, "12m",
               {**_PEER_SUBJECT, "node": PEER["node"], "host": "host1"}, "peer0.org1.lab.example is degraded",
               says={"description": "The health check says: its clock is off. its ledger is 'behind'. "
                                    "It serves, and something is not as it should be.",
                     "remedy": "see to: its clock is off"}),
         Fires({**orderer(1, REMAINS), **consenters("1x60", "1x60", "1x4 stale")}, "12m",
               {**_LEFT_PLACE, "channel": "main"}, f"{LEFT} is degraded",
               says={"description": f"The health check says: {REMAINS}. "
                                    "It serves, and something is not as it should be.",
                     "remedy": f"see to: {REMAINS}"})],
        [Silent("it is unhealthy", status("2x60"), ("12m",)), Silent("it was for five minutes", status("1x20 0x40"))],
    ),
    "ContainerRestarting": Case(
        [
            Fires(one("process_start_time_seconds", "1x4 70x4 140x4 210x4", **PEER), "5m", _PEER_PLACE,
                  "peer0.org1.lab.example was started 3 times in 15 minutes"),
            Fires(starts("1x4 2x4 3x4 4x4", CHAINCODE["node"]), "4m", _CHAINCODE_PLACE,
                  "assets.peer0.org1.lab.example was started 3 times in 15 minutes"),
            # It was never there when somebody looked.
            Fires(starts("1x4 9x40", CHAINCODE["node"]), "3m", _CHAINCODE_PLACE,
                  "assets.peer0.org1.lab.example was started 8 times in 15 minutes"),
            # Both tell of it, one of them missed a start: it is one alert.
            Fires({**one("process_start_time_seconds", "1x4 70x4 140x4 210x4", **PEER),
                   **starts("1x4 2x2 3x2 4x4 5x40", PEER["node"])}, "5m", _PEER_PLACE,
                  "peer0.org1.lab.example was started 4 times in 15 minutes"),
        ],
        [
            Silent("it was updated twice", one("process_start_time_seconds", "1x4 70x4 140x40", **PEER)),
            Silent("it was restarted twice", {**one("process_start_time_seconds", "1x4 70x4 140x40", **PEER),
                                              **starts("1x4 2x4 3x40", PEER["node"])}),
            Silent("it was made anew each time", starts("5x4 1x4 1x4 1x40", CHAINCODE["node"])),
            Silent("it was started again and again, yesterday", starts("7x100", CHAINCODE["node"]),
                   ("1m", "5m", "20m")),
            Silent("the counts begin anew", starts("7x4 0x40", CHAINCODE["node"])),
        ],
    ),
    "ClockSkew": Case(
        [
            Fires(one("node_time_seconds", "5+15x40", **EXPORTER), "5m", _labels(host="host2"),
                  "The clock of host2 is 5 s off"),
            Fires(one("node_time_seconds", "-60+15x40", **EXPORTER), "5m", _labels(host="host2"),
                  "The clock of host2 is 60 s off"),
            Fires(one("selvedge_clock_skew_seconds", "-4x40", host="host2"), "5m", _labels(host="host2"),
                  "The clock of host2 is 4 s off"),
        ],
        [Silent("a scrape takes a second", one("node_time_seconds", "1+15x40", **EXPORTER)),
         Silent("it is right", one("selvedge_clock_skew_seconds", "0.2x40", host="host2"))],
    ),
    "DiskFilling": Case(
        [Fires({**one("node_filesystem_avail_bytes", "480-5x92", **DISK),
                **one("node_filesystem_size_bytes", "1000x92", **DISK)}, "7h", _DISK_PLACE,
               "/ of host2 is full within a day", "5m")],
        [
            Silent("it fills in a week", {**one("node_filesystem_avail_bytes", "480-0.05x92", **DISK),
                                          **one("node_filesystem_size_bytes", "1000x92", **DISK)}, ("7h",), "5m"),
            Silent("most of it is free", {**one("node_filesystem_avail_bytes", "980-5x92", **DISK),
                                          **one("node_filesystem_size_bytes", "1000x92", **DISK)}, ("6h",), "5m"),
            Silent("it has been seen for less than an hour", {
                **one("node_filesystem_avail_bytes", "480-5x11", **DISK),
                **one("node_filesystem_size_bytes", "1000x11", **DISK)}, ("45m", "55m"), "5m"),
            Silent("it is in memory", {
                **one("node_filesystem_avail_bytes", "480-5x92", **{**DISK, "fstype": "tmpfs"}),
                **one("node_filesystem_size_bytes", "1000x92", **{**DISK, "fstype": "tmpfs"})}, ("7h",), "5m"),
        ],
    ),
    "DiskFull": Case(
        [
            Fires({**one("node_filesystem_avail_bytes", "50x40", **DISK),
                   **one("node_filesystem_size_bytes", "1000x40", **DISK)}, "3m", _DISK_PLACE,
                  "/ of host2 has 5% left"),
            Fires({**one("node_filesystem_files_free", "20x40", **DISK),
                   **one("node_filesystem_files", "1000x40", **DISK)}, "3m", _DISK_PLACE, "/ of host2 has 2% left"),
        ],
        [Silent("a tenth is free", {**one("node_filesystem_avail_bytes", "100x40", **DISK),
                                    **one("node_filesystem_size_bytes", "1000x40", **DISK)}),
         Silent("a file system without inodes", {**one("node_filesystem_files_free", "0x40", **DISK),
                                                 **one("node_filesystem_files", "0x40", **DISK)})],
    ),
    "NoLeader": Case(
        [
            Fires(consenters("1x60", "1x60", "1x60", leader="1x4 0x60"), "4m", _labels(channel="main"),
                  "Channel main has no leader"),
            Fires(bft("1x4 0x60", "0x60", "0x60", "0x60"), "4m", _labels(channel="bft"), "Channel bft has no leader"),
        ],
        [Silent("an election takes seconds", consenters("1x60", "1x60", "1x60", leader="1x8 0x2 1x60")),
         Silent("too few are left", consenters("1x60", "1x4 stale", "1x4 stale", leader="1x4 0x60")),
         Silent("one leads", bft("0x60", "1x60", "0x60", "0x60"))],
    ),
    "QuorumLost": Case(
        [
            Fires(consenters("1x60", "1x4 stale", "1x4 stale"), "5m", _labels(channel="main"),
                  "Channel main has 1 active orderers, too few for a quorum"),
            Fires(consenters("1x4 stale", "1x4 stale", "1x4 stale"), "5m", _labels(channel="main"),
                  "Channel main has 0 active orderers, too few for a quorum"),
            Fires(bft("1x60", "0x60"), "5m", _labels(channel="bft"),
                  "Channel bft has 2 active orderers, too few for a quorum"),
        ],
        [Silent("one of three is gone", consenters("1x60", "1x60", "1x4 stale")),
         Silent("one of four is gone, of BFT", bft("1x60", "0x60", "0x60"))],
    ),
    "QuorumAtRisk": Case(
        [
            Fires(consenters("1x60", "1x60", "1x4 stale"), "6m", _labels(channel="main"),
                  "Channel main stands still if one more orderer is lost"),
            Fires(bft("1x60", "0x60", "0x60"), "6m", _labels(channel="bft"),
                  "Channel bft stands still if one more orderer is lost"),
        ],
        [Silent("all are there", consenters("1x60", "1x60", "1x60")),
         Silent("it is lost already", consenters("1x60", "1x4 stale", "1x4 stale"), ("6m", "10m")),
         Silent("there is only one", {
             **one("participation_status", "1x60", channel="main"),
             **one("participation_consensus_relation", "1x60", channel="main"),
             **one("consensus_etcdraft_cluster_size", "1x60", channel="main")})],
    ),
    "HeightDiverging": Case(
        [Fires(heights("10+1x80", "10x80"), "15m",
               _labels(channel="main", node="peer1.org1.lab.example", host="host1", organization="org1"),
               "peer1.org1.lab.example is 60 blocks behind in main")],
        [Silent("it catches up", heights("100+1x80", "10+3x30 100+1x50"), ("2m", "4m", "6m")),
         Silent("it is a few blocks behind", heights("15+1x80", "10+1x80"))],
    ),
    "Fork": Case(
        [Fires(one("selvedge_fork", "0x4 1x10", channel="main"), "2m", _labels(channel="main"),
               "Members disagree about a block of channel main")],
        [Silent("they agree", one("selvedge_fork", "0x40", channel="main"))],
    ),
    "CommitProbeFailing": Case(
        [Fires({**one("selvedge_commit_probe_success", "1x4 0x20", channel="main"),
                **reason("1x4 stale 2x20", "channel main", "peer0 does not have the transaction")}, "3m",
               _labels(channel="main"), "No transaction gets through on channel main",
               says={"description": "The health check says: peer0 does not have the transaction. "
                                    "A real transaction was not seen committed on every peer in time.",
                     "remedy": "see to: peer0 does not have the transaction"}),
         Fires(one("selvedge_commit_probe_success", "1x4 0x20", channel="main"), "3m", _labels(channel="main"),
               "No transaction gets through on channel main",
               says={"description": "A real transaction was not seen committed on every peer in time.",
                     "remedy": _ASK})],
        [Silent("one did not", one("selvedge_commit_probe_success", "1x4 0x2 1x40", channel="main"))],
    ),
    "CommitProbeSlow": Case(
        [Fires(one("selvedge_commit_probe_duration_seconds", "8x60", channel="main"), "7m", _labels(channel="main"),
               "A commit on channel main takes 8s")],
        [Silent("it is quick", one("selvedge_commit_probe_duration_seconds", "2x60", channel="main"))],
    ),
    "EndorsementFailing": Case(
        [Fires(one("endorser_proposal_simulation_failures", "0+3x60", **ENDORSER), "10m",
               _labels(channel="main", chaincode="assets"),
               "Endorsements of assets on main fail, 0.20 a second"),
         Fires({**one("endorser_endorsement_failures", "0+1.5x60", **ENDORSER, chaincodeerror="false"),
                **one("endorser_proposal_simulation_failures", "0+1.5x60", **ENDORSER)}, "10m",
               _labels(channel="main", chaincode="assets"),
               "Endorsements of assets on main fail, 0.20 a second")],
        [Silent("the chaincode refuses", one("endorser_endorsement_failures", "0+3x60", **ENDORSER,
                                             chaincodeerror="true")),
         Silent("two failed", one("endorser_proposal_simulation_failures", "0x4 2x60", **ENDORSER))],
    ),
    "ChaincodeGone": Case(
        [Fires(one("probe_success", "1x4 0x20", **CHAINCODE), "3m", CHAINCODE,
               "Chaincode assets.peer0.org1.lab.example does not answer")],
        [Silent("it was restarted", one("probe_success", "1x4 0x2 1x40", **CHAINCODE)),
         Silent("a certificate's probe", one("probe_success", "0x40", **{**CHAINCODE, "job": "certificate"}))],
    ),
    "CertificateExpiresInADay": Case(
        [
            Fires(expiry(_DAY // 2), "5m", _SEEN, "A certificate of peer0.org1.lab.example has 0.5 days left",
                  says={"remedy": _RENEW.format("identity", "what serves it")}),
            Fires(expiry(-_DAY), "5m", _SEEN, "A certificate of peer0.org1.lab.example has -1.0 days left",
                  says={"remedy": _RENEW.format("identity", "what serves it")}),
            # What both see is one alert.
            Fires({**expiry(_DAY // 2), **told(0, PEER["node"], "TLS"), **up("1x400", PEER)}, "5m", _SEEN,
                  "A certificate of peer0.org1.lab.example has 0.5 days left",
                  says={"remedy": _RENEW.format("identity", "what serves it")}),
            Fires({**told(0, "store", "TLS"), **up("1x400", STORE_METRICS)}, "5m",
                  {**_TOLD, **_STORE_PLACE, "kind": "store", "subject": "store", "certificate": "TLS"},
                  "A certificate of store.lab.example has 0.0 days left",
                  says={"remedy": f"{_REPLACE.format('store')}; the bootstrap CA has signed it"}),
            Fires(expiry(_DAY // 2, "registry.lab.example", "registry"), "5m",
                  _labels(node="registry.lab.example", host="host1", kind="registry"),
                  "A certificate of registry.lab.example has 0.5 days left",
                  says={"remedy": f"{_REPLACE.format('registry')}; the bootstrap CA has signed it"}),
            Fires(expiry(_DAY // 2, "ca.org1.lab.example", "ca"), "5m",
                  _labels(node="ca.org1.lab.example", host="host1", kind="ca"),
                  "A certificate of ca.org1.lab.example has 0.5 days left",
                  says={"remedy": _RENEW.format("certificate_authority", "it")}),
            Fires(own(0.25), "5m", _OWN, "A certificate of probe@org1 has 0.2 days left",
                  says={"remedy": _RENEW.format("identity", "what serves it")}),
        ],
        [Silent("two days", expiry(2 * _DAY)), Silent("two days, of a user's", own(2))],
    ),
    "CertificateExpiresInAWeek": Case(
        [Fires(expiry(3 * _DAY), "10m", _SEEN, "A certificate of peer0.org1.lab.example has 3.0 days left",
               says={"remedy": _RENEW.format("identity", "what serves it")}),
         Fires({**expiry(20 * _DAY), **own(5)}, "10m", _OWN,
               "A certificate of probe@org1 has 5.0 days left",
               says={"remedy": _RENEW.format("identity", "what serves it")})],
        [Silent("half a day, which is said by another", expiry(_DAY // 2)), Silent("eight days", expiry(8 * _DAY))],
    ),
    "CertificateExpiresInAMonth": Case(
        [Fires(expiry(20 * _DAY), "90m", _SEEN, "A certificate of peer0.org1.lab.example has 19.9 days left",
               says={"remedy": "plan a run of site.yml and a restart of what serves it"})],
        [Silent("three days, which is said by another", expiry(3 * _DAY), ("90m",)),
         Silent("a year", expiry(365 * _DAY), ("90m",))],
    ),
    "StoreSealed": Case(
        [
            Fires(one("probe_http_status_code", "200x4 503x20", **STORE), "3m",
                  _labels(node="store.lab.example", host="host1"), "The secrets store is sealed"),
            Fires({**one("selvedge_store_sealed", "0x4 1x20"), **up("1x60", STORE_METRICS)}, "3m",
                  _labels(node="store.lab.example", host="host1"), "The secrets store is sealed"),
            Fires(one("selvedge_store_sealed", "0x4 1x20"), "3m", _labels(node="store"),
                  "The secrets store is sealed"),
            Fires({**one("probe_http_status_code", "200x4 503x20", **STORE),
                   **one("selvedge_store_sealed", "0x4 1x20")}, "3m",
                  _labels(node="store.lab.example", host="host1"), "The secrets store is sealed"),
        ],
        [Silent("it is not", {**one("probe_http_status_code", "200x40", **STORE),
                              **one("selvedge_store_sealed", "0x40")}),
         Silent("it unseals itself when it starts", one("probe_http_status_code", "200x4 503x2 200x40", **STORE)),
         Silent("it does not answer at all", one("probe_http_status_code", "0x40", **STORE))],
    ),
    "BackupTooOld": Case(
        [Fires(one("selvedge_backup_last_success_timestamp_seconds", "0x120", **EXPORTER), "27h", _labels(host="host2"),
               "The last backup on host2 is 1d 3h 0m 0s old", "15m")],
        [Silent("it is of yesterday", one("selvedge_backup_last_success_timestamp_seconds", "0x120", **EXPORTER),
                ("25h",), "15m")],
    ),
    "DriftFound": Case(
        [
            Fires(one("selvedge_drift_changes", "0x4 3x10", **EXPORTER), "2m", _labels(host="host2"),
                  "host2 differs from the model in 3 places"),
            # A run of site.yml --check that has found something since the last run.
            Fires({**site("check", 200, ledger=1, monitoring=2), **site("run", 100, ledger=5)}, "2m",
                  _labels(network="lab"), "The network differs from the model in 3 places"),
            Fires(site("check", 200, ledger=1), "2m", _labels(network="lab"),
                  "The network differs from the model in 1 places"),
            # One that failed has not put it right.
            Fires({**site("check", 200, ledger=1), **site("run", 300, success=0)}, "2m", _labels(network="lab"),
                  "The network differs from the model in 1 places"),
        ],
        [
            Silent("it is as it should be", one("selvedge_drift_changes", "0x40", **EXPORTER)),
            Silent("the check foresees nothing", site("check", 200, ledger=0, monitoring=0)),
            Silent("it was put right since", {**site("check", 200, ledger=1), **site("run", 300, ledger=1)}),
            Silent("a run that changes much is no drift", site("run", 300, ledger=9)),
            Silent("another playbook would change something", site("check", 200, playbook="bootstrap", hosts=3)),
        ],
    ),
    "HealthUnknown": Case(
        [
            Fires(one("selvedge_exporter_last_run_timestamp_seconds", "0x60"), "10m", {},
                  "Nobody has judged the network for 10m 0s"),
            Fires(one("selvedge_commit_probe_last_run_timestamp_seconds", "0x80", channel="main"), "15m",
                  _labels(channel="main"), "Nobody has judged the network for 15m 0s"),
        ],
        [Silent("it does its work", one("selvedge_exporter_last_run_timestamp_seconds", "0+15x60")),
         Silent("it commits each minute", one("selvedge_commit_probe_last_run_timestamp_seconds", "0+15x60",
                                              channel="main"))],
    ),
    "RulesFailing": Case(
        [Fires(one("prometheus_rule_evaluation_failures_total", "0+1x60", rule_group="g"), "11m",
               _labels(rule_group="g"), "Prometheus cannot evaluate a rule")],
        [Silent("it failed once, at a start",
                one("prometheus_rule_evaluation_failures_total", "0x2 1x60", rule_group="g"), ("1m", "5m", "12m"))],
    ),
    "NotificationsFailing": Case(
        [Fires(one("alertmanager_notifications_failed_total", "0+1x60", integration="webhook", reason="other"), "8m",
               _labels(integration="webhook"), "Alertmanager cannot reach its webhook receivers")],
        [Silent("none failed", one("alertmanager_notifications_failed_total", "7x60", integration="webhook"))],
    ),
}  # fmt: skip


def healthy(samples: int) -> Series:
    """A network as it should be, under load."""
    steady = f"x{samples}"
    found: dict[str, str] = {}
    for target in (PEER, EXPORTER, *ORDERERS, STORE_METRICS):
        found |= up(f"1{steady}", target)
        found |= one("process_start_time_seconds", f"1{steady}", **target)
        found |= status(f"0{steady}", target["node"], target["job"])
        found |= starts(f"1{steady}", target["node"])
    found |= consenters(*[f"1{steady}"] * 3, leader=f"1{steady}")
    found |= heights(f"10+2{steady}", f"9+2{steady}")
    found |= one("ledger_transaction_count", f"0+30{steady}", **PEER, channel="main", validation_code="VALID")
    found |= one("node_time_seconds", f"0.1+15{steady}", **EXPORTER)
    found |= one("node_filesystem_avail_bytes", f"900-0.01{steady}", **DISK)
    found |= one("node_filesystem_size_bytes", f"1000{steady}", **DISK)
    found |= one("node_filesystem_files_free", f"900{steady}", **DISK)
    found |= one("node_filesystem_files", f"1000{steady}", **DISK)
    found |= one("selvedge_fork", f"0{steady}", channel="main")
    found |= one("selvedge_commit_probe_success", f"1{steady}", channel="main")
    found |= one("selvedge_commit_probe_duration_seconds", f"0.6{steady}", channel="main")
    found |= one("endorser_endorsement_failures", f"0+1{steady}", **ENDORSER, chaincodeerror="true")
    found |= one("probe_success", f"1{steady}", **CHAINCODE)
    found |= one("probe_http_status_code", f"200{steady}", **STORE)
    found |= one("selvedge_store_sealed", f"0{steady}")
    return {**found, **expiry(300 * _DAY), **own(300)}
