"""The whole network in one report: from what modules said, to rows and to what is not well. Pure.

Whether a node is healthy is not decided here, ``network_health`` has said it. Here it is put beside what channels,
chaincodes and hosts tell; and what could not be asked is told of as unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Found = Mapping[str, Any]


class Status(StrEnum):
    """As ``network_health`` has them; ``unknown`` is what nobody could ask."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    UNHEALTHY = "unhealthy"


_GRAVITY = (Status.UNHEALTHY, Status.UNKNOWN, Status.DEGRADED, Status.HEALTHY)
# A host that is away is why its nodes are, so it comes first.
_KINDS = ("network", "host", "store", "ca", "orderer", "peer", "channel", "chaincode")
_SILENT, _NOT_ASKED, _NOT_JOINED = "does not answer", "not asked", "not joined"
_AWAY = (_SILENT, _NOT_ASKED, _NOT_JOINED)
_SITE = "run site.yml"
_NODES = "see to its nodes first"


@dataclass(frozen=True)
class Concern:
    """Something that is not well: what, why, and what to do next."""

    subject: str
    kind: str
    status: Status
    reasons: tuple[str, ...]
    remedy: str


@dataclass(frozen=True)
class Node:
    """An orderer, a peer, a CA or the store.

    :param heights: blocks by channel; :param lags: how many it is behind, by channel
    :param leads: channels whose Raft leader it is
    :param cert_days: days until its first certificate expires; None when unknown
    """

    name: str
    kind: str
    organization: str
    host: str
    status: Status
    version: str = ""
    heights: dict[str, int] = field(default_factory=dict)
    lags: dict[str, int] = field(default_factory=dict)
    leads: tuple[str, ...] = ()
    cert_days: int | None = None
    certificates: dict[str, int] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Channel:
    """:param status: that of its gravest member on it; :param batch: ``2s or 500 transactions``"""

    name: str
    status: Status
    height: int | None
    leader: str
    orderers: str
    peers: str
    organizations: tuple[str, ...] = ()
    capabilities: tuple[tuple[str, str], ...] = ()
    consensus: str = ""
    batch: str = ""
    sequence: int | None = None
    members: tuple[Member, ...] = ()


@dataclass(frozen=True)
class Member:
    """A node on a channel. ``state`` is what it is there: ``consenter, active``, ``joined``, ``not joined``."""

    name: str
    kind: str
    height: int | None
    lag: int | None
    state: str


@dataclass(frozen=True)
class Chaincode:
    """:param wanted: the model's version; :param version: the committed one; :param installed: ``4 of 4``"""

    name: str
    channel: str
    status: Status
    wanted: str
    version: str = ""
    sequence: int | None = None
    policy: str = ""
    collections: tuple[str, ...] = ()
    approved: tuple[str, ...] = ()
    installed: str = ""


@dataclass(frozen=True)
class Container:
    name: str
    stack: str
    state: str
    image: str
    started: str
    restarts: int
    well: bool


@dataclass(frozen=True)
class Disk:
    mount: str
    free: int
    total: int


@dataclass(frozen=True)
class Host:
    """:param told: why nothing is known; empty when the host has told"""

    name: str
    status: Status
    services: tuple[str, ...]
    told: str = ""
    distribution: str = ""
    engine: str = ""
    compose: str = ""
    version: str = ""
    uptime: float = 0.0
    load: float = 0.0
    memory: tuple[int, int] = (0, 0)
    disks: tuple[Disk, ...] = ()
    containers: tuple[Container, ...] = ()

    @property
    def running(self) -> str:
        """``5 of 6``: containers that run and are not known to be unhealthy."""
        return f"{sum(item.well for item in self.containers)} of {len(self.containers)}"


@dataclass(frozen=True)
class Report:
    """The network. :param concerns: the gravest first; :param at: when, ``2026-11-24 22:30 UTC``"""

    network: str
    at: str
    version: str
    nodes: tuple[Node, ...]
    channels: tuple[Channel, ...]
    chaincodes: tuple[Chaincode, ...]
    hosts: tuple[Host, ...]
    concerns: tuple[Concern, ...]

    @property
    def status(self) -> Status:
        return worst(item.status for item in self.concerns)

    @property
    def headline(self) -> str:
        if not self.concerns:
            return "All is well"
        count = len({(item.kind, item.subject) for item in self.concerns})
        return "1 thing is not well" if count == 1 else f"{count} things are not well"

    @property
    def cert_days(self) -> int | None:
        """Days until the network's first certificate expires."""
        return min((node.cert_days for node in self.nodes if node.cert_days is not None), default=None)


@dataclass(frozen=True)
class Inputs:
    """What was asked, as modules returned it.

    :param controller: the fact ``selvedge_controller``
    :param health: of ``network_health``
    :param channels: of ``channel_info``, one for each channel of the model, each with its ``item``
    :param chaincodes: of ``chaincode_info``, likewise
    :param hosts: inventory name to the result of ``status_info``; a host without one was not asked
    """

    network: str
    controller: Found
    health: Found
    channels: Sequence[Found]
    chaincodes: Sequence[Found]
    hosts: Mapping[str, Found]
    all_hosts: Sequence[str]


def worst(statuses: Iterable[Status]) -> Status:
    """The gravest; healthy when there is none."""
    return min(statuses, key=_GRAVITY.index, default=Status.HEALTHY)


def make(inputs: Inputs, at: str, version: str) -> Report:
    """The report.

    :param at: the time, for people; :param version: the collection's
    """
    nodes = _nodes(inputs)
    channels = [_channel(item, inputs) for item in inputs.channels]
    chaincodes = [_chaincode(item, inputs) for item in inputs.chaincodes]
    hosts = [_host(name, inputs) for name in inputs.all_hosts]
    concerns = [
        *_health_concerns(inputs),
        *(concern for _unused, found in channels for concern in found),
        *(concern for _unused, found in chaincodes for concern in found),
        *(concern for _unused, found in hosts for concern in found),
    ]
    concerns.sort(key=lambda item: (_GRAVITY.index(item.status), _KINDS.index(item.kind)))
    return Report(
        inputs.network,
        at,
        version,
        tuple(nodes),
        tuple(item for item, _unused in channels),
        tuple(item for item, _unused in chaincodes),
        tuple(item for item, _unused in hosts),
        tuple(concerns),
    )


def _said(result: Found, remedy: str) -> tuple[str, str]:
    """Why a module's result has nothing, and what to do: what the module says itself, or ``remedy``."""
    message = str(result.get("msg") or "it was not asked").strip().removeprefix("Task failed: ")
    what, _unused, next_step = message.partition(" Next: ")
    return what.rstrip("."), next_step or remedy


# --- nodes ---


def _results(inputs: Inputs) -> list[Found]:
    return list(inputs.health.get("results") or [])


def _nodes(inputs: Inputs) -> list[Node]:
    found = [
        _node(result, inputs) for result in _results(inputs) if result["kind"] not in ("host", "channel")
    ]
    if found:
        return found
    topology = inputs.controller["topology"]
    authorities = [
        {"name": item["server_name"], "organization": item["name"]}
        for item in inputs.controller["authorities"]
    ]
    known = [("ca", authorities), ("orderer", topology["orderers"]), ("peer", topology["peers"])]
    return [
        Node(item["name"], kind, item.get("organization", ""), _place(item["name"], inputs), Status.UNKNOWN)
        for kind, items in known
        for item in items
    ]


def _node(result: Found, inputs: Inputs) -> Node:
    facts = result["facts"]
    channels: dict[str, Found] = facts.get("channels", {})
    return Node(
        name=result["subject"],
        kind=result["kind"],
        organization=result["organization"],
        host=_place(result["subject"], inputs),
        status=Status(result["status"]),
        version=str(facts.get("version", "")),
        heights={name: item["height"] for name, item in channels.items() if "height" in item},
        lags={name: item["lag"] for name, item in channels.items() if item.get("lag")},
        leads=tuple(name for name, item in channels.items() if item.get("leader") == result["subject"]),
        cert_days=facts.get("cert_days"),
        certificates=dict(facts.get("certificates", {})),
        reasons=tuple(result["reasons"]),
    )


def _place(name: str, inputs: Inputs) -> str:
    return str(inputs.controller.get("placement", {}).get(name, ""))


def _health_concerns(inputs: Inputs) -> list[Concern]:
    results = _results(inputs)
    if not results:
        said, remedy = _said(inputs.health, "put that right, and ask again")
        reasons = (f"its health could not be asked: {said}",)
        return [Concern(inputs.network, "network", Status.UNKNOWN, reasons, remedy)]
    return [
        Concern(
            result["subject"],
            result["kind"],
            Status(result["status"]),
            tuple(result["reasons"]),
            result["remedy"],
        )
        for result in results
        if result["status"] != Status.HEALTHY
    ]


# --- channels ---


def _channel(result: Found, inputs: Inputs) -> tuple[Channel, list[Concern]]:
    item = result["item"]
    name, definition = str(item["name"]), item["definition"]
    found: Found = result.get("channel") or {}
    members = [*_members(name, "orderer", definition["orderers"], found.get("orderers") or {}, inputs),
               *_members(name, "peer", definition["peers"], found.get("peers") or {}, inputs)]  # fmt: skip
    config: Found = found.get("config") or {}
    groups: Found = config.get("groups", {})
    orderer, application = groups.get("Orderer", {}), groups.get("Application", {})
    concerns = []
    if not found:
        said, remedy = _said(result, _NODES)
        concerns.append(Concern(name, "channel", Status.UNKNOWN, (f"could not be read: {said}",), remedy))
    elif not found.get("exists"):
        reason = "no orderer that answers has it"
        concerns.append(
            Concern(name, "channel", Status.UNHEALTHY, (reason,), f"{_SITE}, it makes the channel")
        )
    states = [Status.DEGRADED] if any(member.state in _AWAY for member in members) else []
    states += [
        Status(r["status"])
        for r in _results(inputs)
        if name in r["facts"].get("channels", {}) and _about(r, name)
    ]
    heights = [member.height for member in members if member.height is not None]
    return Channel(
        name=name,
        status=worst([*states, *(concern.status for concern in concerns)]),
        height=max(heights, default=None),
        leader=_leader(name, inputs),
        orderers=_counted(members, "orderer"),
        peers=_counted(members, "peer"),
        organizations=tuple(sorted(application.get("groups", {}))),
        capabilities=tuple(
            (title, ", ".join(group.get("values", {}).get("Capabilities", [])))
            for title, group in (("channel", config), ("orderer", orderer), ("application", application))
            if group.get("values", {}).get("Capabilities")
        ),
        consensus=str(orderer.get("values", {}).get("ConsensusType", {}).get("type", "")),
        batch=_batch(orderer.get("values", {})),
        sequence=found.get("sequence"),
        members=tuple(members),
    ), concerns


def _about(result: Found, channel: str) -> bool:
    """Whether what is wrong with a node is wrong on this channel; a node that is silent is wrong on all."""
    reasons = result["reasons"]
    return not reasons or any(f"channel {channel}:" in reason for reason in reasons)


def _members(
    channel: str, kind: str, names: Sequence[str], told: Mapping[str, Found], inputs: Inputs
) -> list[Member]:
    facts = {r["subject"]: r["facts"].get("channels", {}).get(channel, {}) for r in _results(inputs)}
    members = []
    for name in names:
        fact, said = facts.get(name, {}), told.get(name, {})
        joined = bool(said.get("joined"))
        height = fact.get("height", said["height"] if joined else None)
        if said.get("error"):
            state = _SILENT
        elif not said:
            state = _NOT_ASKED
        elif not joined:
            state = _NOT_JOINED
        else:
            state = ", ".join(filter(None, [said.get("relation", ""), said.get("status", "")])) or "joined"
        members.append(Member(name, kind, height, fact.get("lag"), state))
    return members


def _counted(members: Sequence[Member], kind: str) -> str:
    mine = [member for member in members if member.kind == kind]
    if all(member.state == _NOT_ASKED for member in mine):
        return f"? of {len(mine)}"
    return f"{sum(member.state not in _AWAY for member in mine)} of {len(mine)}"


def _leader(channel: str, inputs: Inputs) -> str:
    found = [r["facts"].get("channels", {}).get(channel, {}).get("leader", "") for r in _results(inputs)]
    return next(filter(None, found), "")


def _batch(values: Found) -> str:
    timeout = values.get("BatchTimeout", "")
    count = values.get("BatchSize", {}).get("max_message_count", "")
    return f"{timeout} or {count} transactions" if timeout and count else ""


# --- chaincodes ---


def _chaincode(result: Found, inputs: Inputs) -> tuple[Chaincode, list[Concern]]:
    item = result["item"]
    name, channel, wanted = str(item["name"]), str(item["channel"]), str(item["version"])
    label = f"{channel}/{name}"
    if "installed" not in result:
        said, remedy = _said(result, _NODES)
        why = "no peer of its organisations answers" if result.get("skipped") else said
        concern = Concern(label, "chaincode", Status.UNKNOWN, (f"could not be asked: {why}",), remedy)
        return Chaincode(name, channel, concern.status, wanted), [concern]
    committed: Found = result["committed"] or {}
    # An approval of the next sequence is on its way; it does not run yet.
    approvals = {
        org: approval
        for org, approval in result["approved"].items()
        if approval and approval["sequence"] == committed.get("sequence")
    }
    installed, missing = _installed(item, result, approvals, inputs)
    reasons = []
    if not committed:
        reasons.append("is not committed")
    elif str(committed["version"]) != wanted:
        reasons.append(f"version {committed['version']} is committed, the model says {wanted}")
    if missing:
        reasons.append(f"its package is not installed on {', '.join(missing)}")
    status = Status.UNHEALTHY if not committed else Status.DEGRADED if reasons else Status.HEALTHY
    concerns = (
        [Concern(label, "chaincode", status, tuple(reasons), f"{_SITE}, it deploys chaincodes")]
        if reasons
        else []
    )
    return Chaincode(
        name=name,
        channel=channel,
        status=status,
        wanted=wanted,
        version=str(committed.get("version", "")),
        sequence=committed.get("sequence"),
        policy=str(committed.get("endorsement_policy", "")),
        collections=tuple(str(part["name"]) for part in committed.get("collections") or []),
        approved=tuple(sorted(approvals)),
        installed=installed,
    ), concerns


def _installed(
    item: Found, result: Found, approvals: Mapping[str, Found], inputs: Inputs
) -> tuple[str, list[str]]:
    """``3 of 4`` of the model's peers have what their organisation approved; and which of those asked have not."""
    organization = {node["name"]: node["organization"] for node in inputs.controller["topology"]["peers"]}
    asked: Mapping[str, Found] = result["installed"]
    packages = {org: approval["package_id"] for org, approval in approvals.items()}
    missing = [
        peer for peer, found in asked.items() if packages.get(organization[peer], "") not in ("", *found)
    ]
    have = [peer for peer, found in asked.items() if packages.get(organization[peer]) in found]
    return f"{len(have)} of {len(item['peers'])}", missing


# --- hosts ---


def _host(name: str, inputs: Inputs) -> tuple[Host, list[Concern]]:
    services = tuple(node for node, host in inputs.controller.get("placement", {}).items() if host == name)
    judged = [Status(r["status"]) for r in _results(inputs) if r["kind"] == "host" and r["subject"] == name]
    if name not in inputs.hosts:
        return Host(name, worst(judged) if judged else Status.UNKNOWN, services, "not asked (--limit)"), []
    result = inputs.hosts[name]
    if "host" not in result:
        away = bool(result.get("unreachable"))
        said, remedy = _said(result, "preflight.yml tells what is wrong with it")
        reason = f"{'cannot be reached' if away else 'could not be looked at'}: {said}"
        concern = Concern(
            name,
            "host",
            Status.UNHEALTHY if away else Status.UNKNOWN,
            (reason,),
            remedy,
        )
        return Host(name, concern.status, services, reason), [concern]
    found: Found = result["host"]
    concerns = list(_host_concerns(name, found))
    return Host(
        name=name,
        status=worst([*judged, *(concern.status for concern in concerns)]),
        services=services,
        distribution=found["distribution"],
        engine=found["engine"]["version"],
        compose=found["engine"]["compose"],
        version=found["version"],
        uptime=found["uptime"],
        load=found["load"],
        memory=(found["memory"]["available"], found["memory"]["total"]),
        disks=tuple(Disk(item["mount"], item["free"], item["total"]) for item in found["disks"]),
        containers=tuple(
            Container(
                item["name"],
                item["stack"],
                _state(item),
                item["image"],
                item["started"],
                item["restarts"],
                _well(item),
            )
            for item in found["containers"]
        ),
    ), concerns


def _state(container: Found) -> str:
    """``running``, ``running, unhealthy``, ``exited with 137, out of memory``."""
    state = str(container["state"])
    if state == "exited":
        state = f"exited with {container['exit_code']}"
    health = container["health"]
    return state + (f", {health}" if health and health != "healthy" else "") + (
        ", out of memory" if container["oom_killed"] else ""
    )  # fmt: skip


def _well(container: Found) -> bool:
    return bool(container["state"] == "running" and container["health"] != "unhealthy")


def _host_concerns(name: str, found: Found) -> Iterable[Concern]:
    engine = found["engine"]
    if not engine["version"]:
        reason = f"its engine does not answer: {engine['error']}" if engine["present"] else "it has no engine"
        remedy = "read 'journalctl -u docker' there" if engine["present"] else "run bootstrap.yml"
        yield Concern(name, "host", Status.UNHEALTHY, (reason,), remedy)
    wrong = [f"container {item['name']} is {_state(item)}" for item in found["containers"] if not _well(item)]
    if wrong:
        yield Concern(
            name,
            "host",
            Status.UNHEALTHY,
            tuple(wrong),
            "read 'docker logs' of it there, or 'docker start' it",
        )
    if found["failed_units"]:
        units = ", ".join(found["failed_units"])
        remedy = f"read 'journalctl -u {found['failed_units'][0]}' there"
        yield Concern(name, "host", Status.DEGRADED, (f"failed units: {units}",), remedy)
