"""The report as one HTML file: no script, nothing from elsewhere. The form is in page.j2."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ansible_collections.selvedge.fabric.plugins.module_utils.status import table
from ansible_collections.selvedge.fabric.plugins.module_utils.status.report import Report, Status

with suppress(ImportError):  # the action plugin runs in Ansible, which has it
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

# A status is told by a word, a sign and a colour.
SIGNS = {Status.HEALTHY: "✓", Status.DEGRADED: "!", Status.UNKNOWN: "?", Status.UNHEALTHY: "✗"}
_SOON_DAYS = 30


def render(report: Report) -> str:
    """The page's HTML. Everything in it is escaped."""
    loader = Environment(
        loader=FileSystemLoader(Path(__file__).resolve().parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return loader.get_template("page.j2").render(
        report=report,
        tiles=tiles(report),
        organizations=organizations(report),
        signs={str(status): sign for status, sign in SIGNS.items()},
        by_channel=table.by_channel,
        percent=table.percent,
        size=table.size,
        span=table.span,
        soon=_SOON_DAYS,
    )


def organizations(report: Report) -> list[str]:
    """Names in the order of their first node; the empty one, of the store, first."""
    return sorted(dict.fromkeys(node.organization for node in report.nodes), key=bool)


def tiles(report: Report) -> list[tuple[str, str, str]]:
    """Number, caption and status of what stands on top."""

    def share(title: str, statuses: list[Status]) -> tuple[str, str, str]:
        well = sum(status is Status.HEALTHY for status in statuses)
        shade = "healthy" if well == len(statuses) else str(min(statuses, key=list(_ORDER).index))
        return f"{well}/{len(statuses)}", title, shade if statuses else ""

    days = report.cert_days
    shade = (
        "" if days is None else "unhealthy" if days < 1 else "degraded" if days < _SOON_DAYS else "healthy"
    )
    return [
        share("nodes healthy", [item.status for item in report.nodes]),
        share("channels healthy", [item.status for item in report.channels]),
        share("chaincodes as in the model", [item.status for item in report.chaincodes]),
        share("hosts healthy", [item.status for item in report.hosts]),
        ("?" if days is None else str(days), "days until a certificate expires", shade),
    ]


_ORDER = (Status.UNHEALTHY, Status.UNKNOWN, Status.DEGRADED, Status.HEALTHY)
