"""What converging a Compose project would do, by service, out of what Compose's dry run says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# What Compose is about to do with a container, gravest first. Source: docker/compose pkg/progress and pkg/compose.
_CREATE, _RECREATE, _START, _REMOVE = "create", "recreate", "start", "remove"
_MEANING = {
    "Recreate": _RECREATE,
    "Creating": _CREATE,
    "Removing": _REMOVE,
    "Stopping": _REMOVE,
    "Starting": _START,
}
_RANK = (_RECREATE, _CREATE, _REMOVE, _START)
# While Compose recreates a container, it goes by a temporary name. Source: docker/compose pkg/compose/convergence.go.
_TEMPORARY = re.compile(r"^[0-9a-f]{12}_")
_SIGNS = {_RECREATE: "~", _CREATE: "+", _REMOVE: "-", _START: "+"}


@dataclass(frozen=True)
class StackPlan:
    """What happens to a project's containers. All lists have service names, ``remove`` has container names.

    :param create: containers that are not there
    :param recreate: containers whose definition differs; they stop and start
    :param start: containers that are there, fit, and do not run
    :param remove: containers that the definition does not have
    :param moved: those of ``recreate`` that publish other ports now: nothing answers yet where the model has them
    """

    create: tuple[str, ...] = ()
    recreate: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.create or self.recreate or self.start or self.remove)

    @property
    def fresh(self) -> list[str]:
        """Services that can start at any time: nobody loses anything by it."""
        return sorted({*self.create, *self.start})

    @property
    def silent(self) -> list[str]:
        """Services that are there, and do not answer where the model has them before this is done."""
        return sorted({*self.start, *self.moved})

    @property
    def lines(self) -> list[str]:
        """``"~ peer0.org1.lab.example: recreate"``, a line for each container."""
        return [f"{_SIGNS[what]} {name}: {what}" for what in _RANK for name in getattr(self, what)]

    def as_dict(self) -> dict[str, Any]:
        """For a result: plain types, and what follows from them."""
        plain = {key: list(value) for key, value in asdict(self).items()}
        return {**plain, "fresh": self.fresh, "silent": self.silent, "lines": self.lines}


def read_plan(
    services: Mapping[str, Any],
    actions: Iterable[Mapping[str, str]],
    containers: Iterable[Mapping[str, Any]] = (),
) -> StackPlan:
    """Sort Compose's actions.

    :param services: the project's services, each perhaps with a ``container_name``
    :param actions: ``what`` (``container`` counts), ``id`` (the container's name) and ``status``, as
        ``community.docker.docker_compose_v2`` returns them from its check mode
    :param containers: the project's containers as they are, ``Service`` and ``Publishers`` of each, from there too
    """
    names = {str(service.get("container_name") or name): name for name, service in services.items()}
    found: dict[str, set[str]] = {}
    for action in actions:
        meaning = _MEANING.get(action["status"])
        if action["what"] == "container" and meaning:
            found.setdefault(_TEMPORARY.sub("", action["id"]), set()).add(meaning)
    kinds: dict[str, list[str]] = {what: [] for what in _RANK}
    for container, meanings in found.items():
        what = next(rank for rank in _RANK if rank in meanings)
        kinds[what].append(names.get(container, container))
    moved = _moved(services, containers)
    return StackPlan(
        **{what: tuple(sorted(items)) for what, items in kinds.items()},
        moved=tuple(name for name in sorted(kinds[_RECREATE]) if name in moved),
    )


def _moved(services: Mapping[str, Any], containers: Iterable[Mapping[str, Any]]) -> set[str]:
    """Services whose running container lacks a port that the definition publishes."""
    found = {
        str(item["Service"]): {int(port["PublishedPort"]) for port in item.get("Publishers") or []}
        for item in containers
    }
    wanted = {
        name: {int(str(port).split(":")[-2]) for port in service.get("ports", [])}
        for name, service in services.items()
    }
    return {name for name, published in found.items() if not wanted.get(name, set()) <= published}


def plans_of(hostvars: Mapping[str, Any], hosts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the action ``stack`` planned so far: host to stack to plan. A host without a plan has an empty one."""
    return {host: hostvars[host].get("selvedge_plans", {}) for host in hosts}
