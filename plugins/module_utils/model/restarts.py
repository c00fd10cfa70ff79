"""In which order the nodes of a network are restarted, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.draft import MONITORING, couchdb_name

_ORDER = ("store", "ca", "orderer", "peer", "chaincode")


@dataclass(frozen=True)
class Step:
    """One restart: a node, with what belongs to it on its host.

    :param services: names in the Compose project
    :param node: the name by which its health is judged, empty for a chaincode alone
    :param kind: ``store``, ``ca``, ``orderer``, ``peer`` or ``chaincode``
    :param channels: names of the channels that it had before, and must have again
    """

    host: str
    services: tuple[str, ...]
    node: str
    kind: str
    channels: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return self.node or ", ".join(self.services)


def restart_steps(
    recreated: Mapping[str, Iterable[str]],
    controller: Mapping[str, Any],
    results: Iterable[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Every step, in order: what does not serve anyway, then followers, Raft leaders last, then peers.

    :param recreated: host to the services that its stack's plan recreates
    :param controller: ``controller_view``
    :param results: verdicts on the nodes before the first restart, as ``network_health`` returns them; without any, all
        count as serving
    """
    kinds = _kinds(controller)
    verdicts = {item["subject"]: item for item in results}
    steps = [step for host, names in recreated.items() for step in _steps_of(host, names, kinds, verdicts)]
    leaders = {
        name
        for item in verdicts.values()
        for facts in item.get("facts", {}).get("channels", {}).values()
        for name in str(facts.get("leader", "")).split(", ")
    }

    def rank(step: Step) -> tuple[bool, int, bool]:
        # What is down cannot be hurt, and may be what the others wait for.
        down = step.node in verdicts and not verdicts[step.node].get("facts", {}).get("version")
        return (not down, _ORDER.index(step.kind), step.node in leaders)

    return [{**asdict(step), "label": step.label} for step in sorted(steps, key=rank)]


def _kinds(controller: Mapping[str, Any]) -> dict[str, str]:
    topology = controller["topology"]
    return {
        "store": "store",
        **{item["server_name"]: "ca" for item in controller["authorities"]},
        **{node["name"]: "orderer" for node in topology["orderers"]},
        **{node["name"]: "peer" for node in topology["peers"]},
    }


def _steps_of(
    host: str, names: Iterable[str], kinds: Mapping[str, str], verdicts: Mapping[str, Mapping[str, Any]]
) -> Iterable[Step]:
    """One step a node; a chaincode's instance goes with its peer where both change, a state database is its peer's."""
    groups: dict[str, list[str]] = {}
    for name in names:
        node = name if name in kinds else name.partition(".")[2]
        groups.setdefault(node, []).append(name)
    for node, services in groups.items():
        if node not in services and couchdb_name(node) not in services:
            yield Step(host, tuple(sorted(services)), "", "chaincode")
            continue
        channels = verdicts.get(node, {}).get("facts", {}).get("channels", {})
        joined = tuple(sorted(name for name, facts in channels.items() if "height" in facts))
        yield Step(host, tuple(sorted(services)), node, kinds[node], joined)


def kept_back(removed: Iterable[str], controller: Mapping[str, Any]) -> list[str]:
    """Those of the containers that leave the model which do not just go: orderers, CAs, and whole organisations.

    A peer of an organisation that stays can come back, and takes its chaincodes with it. An orderer is a member of
    channels, whose quorum counts it whether it runs or not. Nobody counts on the monitoring.

    :param removed: container names, ``[chaincode.]node.organisation.domain``, ``couchdb.peer.organisation.domain``,
        ``exporter.monitoring.domain``
    """
    # organisation.domain of those that still have peers
    members = {node["name"].partition(".")[2] for node in controller["topology"]["peers"]}

    def goes(name: str) -> bool:
        first, _unused, node = name.partition(".")
        return (
            node.startswith(f"{MONITORING}.")
            or first != "ca"
            and (node in members or node.partition(".")[2] in members)
        )

    return [name for name in removed if not goes(name)]
