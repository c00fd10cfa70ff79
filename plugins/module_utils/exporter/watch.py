"""Asks the network again and again: its health, and a transaction on each channel."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.config import Config, Probe
from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.exposition import Probed, Snapshot
from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.secret_files import SecretFiles
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import Health
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_probes import (
    attempt,
    certificates_of,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import NetworkCheck
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.probe import (
    ProbeReport,
    commit_probe,
    problems,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.probe_health import (
    judge_probe,
    seconds_of,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology

_LOG = logging.getLogger("exporter")


class Watch:
    """Keeps the newest :class:`Snapshot`; ``run`` in a thread each, until ``stop`` is set."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._snapshot = Snapshot()
        self._said: dict[str, tuple[str, ...]] = {}
        self.stop = threading.Event()

    @property
    def snapshot(self) -> Snapshot:
        with self._lock:
            return self._snapshot

    def start(self) -> list[threading.Thread]:
        """Start asking, in threads that end when ``stop`` is set."""
        jobs = [(self.check, self._config.interval)]
        if self._config.probes:
            jobs.append((self.probe, self._config.probe_interval))
        threads = [threading.Thread(target=self._repeat, args=job, daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        return threads

    def _repeat(self, job: Callable[[], None], interval: float) -> None:
        while not self.stop.is_set():
            started = time.monotonic()
            try:
                job()
            except Exception:
                # A fault of ours must not end the watching; the time of the last run then stands still.
                _LOG.exception("%s was broken off", job.__name__)
                self._update(failures=self.snapshot.failures + 1)
            self.stop.wait(max(1.0, interval - (time.monotonic() - started)))

    def _topology(self) -> Topology:
        """A new one each time: secrets are renewed under a running exporter."""
        config = self._config
        return Topology.from_option(config.topology, SecretFiles(config.secrets), user=config.user)

    def check(self) -> None:
        """Judge everything once."""
        config, topology = self._config, self._topology()
        started = time.monotonic()
        results = NetworkCheck(
            topology,
            config.channels,
            config.authorities,
            config.store or None,
            certificate_days_min=config.certificate_days_min,
            max_lag=config.max_lag,
            timeout=config.timeout,
            max_skew=config.max_skew,
            chaincodes=config.chaincodes,
            read_nodes=False,
            ask_admin=False,
            # Files in memory: running nodes go on without the store, and so does their judge.
            keys_elsewhere=True,
        )()
        self._tell(results)
        self._update(
            results=tuple(results),
            seconds=time.monotonic() - started,
            ended=time.time(),
            own_days=_own_days(topology),
        )

    def probe(self) -> None:
        """Commit a transaction on every channel, all at the same time."""
        topology = self._topology()
        with ThreadPoolExecutor(len(self._config.probes)) as pool:
            futures = {item.channel: pool.submit(self._probe, topology, item) for item in self._config.probes}
        self._update(probes={channel: future.result() for channel, future in futures.items()})

    def _probe(self, topology: Topology, item: Probe) -> Probed:
        started = time.monotonic()
        report = attempt(partial(self._commit, topology, item))
        seconds = time.monotonic() - started if isinstance(report, FabricError) else seconds_of(report)
        health = judge_probe(item.channel, report, self._config.probe_budget)
        self._tell([health])
        return Probed(health, seconds, time.time())

    def _commit(self, topology: Topology, item: Probe) -> ProbeReport:
        names = answering(self.snapshot.results, item.peers)
        if not names:
            raise FabricError("no peer of the channel answers", ", ".join(item.peers), "start the peers")
        report = commit_probe(
            topology,
            topology.signer(item.organization),
            item.channel,
            item.chaincode,
            item.args,
            [topology.peer(name) for name in names],
            timeout=self._config.probe_timeout,
        )
        return without_silent(report, answering(self.snapshot.results, names))

    def _update(self, **changes: Any) -> None:
        with self._lock:
            self._snapshot = replace(self._snapshot, **changes)

    def _tell(self, results: Sequence[Health]) -> None:
        """Log a line for each verdict that is another one than before."""
        for result in results:
            if self._said.get(result.subject, ()) != result.reasons:
                reasons = "; ".join(result.reasons)
                _LOG.warning("%s is %s%s", result.subject, result.status, f": {reasons}" if reasons else "")
            self._said[result.subject] = result.reasons


def answering(results: Sequence[Health], peers: Sequence[str]) -> list[str]:
    """Those of ``peers`` that answered to the last check, all before the first one.

    A peer that is away has its own verdict; whether the channel commits is another question.
    """
    if not results:
        return list(peers)
    serving = {result.subject for result in results if result.kind == "peer" and "channels" in result.facts}
    return [name for name in peers if name in serving]


def without_silent(report: ProbeReport, names: Sequence[str]) -> ProbeReport:
    """The report without the peers that fell silent meanwhile, unless it would be empty."""
    peers = tuple(peer for peer in report.peers if peer.name in names)
    if not peers or len(peers) == len(report.peers):
        return report
    latency = max(peer.latency for peer in peers)
    return replace(report, peers=peers, latency=latency, problems=tuple(problems(peers)))


def _own_days(topology: Topology) -> dict[str, dict[str, float]]:
    """Days left of the certificates that it asks with itself, which nobody else would miss."""
    found: dict[str, dict[str, float]] = {}
    for organization in topology.organizations.values():
        secret = topology.store.read(f"{organization.mount}/users/{topology.user}")
        if secret:
            days = certificates_of(secret).days
            own = {label: round(left, 2) for label, left in days.items() if label in ("TLS", "signing")}
            found[f"{topology.user}@{organization.name}"] = own
    return found
