"""Evidence for unit tests: what three orderers and two peers of a healthy channel said, and its variations.

The texts are what Fabric 2.5.9, fabric-ca 1.5.15 and OpenBao 2.4 answered on a live network, shortened.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import x509
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_channel import (
    ChannelView,
    view_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    Certificates,
    ChannelMembers,
    Ledger,
    OrdererEvidence,
    PeerEvidence,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.metrics import Metrics
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.operations import Operations
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import ChannelStatus
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Node

# An orderer that leads a channel of three, a minute after it was made.
LEADER_METRICS = """\
# HELP consensus_etcdraft_active_nodes Number of active nodes in this channel.
# TYPE consensus_etcdraft_active_nodes gauge
consensus_etcdraft_active_nodes{channel="demo"} 3
# HELP consensus_etcdraft_cluster_size Number of nodes in this channel.
# TYPE consensus_etcdraft_cluster_size gauge
consensus_etcdraft_cluster_size{channel="demo"} 3
# HELP consensus_etcdraft_committed_block_number The block number of the latest block committed.
# TYPE consensus_etcdraft_committed_block_number gauge
consensus_etcdraft_committed_block_number{channel="demo"} 0
# HELP consensus_etcdraft_data_persist_duration The time taken for etcd/raft data to be persisted in storage.
# TYPE consensus_etcdraft_data_persist_duration histogram
consensus_etcdraft_data_persist_duration_bucket{channel="demo",le="0.005"} 25
consensus_etcdraft_data_persist_duration_bucket{channel="demo",le="+Inf"} 25
consensus_etcdraft_data_persist_duration_sum{channel="demo"} 0.006923042000000002
consensus_etcdraft_data_persist_duration_count{channel="demo"} 25
# HELP consensus_etcdraft_is_leader The leadership status of the current node: 1 if it is the leader else 0.
# TYPE consensus_etcdraft_is_leader gauge
consensus_etcdraft_is_leader{channel="demo"} 1
# HELP fabric_version The active version of Fabric.
# TYPE fabric_version gauge
fabric_version{version="v2.5.9"} 1
# HELP go_gc_duration_seconds A summary of the pause duration of garbage collection cycles.
# TYPE go_gc_duration_seconds summary
go_gc_duration_seconds{quantile="0"} 4.2314e-05
"""
HEALTHZ_OK = b'{"status":"OK","time":"2026-11-22T14:00:03.817793694Z"}'
HEALTHZ_FAILED = (
    b'{"status":"Service Unavailable","time":"2026-11-22T14:00:03.807034919Z","failed_checks":'
    b'[{"component":"docker","reason":"failed to ping to Docker daemon: dial unix: no such file"}]}'
)
STORE_UNINITIALIZED = (
    b'{"initialized":false,"sealed":true,"standby":true,"performance_standby":false,'
    b'"replication_performance_mode":"unknown","replication_dr_mode":"unknown",'
    b'"server_time_utc":1795356005,"version":"2.0.0-HEAD"}'
)
STORE_SEALED = STORE_UNINITIALIZED.replace(b'"initialized":false', b'"initialized":true')

CHANNEL = ChannelMembers("demo", ("orderer0", "orderer1", "orderer2"), ("peer0", "peer1"))
REFUSED = NotReadyError("Connection refused", "127.0.0.1:7050")


def block_hash(number: int, side: str = "") -> str:
    """The hash of a block; another ``side`` has other blocks."""
    return f"hash of {number}{side}"


def ledger(height: int = 5, side: str = "") -> Ledger:
    previous = block_hash(height - 2, side) if height > 1 else ""
    return Ledger(height, block_hash(height - 1, side), previous)


def metrics(leader: bool, active: int = 3, size: int = 3) -> str:
    """The captured text with other values."""
    return (
        LEADER_METRICS.replace('is_leader{channel="demo"} 1', f'is_leader{{channel="demo"}} {int(leader)}')
        .replace('active_nodes{channel="demo"} 3', f'active_nodes{{channel="demo"}} {active}')
        .replace('cluster_size{channel="demo"} 3', f'cluster_size{{channel="demo"}} {size}')
    )


def operations(text: str = LEADER_METRICS, **changes: Any) -> Operations:
    return replace(Operations((), Metrics.from_text(text), certificate(300)), **changes)


@cache
def certificate(days: int) -> str:
    """A certificate with so many days left; the same one each time."""
    return x509.make_root("node", "test", days).cert_pem


def certificates(**days: float) -> Certificates:
    return Certificates({"TLS": 300.0, "signing": 300.0, **days}, certificate(300))


def node(name: str) -> Node:
    return Node(name, "Org", f"{name}:7050", f"{name}:9443", f"{name}:7050", f"{name}:7053")


def orderer(
    name: str, leader: bool = False, active: int = 3, size: int = 3, **changes: Any
) -> OrdererEvidence:
    found = OrdererEvidence(
        node(name),
        None,
        operations(metrics(leader, active, size)),
        certificates(),
        None,
        {"demo": ChannelStatus("demo", "consenter", "active", 5)},
        {"demo": ledger()},
    )
    return replace(found, **changes)


def dead_orderer(name: str) -> OrdererEvidence:
    return orderer(
        name,
        serving=REFUSED,
        operations=REFUSED,
        admin=REFUSED,
        statuses={"demo": REFUSED},
        ledgers={"demo": REFUSED},
    )


def peer(name: str, **changes: Any) -> PeerEvidence:
    found = PeerEvidence(node(name), operations(), certificates(), ["demo"], {"demo": ledger()})
    return replace(found, **changes)


def orderers(**changes: OrdererEvidence) -> dict[str, OrdererEvidence]:
    """Three orderers, the first one leading."""
    return {
        "orderer0": orderer("orderer0", leader=True),
        "orderer1": orderer("orderer1"),
        "orderer2": orderer("orderer2"),
        **changes,
    }


def peers(**changes: PeerEvidence) -> dict[str, PeerEvidence]:
    return {"peer0": peer("peer0"), "peer1": peer("peer1"), **changes}


def view(
    ordering: dict[str, OrdererEvidence] | None = None, members: dict[str, PeerEvidence] | None = None
) -> ChannelView:
    return view_channel(CHANNEL, ordering or orderers(), members or peers())
