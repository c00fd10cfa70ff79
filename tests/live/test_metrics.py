"""What rules ask for, a real node of Fabric has, under that name and with the labels that the rules look at."""

from __future__ import annotations

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.channel import (
    apply_channel,
    plan_channel,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.configtx_definition import (
    ChannelDefinition,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_probes import node_operations
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.metrics import Metrics
from ansible_collections.selvedge.fabric.tests.live.network import LiveNetwork
from ansible_collections.selvedge.fabric.tests.live.stores import eventually
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.metric_names import asked
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.test_records import OTHERS

CHANNEL = "demo"
# They are there once something failed, or a client waited for a commit; BFT's are with BFT. The reference has them,
# see test_records.py.
ON_OCCASION = {
    "consensus_BFT_cluster_size",
    "consensus_BFT_is_leader",
    "endorser_chaincode_instantiation_failures",
    "endorser_endorsement_failures",
    "endorser_proposal_simulation_failures",
    "grpc_server_unary_request_duration_bucket",
}


def scrape(network: LiveNetwork) -> dict[str, Metrics]:
    topology = network.topology
    found = {}
    for node in [*topology.orderers, *topology.peers]:
        metrics = node_operations(topology, node, 10).metrics
        assert metrics is not None
        found[node.name] = metrics
    return found


def test_a_node_with_a_channel_has_what_rules_ask_for(network: LiveNetwork) -> None:
    definition = ChannelDefinition.from_option(CHANNEL, network.definition)
    apply_channel(network.topology, plan_channel(network.topology, definition, timeout=20), timeout=60)
    wanted = asked() - OTHERS - ON_OCCASION

    def missing() -> set[str]:
        return wanted - {name for metrics in scrape(network).values() for name in metrics.samples}

    eventually(lambda: not missing(), 30)
    found = scrape(network)
    orderers = [metrics for name, metrics in found.items() if name.startswith("orderer")]
    eventually(
        lambda: (
            sum(
                m.value("consensus_etcdraft_is_leader", channel=CHANNEL) or 0
                for m in scrape(network).values()
            )
            == 1
        ),
        30,
    )
    for metrics in orderers:
        assert metrics.value("consensus_etcdraft_cluster_size", channel=CHANNEL) == len(orderers)
        assert metrics.value("participation_status", channel=CHANNEL) == 1
        assert metrics.value("participation_consensus_relation", channel=CHANNEL) == 1
    for name, metrics in found.items():
        assert metrics.value("ledger_blockchain_height", channel=CHANNEL) == 1
        assert metrics.value("process_start_time_seconds"), name
        for sample in metrics.samples.get("ledger_transaction_count", []):
            assert {"channel", "validation_code"} <= set(sample.labels)


def test_unary_calls_are_counted_by_service_and_method(network: LiveNetwork) -> None:
    """Of the form that the latency of commits is asked by: dots of a service's name are underscores."""
    samples = [
        sample
        for metrics in scrape(network).values()
        for sample in metrics.samples.get("grpc_server_unary_request_duration_bucket", [])
    ]
    assert {"protos_Endorser"} <= {sample.labels["service"] for sample in samples}
    assert {"ProcessProposal"} <= {sample.labels["method"] for sample in samples}
