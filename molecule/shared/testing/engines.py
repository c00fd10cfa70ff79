"""What the engines of all hosts say about containers, and what happened to them between two looks."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ansible_collections.selvedge.fabric.molecule.shared.testing.fixtures import the_host

_LIST = "docker ps --all --quiet --no-trunc"
_FORMAT = (
    '{"name":{{json .Name}},"id":{{json .Id}},"started":{{json .State.StartedAt}},'
    '"running":{{json .State.Running}}}'
)


@dataclass(frozen=True)
class Container:
    host: str
    id: str
    started: str
    running: bool


def look(hosts: Iterable[str]) -> dict[str, Container]:
    """Every container of the hosts, by name."""

    def one(host: str) -> dict[str, Container]:
        done = the_host(host).run(
            f"{_LIST} | xargs --no-run-if-empty docker inspect --format {shlex.quote(_FORMAT)}"
        )
        assert done.rc == 0, done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return {
            item["name"].lstrip("/"): Container(host, item["id"], item["started"], item["running"])
            for item in found
        }

    names = list(hosts)
    with ThreadPoolExecutor(len(names)) as pool:
        return {name: item for part in pool.map(one, names) for name, item in part.items()}


def happened(before: dict[str, Container], after: dict[str, Container]) -> set[tuple[str, str]]:
    """What happened to which container: create, recreate, start, remove."""
    found = {("remove", name) for name in before if name not in after}
    for name, item in after.items():
        if name not in before:
            found.add(("create", name))
        elif before[name].id != item.id:
            found.add(("recreate", name))
        elif before[name].started != item.started:
            found.add(("start", name))
    # In plans the store goes by its service's name.
    return {(what, "store" if name.startswith("store.") else name) for what, name in found}
