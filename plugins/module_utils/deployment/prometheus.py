"""A run as the textfile collector of Prometheus' node exporter reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.selvedge.fabric.plugins.module_utils.deployment.run import About, Outcome, Run

_PREFIX = "selvedge_deployment"
Samples = Iterable[tuple[dict[str, str], float]]


def render(run: Run, slowest: int = 5) -> str:
    """The file's text.

    :param slowest: how many of the slowest tasks it names; the file has no others, so no more series than these

    Every series has ``network``, ``playbook`` and ``mode`` (``run``, or ``check``: what would change is no deployment).
    Texts of HELP do not depend on the run: the collector refuses files that say different things of one metric.
    """
    about = run.about
    common = {"network": about.network, "playbook": about.playbook, "mode": mode_of(about)}
    stages = [({**common, "stage": stage.name}, stage) for stage in run.stages]
    tasks: dict[tuple[str, str], float] = {}
    for task in run.slowest(slowest):
        # Two of one name are one series.
        tasks.setdefault((task.stage, task.name), task.seconds)
    versions = {"version": about.collection, "ansible": about.ansible}
    return "".join(
        [
            _metric("info", "Versions that the last run was made with", [({**common, **versions}, 1)]),
            _metric("last_run_timestamp_seconds", "When the last run ended", [(common, run.ended)]),
            _metric(
                "success",
                "Whether the last run came to its end and nothing failed",
                [(common, run.outcome is Outcome.SUCCESS)],
            ),
            _metric(
                "aborted", "Whether the last run did not end", [(common, run.outcome is Outcome.ABORTED)]
            ),
            _metric("run_duration_seconds", "How long the last run took", [(common, run.seconds)]),
            _metric("hosts", "Hosts that took part in the last run", [(common, len(run.hosts))]),
            _metric(
                "duration_seconds",
                "How long a stage of the last run took",
                [(labels, stage.seconds) for labels, stage in stages],
            ),
            _metric(
                "task_duration_seconds",
                "How long each of the slowest tasks of the last run took",
                [
                    ({**common, "stage": stage, "task": name}, seconds)
                    for (stage, name), seconds in tasks.items()
                ],
            ),
            _metric(
                "changed",
                "Tasks that changed a host, or would in check mode",
                [(labels, stage.counts.changed) for labels, stage in stages],
            ),
            _metric(
                "failed",
                "Tasks that failed on a host and were not rescued",
                [(labels, stage.counts.failed) for labels, stage in stages],
            ),
            _metric(
                "unreachable",
                "Hosts that could not be reached",
                [(labels, stage.counts.unreachable) for labels, stage in stages],
            ),
        ]
    )


def mode_of(about: About) -> str:
    return "check" if about.check_mode else "run"


def file_stem(about: About) -> str:
    """The part of a file's name that tells runs apart that must not overwrite each other."""
    parts = [about.network, about.playbook, "check" if about.check_mode else ""]
    return "_".join(re.sub(r"[^\w.-]+", "-", part) for part in parts if part)


def _metric(name: str, text: str, samples: Samples) -> str:
    lines = [f"{_PREFIX}_{name}{{{_labels(labels)}}} {_number(value)}\n" for labels, value in samples]
    if not lines:
        return ""
    return f"# HELP {_PREFIX}_{name} {text}.\n# TYPE {_PREFIX}_{name} gauge\n{''.join(lines)}"


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return f"{round(float(value), 3):.15g}"
