"""Which versions there are, what they can do, and which of them go together.

Loading a model reads no files, so what images/versions.yml builds is repeated here; a test compares the two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# What images/versions.yml builds, and Debian's packages in the recipes beside it.
BUILT = {
    "fabric": ("2.2.0", "2.5.0", "2.5.9", "3.1.0", "3.1.1"),
    "fabric-ca": ("1.5.15",),
    "openbao": ("2.4.0",),
    "prometheus": ("3.13.5",),
    "alertmanager": ("0.31.1",),
    "node-exporter": ("1.12.1",),
    "otel-collector": ("0.149.0",),
    "loki": ("3.5.0",),
    # Of Debian 13; the recipe says it.
    "blackbox-exporter": ("0.26.0",),
}
# Where the model states the version of each.
KEYS = {
    "fabric": "fabric_version",
    "fabric-ca": "ca_version",
    "openbao": "secrets_store.version",
    "prometheus": "monitoring.version",
    "alertmanager": "monitoring.alertmanager_version",
    "node-exporter": "monitoring.node_exporter_version",
    "blackbox-exporter": "monitoring.blackbox_exporter_version",
    "otel-collector": "monitoring.logs.collector_version",
    # Never built.
    "fluent-bit": "monitoring.logs.fluent_bit_version",
    "loki": "monitoring.logs.version",
}


@dataclass(frozen=True)
class Need:
    """Something that Selvedge cannot do without.

    :param since: the first version that has it
    :param what: the end of the sentence "<version>: before <since>, ..."
    :param nodes: only where the network has ``orderers`` or ``peers``
    """

    component: str
    since: str
    what: str
    nodes: str = ""


NEEDS = (
    # hyperledger/fabric 2.3 release notes: channel participation API, no system channel.
    Need("fabric", "2.3.0", "orderers have no channel participation API", "orderers"),
    # hyperledger/fabric 2.4 release notes: Gateway service in the peer.
    Need("fabric", "2.4.0", "peers have no Gateway", "peers"),
    Need("fabric-ca", "1.5.0", "the server is not supported"),
    # openbao/openbao 2.4.0 release notes: static seal, self-initialisation.
    Need("openbao", "2.4.0", "the store cannot unseal or initialise itself"),
)

# The first Fabric version that knows a capability; nodes that do not know it stop.
# Source: hyperledger/fabric common/capabilities, channel.go and application.go.
CAPABILITIES_SINCE = {
    ("channel", "V2_0"): "2.0.0",
    ("channel", "V3_0"): "3.0.0",
    ("orderer", "V2_0"): "2.0.0",
    ("application", "V2_0"): "2.0.0",
    ("application", "V2_5"): "2.5.0",
}


def is_release(version: str) -> bool:
    """Whether a version is one of the kind ``2.5.9``."""
    return re.fullmatch(r"[0-9]+(\.[0-9]+){2}", version) is not None


def order(version: str) -> tuple[int, ...]:
    """A version such as ``2.5.9`` as numbers that compare."""
    return tuple(int(part) for part in version.split("."))


def lacks(component: str, version: str, nodes: set[str]) -> list[Need]:
    """What ``version`` does not have and a network with these kinds of ``nodes`` needs."""
    return [
        need
        for need in NEEDS
        if need.component == component
        and (not need.nodes or need.nodes in nodes)
        and order(version) < order(need.since)
    ]


def usable(component: str, nodes: set[str]) -> list[str]:
    """The versions that are built and have all that is needed."""
    return [version for version in BUILT[component] if not lacks(component, version, nodes)]


def levels(kind: str, version: str) -> list[str]:
    """The levels of a capability that nodes of a Fabric version know."""
    return [
        level
        for (name, level), since in CAPABILITIES_SINCE.items()
        if name == kind and order(since) <= order(version)
    ]
