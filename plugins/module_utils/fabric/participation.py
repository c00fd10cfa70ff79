"""The orderer's channel participation API: which channels an orderer serves.

HTTPS with a client certificate, even to list. Source: hyperledger/fabric
``orderer/common/channelparticipation/restapi.go`` and ``orderer/common/types/channelinfo.go``.
"""

from __future__ import annotations

import http.client
import json
import secrets
import ssl
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.metrics import Metrics
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint, tls_context

with suppress(ImportError):  # the module says which package is missing
    from fabric_protos.common import common_pb2

_CHANNELS = "/participation/v1/channels"

ACTIVE = "active"
FAILED = "failed"
CONSENTER = "consenter"
# What the gauges ``participation_status`` and ``participation_consensus_relation`` mean (multichannel/metrics.go).
_STATUSES = ("inactive", ACTIVE, "onboarding", FAILED)
_RELATIONS = ("other", CONSENTER, "follower", "config-tracker")


@dataclass(frozen=True)
class ChannelStatus:
    """What an orderer says about one channel.

    :param relation: ``consenter``, ``follower``, ``config-tracker`` or ``other``
    :param status: ``active``, ``onboarding``, ``inactive`` or ``failed``
    :param height: number of blocks
    """

    name: str
    relation: str
    status: str
    height: int

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> ChannelStatus:
        return cls(body["name"], body["consensusRelation"], body["status"], int(body["height"]))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class _Connection(http.client.HTTPSConnection):
    """HTTPS that checks the server's name against ``server_name``, not against the address it connects to."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._tls, self._server_name = tls_context(endpoint), endpoint.server_name
        super().__init__(endpoint.address, context=self._tls, timeout=timeout)

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._server_name)


def _request(
    endpoint: Endpoint, method: str, path: str, what: str, timeout: float, body: bytes = b"", kind: str = ""
) -> tuple[int, Any]:
    """Status and decoded JSON body. Raises NotReadyError when the orderer is not reachable."""
    headers = {"Content-Type": kind} if kind else {}
    connection = _Connection(endpoint, timeout)
    try:
        connection.request(method, path, body or None, headers)
        response = connection.getresponse()
        text = response.read()
    except ssl.SSLCertVerificationError as error:
        raise FabricError(
            f"{what} failed: {error.verify_message}", str(endpoint), "check the orderer's TLS certificate"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise NotReadyError(
            f"{what} failed: {error}", str(endpoint), "check that the orderer runs and its admin port is open"
        ) from error
    finally:
        connection.close()
    try:
        return response.status, json.loads(text) if text.strip() else {}
    except ValueError:
        return response.status, {"error": text[:200].decode(errors="replace")}


def _refused(what: str, status: int, body: Any, endpoint: Endpoint) -> FabricError:
    reason = body.get("error", body) if isinstance(body, dict) else body
    kind = NotReadyError if status == http.HTTPStatus.SERVICE_UNAVAILABLE else FabricError
    return kind(f"{what} failed: {status}: {reason}", str(endpoint), "look at the orderer's log")


def status_in_metrics(metrics: Metrics, channel: str) -> ChannelStatus | None:
    """What :func:`channel_status` says, from an orderer's metrics: without the admin port, which can do more."""
    names = ("participation_status", "participation_consensus_relation", "ledger_blockchain_height")
    status, relation, height = (metrics.value(name, channel=channel) for name in names)
    if status is None or relation is None:
        return None
    return ChannelStatus(channel, _RELATIONS[int(relation)], _STATUSES[int(status)], int(height or 0))


def list_channels(endpoint: Endpoint, timeout: float = 10) -> list[str]:
    """Names of the channels that the orderer serves. Raises FabricError, NotReadyError when unreachable."""
    what = "listing the orderer's channels"
    status, body = _request(endpoint, "GET", _CHANNELS, what, timeout)
    if status != http.HTTPStatus.OK:
        raise _refused(what, status, body, endpoint)
    return [channel["name"] for channel in body.get("channels") or []]


def channel_status(endpoint: Endpoint, channel: str, timeout: float = 10) -> ChannelStatus | None:
    """The orderer's part in a channel, None when it has none. Errors as in :func:`list_channels`."""
    what = f"asking an orderer for channel {channel}"
    status, body = _request(endpoint, "GET", f"{_CHANNELS}/{channel}", what, timeout)
    if status == http.HTTPStatus.NOT_FOUND:
        return None
    if status != http.HTTPStatus.OK:
        raise _refused(what, status, body, endpoint)
    return ChannelStatus.from_json(body)


def join(endpoint: Endpoint, block: common_pb2.Block, timeout: float = 30) -> ChannelStatus:
    """Make the orderer join a channel.

    :param block: the genesis block of a new channel, or the newest configuration block of an existing one

    Raises FabricError when the orderer refuses, for instance because it has the channel already.
    """
    boundary = secrets.token_hex(16)
    head = (
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="config-block"; filename="config.block"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + block.SerializeToString() + f"\r\n--{boundary}--\r\n".encode()
    what = "joining an orderer to a channel"
    kind = f"multipart/form-data; boundary={boundary}"
    status, answer = _request(endpoint, "POST", _CHANNELS, what, timeout, body, kind)
    if status != http.HTTPStatus.CREATED:
        raise _refused(what, status, answer, endpoint)
    return ChannelStatus.from_json(answer)


def remove(endpoint: Endpoint, channel: str, timeout: float = 30) -> bool:
    """Remove the channel and its blocks from the orderer; False when it was not there."""
    what = f"removing channel {channel} from an orderer"
    status, body = _request(endpoint, "DELETE", f"{_CHANNELS}/{channel}", what, timeout)
    if status == http.HTTPStatus.NOT_FOUND:
        return False
    if status != http.HTTPStatus.NO_CONTENT:
        raise _refused(what, status, body, endpoint)
    return True
