"""The report as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.selvedge.fabric.plugins.module_utils.status.report import (
    Chaincode,
    Channel,
    Host,
    Node,
    Report,
)

Row = Sequence[str]
_NODES = ("node", "kind", "org", "host", "status", "version", "height", "lag", "leads", "cert days")
_CHANNELS = (
    "channel",
    "status",
    "height",
    "leader",
    "orderers",
    "peers",
    "capabilities",
    "consensus",
    "batch",
)
_CHAINCODES = ("chaincode", "status", "version", "sequence", "installed", "approved by", "policy")
_HOSTS = ("host", "status", "system", "engine", "selvedge", "up", "containers", "memory free", "disk free")


def render(report: Report) -> str:
    """All of it, without a trailing newline. What is not well stands first."""
    parts = [f"Network {report.network}: {report.headline} ({report.at})"]
    if report.concerns:
        lines = []
        for item in report.concerns:
            lines.append(f"  {item.subject} is {item.status}: {'; '.join(item.reasons)}")
            lines.append(f"    next: {item.remedy}")
        parts.append("\n".join(lines))
    sections = (
        (_NODES, map(node, report.nodes)),
        (_CHANNELS, map(channel, report.channels)),
        (_CHAINCODES, map(chaincode, report.chaincodes)),
        (_HOSTS, map(host, report.hosts)),
    )
    return "\n\n".join([*parts, *(columns(head, rows) for head, rows in sections)])


def columns(head: Row, rows: Iterable[Row]) -> str:
    """Aligned columns; what is empty is a dash. A section without rows is left with its head."""
    cells = [head, *([cell or "-" for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def node(item: Node) -> Row:
    return (
        item.name,
        item.kind,
        item.organization,
        item.host,
        str(item.status),
        item.version,
        by_channel(item.heights),
        by_channel(item.lags),
        " ".join(item.leads),
        "" if item.cert_days is None else str(item.cert_days),
    )


def channel(item: Channel) -> Row:
    return (
        item.name,
        str(item.status),
        "" if item.height is None else str(item.height),
        item.leader,
        item.orderers,
        item.peers,
        " ".join(value for _unused, value in item.capabilities),
        item.consensus,
        item.batch,
    )


def chaincode(item: Chaincode) -> Row:
    return (
        f"{item.channel}/{item.name}",
        str(item.status),
        item.version,
        "" if item.sequence is None else str(item.sequence),
        item.installed,
        " ".join(item.approved),
        item.policy,
    )


def host(item: Host) -> Row:
    if item.told:
        return (item.name, str(item.status), *[""] * (len(_HOSTS) - 2))
    free, total = item.memory
    return (
        item.name,
        str(item.status),
        item.distribution,
        item.engine,
        item.version,
        span(item.uptime),
        item.running if item.containers else "none",
        percent(free, total),
        " ".join(f"{disk.mount} {percent(disk.free, disk.total)}" for disk in item.disks),
    )


def by_channel(found: Mapping[str, int]) -> str:
    """``7``; with the channel's name in front where there are several."""
    if len(found) == 1:
        return str(next(iter(found.values())))
    return " ".join(f"{name}:{value}" for name, value in found.items())


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""


def span(seconds: float) -> str:
    """``40 min``, ``5 h``, ``12 days``."""
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 2 * 86400 else f"{seconds / 86400:.0f} days"


def size(count: float) -> str:
    """Bytes for people: ``1.5 GiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
