"""What is left unsaid because something graver says it, by a real Alertmanager, of alerts with the labels of rules.

Labels are those of the cases in which promtool has the alerts fire.
"""

from __future__ import annotations

import datetime
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import load
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.alertmanager import (
    alertmanager_config,
)
from ansible_collections.selvedge.fabric.tests.live.stores import (
    ADDRESS,
    Process,
    binary,
    eventually,
    free_port,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    lab_model,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.monitoring.alert_cases import (
    CASES,
    LEFT,
    PEER,
)

STORE = "store.lab.example"
Labels = dict[str, str]


def fired(name: str, **labels: str) -> Labels:
    """The labels of an alert in the first of its cases that has these; an empty one is one that it must not have."""
    for case in CASES[name].fires:
        if all(case.labels.get(label, "") == value for label, value in labels.items()):
            return {"alertname": name, **case.labels}
    raise AssertionError(f"{name} never fires with {labels}")


# What fires together; of it, what is told.
TOGETHER: dict[str, tuple[list[Labels], list[Labels]]] = {
    "the store is sealed": (
        [fired("StoreSealed", node=STORE), fired("CertificateExpiresInADay", node=STORE, subject="store")],
        [fired("NodeUnhealthy", node=STORE)],
    ),
    "a sealed store says nothing of others": (
        [fired("StoreSealed", node=STORE), fired("NodeUnhealthy", node=PEER["node"])],
        [],
    ),
    "the store's host is down": (
        [{"alertname": "HostDown", "host": "host1"}],
        [
            fired("StoreSealed", node=STORE),
            fired("NodeUnhealthy", node=STORE),
            fired("NodeUnhealthy", node=PEER["node"]),
            fired("NodeDown", node=PEER["node"]),
            fired("ContainerRestarting"),
            fired("ChaincodeGone"),
        ],
    ),
    "a host that is down says nothing of others, nor of what has no host": (
        [
            fired("HostDown", host="host2"),
            fired("NodeDown", host="host1"),
            fired("QuorumAtRisk", channel="main"),
            fired("CommitProbeFailing"),
            fired("CertificateExpiresInADay", node="probe@org1"),
        ],
        [fired("DiskFull", host="host2"), fired("ClockSkew", host="host2"), fired("TargetDown", host="host2")],
    ),
    "a node is down": (
        [fired("NodeDown", node=PEER["node"])],
        [
            fired("NodeUnhealthy", node=PEER["node"]),
            fired("NodeDegraded", node=PEER["node"]),
            fired("ContainerRestarting", node=PEER["node"]),
        ],
    ),
    "a quorum is lost": (
        [fired("QuorumLost", channel="main")],
        [
            fired("NoLeader", channel="main"),
            fired("QuorumAtRisk", channel="main"),
            fired("CommitProbeFailing"),
            fired("CommitProbeSlow"),
            fired("NodeUnhealthy", node=LEFT, channel="main"),
        ],
    ),
    # What is silenced silences others all the same, so each of these alone.
    "a quorum is lost, and an orderer waits": (
        [fired("QuorumLost", channel="main")],
        [fired("NodeUnhealthy", node=LEFT, channel="main")],
    ),
    "an orderer has more to say than that": (
        [fired("QuorumLost", channel="main"), fired("NodeUnhealthy", node=LEFT, channel="")],
        [],
    ),
    "another channel has lost its quorum": (
        [
            fired("QuorumLost", channel="bft"),
            fired("NodeUnhealthy", node=LEFT, channel="main"),
            fired("CommitProbeFailing", channel="main"),
        ],
        [],
    ),
    "nobody leads": (
        [fired("NoLeader", channel="main")],
        [fired("CommitProbeFailing"), fired("NodeUnhealthy", node=LEFT, channel="main")],
    ),
    "one orderer is away": (
        [fired("QuorumAtRisk", channel="main")],
        [fired("NodeDegraded", node=LEFT, channel="main")],
    ),
    "a disk is full": (
        [fired("DiskFull", mountpoint="/")],
        [fired("DiskFilling", mountpoint="/")],
    ),
    "another disk is full": (
        [{**fired("DiskFull"), "mountpoint": "/srv"}, fired("DiskFilling", mountpoint="/")],
        [],
    ),
}  # fmt: skip


class Alertmanager:
    def __init__(self, folder: Path) -> None:
        self.process = Process(folder / "log")
        self.port = free_port()
        network = load({**lab_model(), "monitoring": {"host": "host1"}}, LAB_HOSTS)
        (folder / "alertmanager.yml").write_text(
            yaml.safe_dump(alertmanager_config(network), sort_keys=False)
        )
        self.process.start(
            binary("alertmanager", "alertmanager"),
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={ADDRESS}:{self.port}",
            "--cluster.listen-address=",
        )

    def _ask(self, content: Any = None) -> Any:
        request = urllib.request.Request(
            f"http://{ADDRESS}:{self.port}/api/v2/alerts",
            None if content is None else json.dumps(content).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def say(self, alerts: list[Labels], minutes: int) -> None:
        """Alerts that end in so many minutes."""
        end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
        start = end - datetime.timedelta(hours=1)
        self._ask(
            [{"labels": item, "startsAt": start.isoformat(), "endsAt": end.isoformat()} for item in alerts]
        )

    def told(self) -> dict[bool, list[Labels]]:
        """What it would tell, and under False what it leaves unsaid."""
        found: dict[bool, list[Labels]] = {True: [], False: []}
        for item in self._ask():
            found[not item["status"]["inhibitedBy"]].append(item["labels"])
        return found


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    found = Alertmanager(tmp_path_factory.mktemp("alertmanager"))
    try:
        found.process.wait_for(ADDRESS, found.port)
        yield found
    finally:
        found.process.stop()


@pytest.mark.parametrize("name", TOGETHER)
def test_what_follows_from_another_is_left_unsaid(alertmanager: Alertmanager, name: str) -> None:
    told, unsaid = TOGETHER[name]

    def sorted_(items: list[Labels]) -> list[Labels]:
        return sorted(items, key=lambda item: sorted(item.items()))

    alertmanager.say([*told, *unsaid], 10)
    try:

        def known() -> bool:
            found = alertmanager.told()
            return len(found[True]) + len(found[False]) == len(told) + len(unsaid)

        eventually(known, 60)
        if unsaid:
            eventually(lambda: alertmanager.told()[False], 60)
        found = alertmanager.told()
        assert sorted_(found[False]) == sorted_(unsaid)
        assert sorted_(found[True]) == sorted_(told)
    finally:
        alertmanager.say([*told, *unsaid], -1)
        eventually(lambda: not any(alertmanager.told().values()), 60)
