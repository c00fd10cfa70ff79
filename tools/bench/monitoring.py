"""What monitoring costs the ledger: the same load with all of it and with none, pair by pair, in a lab of its own.

Three hosts share this machine, so what the monitoring uses is taken from the ledger. A good part of it is the same each
second whatever the ledger does, and weighs the less the more the ledger does: compare at the same rate only. With and
without it, nodes count for their metrics; without it, nobody asks.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment, RemoteError
from ansible_collections.selvedge.fabric.molecule.shared.testing.ledger import Ledger
from ansible_collections.selvedge.fabric.molecule.shared.testing.monitoring import Server
from ansible_collections.selvedge.fabric.molecule.shared.testing.waiting import eventually
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import shared_channels
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import MEGABYTE
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import COLLECTORS
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.prometheus import scrape_configs

from . import usage
from .openloop import Client, run
from .own_lab import lab
from .pairs import (
    LEDGER,
    Half,
    Look,
    NotComparable,
    Pair,
    Window,
    between,
    machine_seconds,
    median_ratio,
    order,
    pair_of,
)
from .rows import at_most, head, row

# What two cores carry with all three hosts on them. A block's 500 ms have ten and a half transactions: with twenty a
# second every eleventh would come as the block is cut, and chance would decide on half a second of its latency.
RATE = 21.0
# A minute has in it whatever the monitoring does once a minute.
SECONDS, PAIRS = 60, 5
SETTLE_S, WARM_UP_S, READY_S = 15, 10, 180
MOST_RATIO, MOST_SHARE = 1.03, 3.0
# Of transactions that were sent later than this, the load was not what it says.
MOST_LATE_S = 0.05


def say(line: str) -> None:
    """Tell how far it is."""
    print(f"{time.strftime('%H:%M:%S'):>9}  {line}", file=sys.stderr, flush=True)


def kinds(network: Network, host: str) -> dict[str, str]:
    """The containers of a host that are measured, each to its kind: LEDGER, or a kind of the monitoring."""
    found: dict[str, str] = {}
    nodes = [*network.orderers, *network.peers, *network.chaincodes]
    found |= {item.name: LEDGER for item in nodes if item.host.name == host}
    for item in network.monitoring:
        if item.host.name == host:
            found[item.name] = item.kind
            if item.kind in COLLECTORS:
                found[network.guard(item)] = "engine-watch"
    return found


class Stage:
    """The lab's hosts, with the monitoring on or off."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment, self._network = deployment, deployment.network
        self._prometheus = Server(deployment, "prometheus")
        self.kinds = {host: kinds(self._network, host) for host in self._network.hosts}
        self.watched = True

    @cached_property
    def all_kinds(self) -> dict[str, str]:
        return {name: kind for found in self.kinds.values() for name, kind in found.items()}

    def look(self) -> Look:
        """What every container has used by now."""
        return self._everywhere(lambda host: {"do": "look", "names": list(self.kinds[host])})

    def switch(self, watched: bool) -> None:
        """Have all of the monitoring, or none of it; with it, everything is asked and answers."""
        if watched != self.watched:
            say(f"{'starting' if watched else 'stopping'} the monitoring")
            self._everywhere(lambda host: self._request(host, "start" if watched else "stop"))
            self.watched = watched
        if watched:
            eventually(self._ready, READY_S, OSError, ValueError, RemoteError)

    def _request(self, host: str, do: str) -> dict[str, Any]:
        names = [name for name, kind in self.kinds[host].items() if kind != LEDGER]
        return {"do": do, "names": names, "units": self._deployment.view(host)["monitoring_units"]}

    def _everywhere(self, request: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
        def ask(host: str) -> dict[str, Any]:
            return self._deployment.machine(host).run_python([usage.__name__], request(host))

        with ThreadPoolExecutor(len(self.kinds)) as pool:
            return {name: item for found in pool.map(ask, self.kinds) for name, item in found.items()}

    def _ready(self) -> None:
        targets = self._prometheus.ask("/api/v1/targets", state="active")["activeTargets"]
        wanted = sum(len(config["static_configs"]) for config in scrape_configs(self._network))
        away = [item["labels"]["instance"] for item in targets if item["health"] != "up"]
        assert not away, f"not up: {', '.join(away)}"
        assert len(targets) == wanted, f"Prometheus has {len(targets)} targets of {wanted}"
        ill = [name for name, item in self.look().items() if item["health"] != "healthy"]
        assert not ill, f"not healthy: {', '.join(ill)}"


def machine_cpu() -> float:
    """Seconds of processor time of this machine but of this process, which makes the load."""
    mine = resource.getrusage(resource.RUSAGE_SELF)
    everything = machine_seconds(Path("/proc/stat").read_text(), os.sysconf("SC_CLK_TCK"))
    return everything - mine.ru_utime - mine.ru_stime


def measured(stage: Stage, load: Callable[[], None]) -> Window:
    """What is used while ``load`` runs."""
    before, begun, busy = stage.look(), time.monotonic(), machine_cpu()
    load()
    spent, after = machine_cpu() - busy, stage.look()
    return between(stage.all_kinds, before, after, time.monotonic() - begun, stage.watched, spent)


def half(stage: Stage, client: Client, watched: bool) -> Half:
    """One load, with the monitoring or without it."""
    stage.switch(watched)
    time.sleep(SETTLE_S)
    timings = []
    window = measured(stage, lambda: timings.extend(run(client.transact, RATE, round(RATE * SECONDS))))
    found = Half(watched, timings, window)
    if not found.committed:
        raise NotComparable(f"no transaction was committed: {found.errors[0]}")
    say(
        f"{'with' if watched else 'without'}: {len(found.committed)} committed, "
        f"median {found.latency(50) * 1000:.0f} ms, "
        f"CPU ledger {window.ledger_cpu:.1f} s, monitoring {window.watching_cpu:.1f} s"
    )
    return found


def measure(inventory: Path) -> tuple[list[Pair], Window, Counter[str]]:
    """All pairs, then the monitoring while the ledger has nothing to do; and the number of containers of each kind."""
    deployment = Deployment(inventory)
    stage, client = Stage(deployment), Client(Ledger(deployment))
    with shared_channels():
        stage.switch(True)
        say("warming up")
        run(client.transact, RATE, round(RATE * WARM_UP_S))
        pairs = []
        for number, (first, second) in enumerate(order(PAIRS), 1):
            say(f"pair {number} of {PAIRS}")
            pairs.append(pair_of(half(stage, client, first), half(stage, client, second)))
        stage.switch(True)
        time.sleep(SETTLE_S)
        say("without transactions")
        return pairs, measured(stage, lambda: time.sleep(SECONDS)), Counter(stage.all_kinds.values())


def rows() -> bool:
    """Make the lab, measure, remove it; return whether all budgets are kept."""
    with lab() as inventory:
        try:
            pairs, rest, containers = measure(inventory)
        except (NotComparable, RemoteError, AssertionError) as error:
            raise SystemExit(f"nothing to compare: {error}") from error
    return table(pairs, rest, containers)


def table(pairs: list[Pair], rest: Window, containers: Counter[str]) -> bool:
    """Print the rows; return whether all budgets are kept.

    :param rest: the monitoring without transactions
    """
    halves = [item for pair in pairs for item in (pair.watched, pair.alone)]
    watched, alone = [pair.watched for pair in pairs], [pair.alone for pair in pairs]
    at = f"{RATE:g} tx/s"

    def share(item: Half) -> float:
        return 100 * item.window.watching_cpu / item.window.ledger_cpu

    def ledger(item: Half) -> float:
        return item.per_thousand(item.window.ledger_cpu)

    def machine(item: Half) -> float:
        return item.per_thousand(item.window.machine_cpu)

    def watching(item: Half) -> float:
        return item.per_thousand(item.window.watching_cpu)

    def alone_ms(percent: float) -> str:
        return f"{1000 * median(item.latency(percent) for item in alone):.0f} ms"

    head()
    errors = [error for item in halves for error in item.errors]
    if errors:
        print(f"first of those that were not committed: {errors[0]}", file=sys.stderr)
    fits = [
        at_most(f"{at}, {len(pairs)} pairs of {SECONDS} s: not committed", len(errors), 0),
        at_most("  sent late, p95 of the worst half", 1000 * max(item.late(95) for item in halves),
                1000 * MOST_LATE_S, "ms"),
        at_most("commit latency, median, with monitoring to without",
                median_ratio(pairs, lambda item: item.latency(50)), MOST_RATIO, digits=3),
        row("  without", alone_ms(50)),
        at_most("commit latency, p95, with monitoring to without",
                median_ratio(pairs, lambda item: item.latency(95)), MOST_RATIO, digits=3),
        row("  without", alone_ms(95)),
        row("endorsing, median, with monitoring to without",
            f"{median_ratio(pairs, lambda item: item.endorsing(50)):.3f}"),
        at_most("ledger's CPU for 1,000 tx, with monitoring to without",
                median_ratio(pairs, ledger), MOST_RATIO, digits=3),
        row("  without", f"{median(map(ledger, alone)):.1f} s"),
        row(f"monitoring's CPU for 1,000 tx at {at}", f"{median(map(watching, watched)):.1f} s"),
        at_most("  of the ledger's in the same time", median(map(share, watched)), MOST_SHARE, "%", 1),
    ]  # fmt: skip
    for kind in sorted(set(containers) - {LEDGER}):
        cpu = median(item.per_thousand(item.window.cpu[kind]) for item in watched)
        row(f"  {kind}, {containers[kind]} of it", f"{cpu:.2f} s")
    row("  without transactions, of one core", f"{100 * rest.watching_cpu / rest.seconds:.1f} %")
    row("machine's CPU for 1,000 tx, with monitoring to without", f"{median_ratio(pairs, machine):.3f}")
    last = watched[-1].window.memory
    total = sum(size for kind, size in last.items() if kind != LEDGER)
    row("monitoring's memory, all hosts, at the end", f"{total / MEGABYTE:.0f} MB")
    for kind in sorted(set(containers) - {LEDGER}):
        row(f"  {kind}, {containers[kind]} of it", f"{last[kind] / MEGABYTE:.0f} MB")
    return all(fits)
