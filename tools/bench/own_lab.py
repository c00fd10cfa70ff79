"""A lab of the bench's own beside those of the scenarios, from a scenario's network; it is removed whatever happens."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from .plays import ROOT, attempt, play

SCENARIO = ROOT / "molecule" / "monitoring" / "inventory"
NAME = "selvedge-bench-monitoring"
_OLD, _NEW = ".80.", ".90."
_STEPS = (
    "molecule/shared/create.yml",
    "playbooks/bootstrap.yml",
    "playbooks/images.yml",
    "playbooks/site.yml",
)
_REMOVE = "molecule/shared/destroy.yml"
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def write(folder: Path) -> Path:
    """Write the inventory: the scenario's network on other hosts, with monitoring and logs as an operator gets them."""
    hosts = (SCENARIO / "hosts.yml").read_text().replace(_OLD, _NEW)
    connection = _read("connection.yml")
    connection |= {"lab_name": NAME, "lab_subnet": connection["lab_subnet"].replace(_OLD, _NEW)}
    network = _read("network.yml")
    watching = network["selvedge_network"]["monitoring"]
    # The scenario asks more often, so that its tests need not wait.
    network["selvedge_network"]["monitoring"] = {"host": watching["host"], "logs": {}}
    variables = folder / "group_vars" / "all"
    variables.mkdir(parents=True, exist_ok=True)
    (folder / "hosts.yml").write_text(hosts)
    for name, content in (("connection.yml", connection), ("network.yml", network)):
        (variables / name).write_text(yaml.safe_dump(content, sort_keys=False))
    return folder


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((SCENARIO / "group_vars/all" / name).read_text())
    return found


@contextmanager
def lab() -> Iterator[Path]:
    """The lab with everything on it; yields its inventory. It is gone when the block ends, fails, or is interrupted."""
    inventory = write(ROOT / ".cache" / "bench-monitoring")
    before = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        play(inventory, _REMOVE)  # what a killed run left
        for step in _STEPS:
            play(inventory, step)
        yield inventory
    finally:
        # Who is impatient would be left with the lab. A playbook inherits what is ignored; SIGTERM it needs itself.
        for number in _SIGNALS:
            signal.signal(number, lambda _number, _frame: None)
        before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
        removed = attempt(inventory, _REMOVE)
        for number, handler in before.items():
            signal.signal(number, handler)
        if removed.code:
            by_hand = f"ansible-playbook -i {inventory} {_REMOVE}"
            print(f"{removed.output[-2000:]}\nthe lab {NAME} is still there: {by_hand}", file=sys.stderr)
        else:
            shutil.rmtree(inventory)


def _interrupt(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)
