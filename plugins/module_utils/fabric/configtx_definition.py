"""What a channel should be: the ``definition`` option of the modules, checked and with its defaults.

Shape (only the member lists are required)::

    capabilities: {channel: V2_0, orderer: V2_0, application: V2_5}
    batch_timeout: 500ms                  # Go duration
    batch_max_messages: 500
    batch_absolute_max_bytes: 10 MB       # a number of bytes, or with the unit KB or MB (powers of 1024)
    batch_preferred_max_bytes: 2 MB
    raft: {tick_interval: 500ms, election_tick: 10, heartbeat_tick: 1, max_inflight_blocks: 5,
           snapshot_interval_size: 16 MB}
    organizations: [Org1, Org2]           # application organisations
    orderer_organizations: [OrdererOrg]
    orderers: [orderer0.orderer.lab]      # consenters
    peers: [peer0.org1.lab]               # who joins
    acls: {event/Block: /Channel/Application/Readers}
    policies:                             # overrides, by name
      channel: {Readers: ANY Readers}
      orderer: {BlockValidation: ANY Writers}
      application: {Endorsement: MAJORITY Endorsement}
      organizations: {Org1: {Endorsement: "OR('Org1MSP.peer')"}}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError

# In rising order; a name that Fabric does not know makes every node of the channel panic, for good. Source:
# hyperledger/fabric common/capabilities/{channel,orderer,application}.go, 2.5.9 and 3.1.1.
CAPABILITIES = {
    "channel": ("V1_1", "V1_3", "V1_4_2", "V1_4_3", "V2_0", "V3_0"),
    "orderer": ("V1_1", "V1_4_2", "V2_0"),
    "application": ("V1_1", "V1_2", "V1_3", "V1_4_2", "V2_0", "V2_5"),
}
_DEFAULT_CAPABILITIES = {"channel": "V2_0", "orderer": "V2_0", "application": "V2_5"}
_POLICY_GROUPS = {"channel", "orderer", "application", "organizations"}

# hyperledger/fabric common/configtx/validator.go, channelAllowedChars
_CHANNEL_NAME = re.compile(r"^[a-z][a-z0-9.-]{0,248}$")
_SIZE = re.compile(r"^(\d+)\s*(|B|KB|MB)$", re.IGNORECASE)
_SIZE_UNITS = {"": 1, "B": 1, "KB": 1024, "MB": 1024 * 1024}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}


def parse_duration(text: str) -> int:
    """A Go duration (``"500ms"``, ``"1m30s"``) in nanoseconds. Raises ValueError when it is not one."""
    if not text or not re.fullmatch(f"(?:{_DURATION.pattern})+", text):
        raise ValueError(f"{text!r} is not a duration")
    return sum(round(float(number) * _NANOSECONDS[unit]) for number, unit in _DURATION.findall(text))


def format_duration(nanoseconds: int) -> str:
    """As Go's ``time.Duration.String`` prints it, which is what configtxgen writes: ``1m0s``, ``1.5s``."""
    for unit in ("ns", "µs", "ms"):
        if nanoseconds < _NANOSECONDS[unit] * 1000:
            return f"{_decimal(nanoseconds, _NANOSECONDS[unit])}{unit}"
    minutes, rest = divmod(nanoseconds, _NANOSECONDS["m"])
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, _NANOSECONDS['s'])}s"
    if minutes or hours:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text


def _decimal(value: int, unit: int) -> str:
    whole, part = divmod(value, unit)
    digits = str(part).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def parse_size(value: int | str) -> int:
    """Bytes from ``1048576``, ``"512 KB"`` or ``"10 MB"``. Raises ValueError when it is none of these."""
    match = _SIZE.match(str(value).strip())
    if match is None:
        raise ValueError(f"{value!r} is not a size")
    return int(match[1]) * _SIZE_UNITS[match[2].upper()]


@dataclass(frozen=True)
class RaftOptions:
    """etcdraft's tuning; the defaults are configtxgen's."""

    tick_interval: str = "500ms"
    election_tick: int = 10
    heartbeat_tick: int = 1
    max_inflight_blocks: int = 5
    snapshot_interval_size: int = 16 * 1024 * 1024


@dataclass(frozen=True)
class ChannelDefinition:
    """A checked definition. Durations are in Go's notation, sizes in bytes."""

    name: str
    organizations: tuple[str, ...]
    orderer_organizations: tuple[str, ...]
    orderers: tuple[str, ...]
    peers: tuple[str, ...]
    capabilities: Mapping[str, str]
    batch_timeout: str = "500ms"
    batch_max_messages: int = 500
    batch_absolute_max_bytes: int = 10 * 1024 * 1024
    batch_preferred_max_bytes: int = 2 * 1024 * 1024
    raft: RaftOptions = RaftOptions()
    acls: Mapping[str, str] = field(default_factory=dict)
    policies: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_option(cls, name: str, option: Mapping[str, Any]) -> ChannelDefinition:
        """Check the option and fill in defaults. Raises FabricError that names all mistakes at once."""
        reader = _Reader(name, option)
        definition = reader.read()
        if reader.mistakes:
            raise FabricError(
                f"the definition of channel {name} is wrong: {'; '.join(reader.mistakes)}",
                next_step="correct the channel in the network model",
            )
        return definition


class _Reader:
    """Reads an option and collects every mistake with its key."""

    _KEYS = {
        "capabilities", "batch_timeout", "batch_max_messages", "batch_absolute_max_bytes",
        "batch_preferred_max_bytes", "raft", "organizations", "orderer_organizations", "orderers", "peers",
        "acls", "policies",
    }  # fmt: skip

    def __init__(self, name: str, option: Mapping[str, Any]) -> None:
        self.name, self.option, self.mistakes = name, option, list[str]()

    def read(self) -> ChannelDefinition:
        if not _CHANNEL_NAME.match(self.name):
            self.mistakes.append(
                f"name: {self.name!r} is no channel name: a small letter, then small letters, digits, . and -"
            )
        for key in sorted(set(self.option) - self._KEYS):
            self.mistakes.append(f"{key}: there is no such key, known are {', '.join(sorted(self._KEYS))}")
        raft = self._mapping("raft")
        for key in sorted(set(raft) - set(RaftOptions.__dataclass_fields__)):
            self.mistakes.append(f"raft.{key}: there is no such key")
        return ChannelDefinition(
            name=self.name,
            organizations=self._names("organizations", required=True),
            orderer_organizations=self._names("orderer_organizations", required=True),
            orderers=self._names("orderers", required=True),
            peers=self._names("peers"),
            capabilities=self._capabilities(),
            batch_timeout=self._duration(self.option, "batch_timeout", "500ms"),
            batch_max_messages=self._size(self.option, "batch_max_messages", 500),
            batch_absolute_max_bytes=self._size(self.option, "batch_absolute_max_bytes", "10 MB"),
            batch_preferred_max_bytes=self._size(self.option, "batch_preferred_max_bytes", "2 MB"),
            raft=RaftOptions(
                tick_interval=self._duration(raft, "tick_interval", "500ms"),
                election_tick=self._size(raft, "election_tick", 10),
                heartbeat_tick=self._size(raft, "heartbeat_tick", 1),
                max_inflight_blocks=self._size(raft, "max_inflight_blocks", 5),
                snapshot_interval_size=self._size(raft, "snapshot_interval_size", "16 MB"),
            ),
            acls={str(key): str(value) for key, value in self._mapping("acls").items()},
            policies=self._policies(),
        )

    def _mapping(self, key: str) -> Mapping[str, Any]:
        value = self.option.get(key) or {}
        if isinstance(value, Mapping):
            return value
        self.mistakes.append(f"{key}: must be a dictionary")
        return {}

    def _names(self, key: str, required: bool = False) -> tuple[str, ...]:
        value = self.option.get(key) or []
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
            self.mistakes.append(f"{key}: must be a list of names")
            return ()
        if required and not value:
            self.mistakes.append(f"{key}: at least one is needed")
        for item in sorted({item for item in value if value.count(item) > 1}):
            self.mistakes.append(f"{key}: {item} stands there twice")
        return tuple(value)

    def _capabilities(self) -> dict[str, str]:
        given = self._mapping("capabilities")
        for key in sorted(set(given) - set(CAPABILITIES)):
            self.mistakes.append(
                f"capabilities.{key}: there is no such group, known are {', '.join(CAPABILITIES)}"
            )
        result = dict(_DEFAULT_CAPABILITIES)
        for key, known in CAPABILITIES.items():
            result[key] = str(given.get(key) or result[key])
            if result[key] not in known:
                self.mistakes.append(
                    f"capabilities.{key}: {result[key]!r} is unknown to Fabric, known are {', '.join(known)}"
                )
        return result

    def _duration(self, source: Mapping[str, Any], key: str, default: str) -> str:
        try:
            nanoseconds = parse_duration(str(source.get(key) or default))
        except ValueError as error:
            self.mistakes.append(f"{key}: {error}, a duration such as 500ms or 2s is")
            return default
        if nanoseconds <= 0:
            self.mistakes.append(f"{key}: must be longer than nothing")
        return format_duration(nanoseconds)

    def _size(self, source: Mapping[str, Any], key: str, default: int | str) -> int:
        given = source.get(key)
        try:
            number = parse_size(default if given is None else given)
        except ValueError as error:
            self.mistakes.append(f"{key}: {error}")
            return 1
        if not 0 < number < 2**32:
            self.mistakes.append(f"{key}: must be above 0 and below 4 GB")
        return number

    def _policies(self) -> dict[str, Any]:
        given = self._mapping("policies")
        for key in sorted(set(given) - _POLICY_GROUPS):
            self.mistakes.append(
                f"policies.{key}: there is no such group, known are {sorted(_POLICY_GROUPS)}"
            )
        members = {*self._names("organizations"), *self._names("orderer_organizations")}
        for key in sorted(set(given.get("organizations") or {}) - members):
            self.mistakes.append(f"policies.organizations.{key}: is not a member of the channel")
        return {key: dict(value or {}) for key, value in given.items()}
