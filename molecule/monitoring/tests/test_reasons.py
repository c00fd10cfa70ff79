"""A node is not well: the metric, the alert and `verify.yml` give the same remedy, and are silent again afterwards."""

from __future__ import annotations

from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment
from ansible_collections.selvedge.fabric.molecule.shared.testing.faults import stopped
from ansible_collections.selvedge.fabric.molecule.shared.testing.monitoring import Server
from ansible_collections.selvedge.fabric.molecule.shared.testing.playing import play
from ansible_collections.selvedge.fabric.molecule.shared.testing.waiting import eventually
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.queries import QUERIES

# An alert is shown as soon as it is true, and fires later.
PATIENCE_S = 120


def reasons(prometheus: Server, subject: str) -> dict[str, tuple[str, str]]:
    """Reason to status and remedy, as the network page asks for them."""
    found = [
        item for item in prometheus.query(QUERIES["reason"].ask()) if item["metric"].get("subject") == subject
    ]
    return {item["metric"]["reason"]: (item["value"][1], item["metric"]["remedy"]) for item in found}


def test_a_stopped_peer_has_one_remedy_everywhere(
    deployment: Deployment, prometheus: Server, restartable: None
) -> None:
    peer = deployment.network.peers[-1]
    assert reasons(prometheus, peer.name) == {}
    with stopped(peer):

        def told() -> list[str]:
            """The remedies for what makes it unhealthy, once the alert has the same reasons."""
            found = reasons(prometheus, peer.name).items()
            grave = {reason: remedy for reason, (status, remedy) in found if status == "2"}
            (alert,) = (
                item["annotations"]
                for item in prometheus.ask("/api/v1/alerts")["alerts"]
                if item["labels"]["alertname"] == "NodeUnhealthy" and item["labels"]["subject"] == peer.name
            )
            assert alert["remedy"] in grave.values(), (alert, found)
            assert all(f"{reason}." in alert["description"] for reason in grave), (alert, found)
            return list(grave.values())

        remedies = eventually(told, PATIENCE_S, AssertionError, ValueError)
        output = " ".join(play(deployment.inventory, "playbooks/verify.yml", fails=True).split())
        assert any(f"Next: {remedy}" in output for remedy in remedies), output

    def well() -> None:
        assert reasons(prometheus, peer.name) == {}
        (verdict,) = prometheus.query(f'selvedge_node_status{{subject="{peer.name}"}}')
        assert verdict["value"][1] == "0"

    eventually(well, PATIENCE_S, AssertionError, ValueError)
