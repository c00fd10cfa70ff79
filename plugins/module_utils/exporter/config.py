"""What the health exporter is told: one JSON file, made from the network model, without a secret in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    Authority,
    ChaincodeMembers,
    ChannelMembers,
)


@dataclass(frozen=True)
class Probe:
    """A transaction that is committed again and again on one channel.

    :param organization: whose user submits it
    :param peers: who must have it; the first ones that answer are asked
    :param args: the function's name first
    """

    channel: str
    chaincode: str
    organization: str
    peers: tuple[str, ...]
    args: tuple[bytes, ...]


@dataclass(frozen=True)
class Config:
    """All settings.

    :param listen: ``host:port`` of its own endpoint
    :param cert_file: PEM files of its own certificate, key, and of the CA that signs its clients'
    :param secrets: folder with the secrets, ``<mount>/users/<user>/<field>`` and ``<mount>/msp/<field>``
    :param user: the user of each organisation that it acts as
    :param interval: seconds between two health checks, and ``probe_interval`` between two commits on a channel
    :param probe_budget: seconds in which every peer should have a commit; slower is degraded. 0 is no budget
    :param store: ``url``, ``ca_file`` and perhaps ``server_name`` of the secrets store; empty: not asked
    :param hosts: name of the host that each node and CA runs on
    """

    listen: str
    cert_file: Path
    key_file: Path
    client_ca_file: Path
    secrets: Path
    topology: dict[str, Any]
    user: str = "probe"
    interval: float = 15
    probe_interval: float = 60
    probe_timeout: float = 30
    probe_budget: float = 0
    timeout: float = 3
    max_lag: int = 5
    max_skew: float = 60
    certificate_days_min: int = 14
    channels: tuple[ChannelMembers, ...] = ()
    authorities: tuple[Authority, ...] = ()
    chaincodes: tuple[ChaincodeMembers, ...] = ()
    probes: tuple[Probe, ...] = ()
    store: dict[str, Any] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Config:
        """Raises FabricError, with what would be right, for a file that is missing, no JSON or lacks a key."""
        try:
            return cls.from_dict(json.loads(path.read_text()))
        except (OSError, ValueError) as error:
            raise FabricError(f"the configuration cannot be read: {error}", str(path)) from error

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Config:
        """From the file's shape: channels, authorities, chaincodes and topology as in the controller's view."""
        plain = [
            *("listen", "user", "interval", "probe_interval", "probe_timeout", "probe_budget", "timeout"),
            *("max_lag", "max_skew", "certificate_days_min", "store", "hosts"),
        ]
        try:
            return cls(
                cert_file=Path(found["tls"]["cert_file"]),
                key_file=Path(found["tls"]["key_file"]),
                client_ca_file=Path(found["tls"]["client_ca_file"]),
                secrets=Path(found["secrets_dir"]),
                topology=found["topology"],
                channels=tuple(ChannelMembers.from_option(item) for item in found.get("channels", [])),
                authorities=tuple(Authority.from_option(item) for item in found.get("authorities", [])),
                chaincodes=tuple(ChaincodeMembers.from_option(item) for item in found.get("chaincodes", [])),
                probes=_probes(found.get("chaincodes", [])),
                **{key: found[key] for key in plain if key in found},
            )
        except (KeyError, TypeError) as error:
            step = "it needs listen, tls, secrets_dir and topology; docs/reference says what each is"
            raise FabricError(f"the configuration lacks {error}", next_step=step) from error


def _probes(chaincodes: list[dict[str, Any]]) -> tuple[Probe, ...]:
    """One for each channel: its first chaincode that says how to be probed."""
    found: dict[str, Probe] = {}
    for item in chaincodes:
        if item["channel"] in found or not item.get("probe") or not item["peers"]:
            continue
        words = [item["probe"]["function"], *item["probe"].get("args", [])]
        found[item["channel"]] = Probe(
            item["channel"],
            item["name"],
            item["organizations"][0],
            tuple(item["peers"]),
            tuple(word.encode() for word in words),
        )
    return tuple(found.values())
