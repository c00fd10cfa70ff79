"""A commit probe as a verdict on its channel."""

from __future__ import annotations

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import (
    Finding,
    Health,
    Status,
    verdict,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.probe import ProbeReport

_NODES = "run verify.yml, it says which node of the channel is not well"
_LOAD = "look at the load of the channel's hosts and their disks, and whether the leader changes often"


def seconds_of(report: ProbeReport) -> float:
    """From the proposal until the last peer had the transaction."""
    return report.endorsing + report.latency


def judge_probe(channel: str, report: ProbeReport | FabricError, budget: float = 0) -> Health:
    """Unhealthy when nothing was committed or a peer lacks it, degraded when it took longer than ``budget`` seconds.

    :param report: the FabricError when it came to nothing
    :param budget: 0 for none
    """
    subject = f"channel {channel}"
    if isinstance(report, FabricError):
        at = f" ({report.where})" if report.where else ""
        brief = "nothing can be committed"
        reason, remedy = f"{brief}: {report.what}{at}", report.next_step or _NODES
        finding = Finding(Status.UNHEALTHY, reason, remedy, brief=brief)
        return verdict(subject, "channel", "", [finding], {})
    took = seconds_of(report)
    findings = [
        Finding(Status.UNHEALTHY, problem, _NODES, brief=problem.partition(": ")[0])
        for problem in report.problems
    ]
    if budget and took > budget:
        reason = f"a transaction took {took:.2f} s until every peer had it, over {budget:g} s"
        brief = f"a transaction took longer than {budget:g} s until every peer had it"
        findings.append(Finding(Status.DEGRADED, reason, _LOAD, brief=brief))
    facts = {"endorsing": report.endorsing, "latency": report.latency, "seconds": round(took, 3)}
    return verdict(subject, "channel", "", findings, facts)
