"""What is known about a network's parts before anybody judges it.

A probe brings an answer or the FabricError that it met; both are evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.clock import Clock
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.operations import Operations
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import ChannelStatus
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Node


class NoLeaderError(NotReadyError):
    """An orderer serves a channel but knows no leader in it."""


@dataclass(frozen=True)
class ChannelMembers:
    """A channel that should exist: names of its consenters and of the peers that should have joined."""

    name: str
    orderers: tuple[str, ...]
    peers: tuple[str, ...]

    @classmethod
    def from_option(cls, item: Mapping[str, Any]) -> ChannelMembers:
        """From ``{name, definition: {orderers, peers}}``. Raises FabricError when something is missing."""
        try:
            definition = item["definition"]
            return cls(item["name"], tuple(definition["orderers"]), tuple(definition["peers"]))
        except (KeyError, TypeError) as error:
            shape = "a channel is {name, definition: {orderers: [names], peers: [names]}}"
            raise FabricError(f"a channel lacks {error}", str(item.get("name", "")), shape) from error


@dataclass(frozen=True)
class ChaincodeMembers:
    """A chaincode that should answer: its channel, and the names of the peers through which it should."""

    name: str
    channel: str
    peers: tuple[str, ...]

    @classmethod
    def from_option(cls, item: Mapping[str, Any]) -> ChaincodeMembers:
        """From ``{name, channel, peers}``. Raises FabricError when something is missing."""
        try:
            return cls(item["name"], item["channel"], tuple(item["peers"]))
        except (KeyError, TypeError) as error:
            shape = "a chaincode is {name, channel, peers: [names]}"
            raise FabricError(f"a chaincode lacks {error}", str(item.get("name", "")), shape) from error


@dataclass(frozen=True)
class Authority:
    """A fabric-ca server.

    :param name: its name in results and in ``nodes``
    :param organization: name of its organisation
    :param mount: the organisation's mount in the store
    :param address: ``host:port`` of its REST interface
    :param operations_address: ``host:port`` of its operations endpoint; empty: not asked
    :param server_name: the name in its TLS certificate
    """

    name: str
    organization: str
    mount: str
    address: str
    operations_address: str
    server_name: str

    @classmethod
    def from_option(cls, item: Mapping[str, Any]) -> Authority:
        """From ``{name, mount, ca_address, server_name}``, perhaps ``organization``, ``operations_address``.

        Raises FabricError when something is missing.
        """
        try:
            return cls(
                item["server_name"],
                item.get("organization") or item["name"],
                item["mount"],
                item["ca_address"],
                item.get("operations_address") or "",
                item["server_name"],
            )
        except KeyError as error:
            shape = "an authority is {name, mount, ca_address, server_name, operations_address}"
            raise FabricError(
                f"a certificate authority lacks {error}", str(item.get("name", "")), shape
            ) from error


@dataclass(frozen=True)
class Ledger:
    """A node's copy of a channel: number of blocks, header hashes of the newest block and the one before.

    :param damage: what is wrong with its newest block as it can be read; empty when nothing is
    """

    height: int
    hash: str
    previous_hash: str
    damage: str = ""


@dataclass(frozen=True)
class State:
    """What a peer answered from a channel's state database.

    :param chaincodes: names of the chaincodes that are committed in the channel
    :param certificate_pem: the certificate that it signed the answer with
    """

    chaincodes: tuple[str, ...]
    certificate_pem: str = ""


@dataclass(frozen=True)
class Certificates:
    """Days until each certificate in the store expires, by what it is for; and the node's own two themselves."""

    days: dict[str, float]
    tls_pem: str = ""
    sign_pem: str = ""


@dataclass(frozen=True)
class OrdererEvidence:
    """What an orderer said.

    :param serving: None when gRPC answers
    :param statuses: by channel, None where it has not joined; a channel is left out where that is not known
    """

    node: Node
    serving: FabricError | None
    operations: Operations | FabricError
    certificates: Certificates | FabricError
    admin: FabricError | None
    statuses: dict[str, ChannelStatus | FabricError | None] = field(default_factory=dict)
    ledgers: dict[str, Ledger | FabricError] = field(default_factory=dict)

    @property
    def dead(self) -> bool:
        return isinstance(self.serving, NotReadyError)

    @property
    def silent(self) -> bool:
        """Nobody answers, neither by gRPC nor at the operations endpoint."""
        return self.dead and isinstance(self.operations, NotReadyError)


@dataclass(frozen=True)
class PeerEvidence:
    """What a peer said.

    :param joined: names of the channels that it has joined
    :param states: by channel; None where its capabilities are too old to ask
    :param chaincodes: by channel and chaincode, None where it answers through this peer
    """

    node: Node
    operations: Operations | FabricError
    certificates: Certificates | FabricError
    joined: list[str] | FabricError
    ledgers: dict[str, Ledger | FabricError] = field(default_factory=dict)
    states: dict[str, State | FabricError | None] = field(default_factory=dict)
    chaincodes: dict[str, dict[str, FabricError | None]] = field(default_factory=dict)

    @property
    def silent(self) -> bool:
        """Nobody answers, neither by gRPC nor at the operations endpoint."""
        return isinstance(self.joined, NotReadyError) and isinstance(self.operations, NotReadyError)


@dataclass(frozen=True)
class AuthorityEvidence:
    """:param info: ``version`` and, by CA name, its certificate chain (PEM)"""

    authority: Authority
    operations: Operations | FabricError | None
    certificates: Certificates | FabricError
    info: AuthorityInfo | FabricError

    @property
    def silent(self) -> bool:
        """Nobody answers, neither at its REST interface nor at the operations endpoint."""
        return isinstance(self.info, NotReadyError) and (
            self.operations is None or isinstance(self.operations, NotReadyError)
        )


@dataclass(frozen=True)
class AuthorityInfo:
    """:param foreign: names of the CAs whose certificate is not the one in the store"""

    version: str
    foreign: tuple[str, ...]
    certificate_pem: str


@dataclass(frozen=True)
class StoreEvidence:
    """State of the secrets store, from ``/v1/sys/health``."""

    initialized: bool
    sealed: bool
    standby: bool
    version: str
    certificate_pem: str = ""
    clock: Clock | None = None
