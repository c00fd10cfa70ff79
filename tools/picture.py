"""Draw the lab's network from its model: docs/pictures/network.svg.

    picture.py            write the picture

The model is read by the same function that deploys it, so the picture cannot say anything else. The file carries
its own light and dark colours, and its own background.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.sax.saxutils import escape

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import (  # noqa: E402
    Network,
    Service,
    load,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.colours import (  # noqa: E402
    COLOURS,
    ORGANIZATIONS,
)

PICTURE = ROOT / "docs" / "pictures" / "network.svg"
INVENTORY = ROOT / "inventory" / "lab"

# Sizes in pixels.
MARGIN, COLUMN, GAP, ROW, PAD = 24, 286, 24, 50, 12
TOP = 118

FONT = "font-family: 'DejaVu Sans', Verdana, 'Segoe UI', Helvetica, Arial, sans-serif"


def style(theme: int) -> str:
    """The rules of one theme, 0 for light and 1 for dark."""
    colour = {name: pair[theme] for name, pair in COLOURS.items()}
    fills = "".join(
        f".{name} {{ fill: {colour[name]} }} " for name in COLOURS if name not in ("edge", "text", "quiet")
    )
    return (
        f"text {{ {FONT}; font-size: 13px; fill: {colour['text']} }} "
        f".quiet {{ fill: {colour['quiet']}; font-size: 11px }} .title {{ font-weight: bold; font-size: 14px }} "
        f"rect {{ stroke: {colour['edge']} }} .ground {{ stroke: none }} "
        f"line {{ stroke: {colour['quiet']}; stroke-width: 1.5 }} {fills}"
    )


class Drawing:
    """SVG elements, collected."""

    def __init__(self) -> None:
        self.elements: list[str] = []

    def box(self, x: float, y: float, width: float, height: float, kind: str, radius: int = 6) -> None:
        """A rectangle; ``kind`` is the name of its colour."""
        self.elements.append(
            f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"/>'
        )

    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> None:
        """One line of text."""
        if not text:
            return
        kinds = f' class="{kind}"' if kind else ""
        place = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self.elements.append(f'<text{kinds} x="{x}" y="{y}"{place}>{escape(text)}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """A straight line."""
        self.elements.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>')


def ports(service: Service) -> str:
    """The ports of a service, its own first."""
    return " · ".join(str(port) for port in service.ports.values())


def rows_of(network: Network, host: str) -> list[tuple[str, str, str, str]]:
    """What runs on a host: title, what stands to its right, small print, colour."""
    colours = dict(zip(network.organizations, ORGANIZATIONS, strict=False))
    rows = []
    if network.registry_host.name == host:
        rows.append(
            ("image registry", "", f"distribution · {network.settings['registry']['port']}", "shared")
        )
    if network.store_host.name == host:
        rows.append(("secrets store", "", f"OpenBao · {network.settings['secrets_store']['port']}", "shared"))
    for service in network.services(host):
        colour = colours.get(service.organization, "shared")
        if service.kind == "chaincode":
            continue
        label = service.name.removesuffix(f".{network.settings['domain']}")
        codes = [
            item.settings["name"] for item in network.chaincodes if item.name.endswith(f".{service.name}")
        ]
        kind = {"ca": "fabric-ca", "orderer": "orderer", "peer": "peer"}[service.kind]
        beside = f"chaincode {', '.join(codes)}" if codes else ""
        rows.append((label, beside, f"{kind} · {ports(service)}", colour))
    if rows:
        rows.append(("store's agent", "", "keys from the store to tmpfs", "shared"))
    return rows


def draw(network: Network, css: str) -> str:
    """The whole picture as SVG text."""
    hosts = {name: rows_of(network, name) for name in network.hosts}
    tall = max(len(rows) for rows in hosts.values())
    host_height = 46 + tall * ROW + PAD - 6
    width = 2 * MARGIN + len(hosts) * COLUMN + (len(hosts) - 1) * GAP
    channel_y = TOP + host_height + 26
    notes = channel_notes(network)
    height = channel_y + len(notes) * 52 + 44
    drawing = Drawing()
    drawing.box(0, 0, width, height, "ground", 0)

    middle = width / 2
    drawing.box(middle - 215, 18, 430, 50, "shared")
    drawing.text(middle, 39, "controller", "title", "middle")
    drawing.text(
        middle, 57, "ansible-playbook · SSH to hosts · gRPC and HTTPS to nodes, CAs, store", "quiet", "middle"
    )
    for index, (name, rows) in enumerate(hosts.items()):
        x = MARGIN + index * (COLUMN + GAP)
        centre = x + COLUMN / 2
        drawing.line(middle, 68, middle, 93)
        drawing.line(middle, 93, centre, 93)
        drawing.line(centre, 93, centre, TOP)
        drawing.box(x, TOP, COLUMN, host_height, "host", 10)
        drawing.text(x + PAD, TOP + 28, name, "title")
        drawing.text(x + COLUMN - PAD, TOP + 28, network.hosts[name].address, "quiet", "end")
        for row, (title, beside, small, colour) in enumerate(rows):
            y = TOP + 46 + row * ROW
            drawing.box(x + PAD, y, COLUMN - 2 * PAD, ROW - 6, colour)
            drawing.text(x + 2 * PAD, y + 18, title)
            drawing.text(x + COLUMN - 2 * PAD, y + 18, beside, "quiet", "end")
            drawing.text(x + 2 * PAD, y + 35, small, "quiet")
    for index, (title, small) in enumerate(notes):
        y = channel_y + index * 52
        drawing.box(MARGIN, y, width - 2 * MARGIN, 44, "shared")
        drawing.text(MARGIN + PAD, y + 18, title, "title")
        drawing.text(MARGIN + PAD, y + 35, small, "quiet")
    legend(drawing, network, height - 26)
    body = "\n".join(drawing.elements)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(label_of(network))}">\n<style>{css}</style>\n{body}\n</svg>\n'
    )


def channel_notes(network: Network) -> list[tuple[str, str]]:
    """A title and a line of small print for every channel."""
    notes = []
    for channel in network.settings["channels"]:
        codes = [
            item["name"] for item in network.settings["chaincodes"] if item["channel"] == channel["name"]
        ]
        members = channel["organizations"]
        peers = sum(len(network.organizations[name].peers) for name in members)
        title = f"channel {channel['name']}" + (f" · chaincode {', '.join(codes)}" if codes else "")
        small = (
            f"{' and '.join(members)}: {peers} peers, a chaincode service beside each · "
            f"{len(network.orderers)} Raft orderers"
        )
        notes.append((title, small))
    return notes


def legend(drawing: Drawing, network: Network, y: float) -> None:
    """The organisations and their colours."""
    x: float = MARGIN
    for org, colour in zip(network.organizations.values(), ORGANIZATIONS, strict=False):
        drawing.box(x, y, 14, 14, colour, 3)
        drawing.text(x + 21, y + 11.5, f"{org.name} ({org.msp_id})", "quiet")
        x += 21 + 7 * len(f"{org.name} ({org.msp_id})") + 24


def label_of(network: Network) -> str:
    """What the picture shows, for those who cannot see it."""
    return (
        f"Network {network.name}: {len(network.hosts)} hosts, {len(network.organizations)} organisations, "
        f"{len(network.orderers)} orderers, {len(network.peers)} peers, image registry and secrets store"
    )


def lab() -> Network:
    """The lab's network, from its inventory."""
    hosts = yaml.safe_load((INVENTORY / "hosts.yml").read_text())["all"]["hosts"]
    model = yaml.safe_load((INVENTORY / "group_vars" / "all" / "network.yml").read_text())["selvedge_network"]
    known = {
        name: {"reach": item["ansible_host"], "address": item["selvedge_address"]}
        for name, item in hosts.items()
    }
    return load(model, known)


def generate() -> dict[Path, str]:
    """The files that this script writes, with their content."""
    css = f"{style(0)} @media (prefers-color-scheme: dark) {{ {style(1)} }}"
    return {PICTURE: draw(lab(), css)}


def main() -> int:
    """Entry point."""
    for path, content in generate().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
