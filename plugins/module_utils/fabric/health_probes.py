"""Ask a network's parts, each for one thing, and change nothing.

All raise NotReadyError when nobody answers in ``timeout`` seconds, FabricError when the answer is a refusal.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import (
    deliver,
    endorser,
    operations,
    participation,
    peer_channels,
    x509,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.clock import clock_of
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError, NotReadyError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    Authority,
    AuthorityInfo,
    Certificates,
    Ledger,
    NoLeaderError,
    State,
    StoreEvidence,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.operations import Operations
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.participation import ChannelStatus
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.proposal import new_proposal
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Node, Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ca_config import ENROLLMENT, TLS
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError

with suppress(ImportError):  # the module says which package is missing
    from fabric_protos.common import common_pb2
    from fabric_protos.msp import identities_pb2
    from fabric_protos.peer.lifecycle import lifecycle_pb2

T = TypeVar("T")
# No channel can have this name (two dots), so asking for it costs an orderer one look into a map.
_NO_CHANNEL = "selvedge..health"
# What a channel with older capabilities answers to ``_lifecycle`` (core/chaincode/lifecycle/scc.go).
_OLD_LIFECYCLE = "does not have the required capabilities"
# A peer that began with a snapshot has no block before it (common/ledger/blkstorage/blockfile_mgr.go).
_FROM_SNAPSHOT = "bootstrapped from a snapshot"
_CERTIFICATES = {
    "tls_cert": "TLS",
    "sign_cert": "signing",
    "tls_ca_cert": "TLS CA",
    "ca_cert": "enrolment CA",
}


def attempt(call: Callable[[], T]) -> T | FabricError:
    """The call's result, or the FabricError that it raised; the store's errors become one."""
    try:
        return call()
    except FabricError as error:
        return error
    except SecretsError as error:
        return FabricError(error.what, error.where, error.next_step)
    except KeyError as error:
        return FabricError(f"the field {error} is missing in its secret", next_step="enrol it again")


def node_operations(topology: Topology, node: Node, timeout: float) -> Operations:
    return operations.read_operations(topology.operations_endpoint(node), timeout)


def node_certificates(topology: Topology, node: Node) -> Certificates:
    """Of the node's secret. Raises FabricError when it is missing or unreadable."""
    return certificates_of(topology.node_secret(node))


def certificates_of(secret: Mapping[str, str]) -> Certificates:
    """The certificates among a secret's fields."""
    days = {label: x509.days_left(secret[key]) for key, label in _CERTIFICATES.items() if secret.get(key)}
    return Certificates(days, secret.get("tls_cert", ""), secret.get("sign_cert", ""))


def orderer_serving(topology: Topology, node: Node, timeout: float) -> None:
    """Ask the orderer's Deliver service for a channel that cannot exist: to say so it must serve."""
    signer = topology.signer(node.organization)
    try:
        deliver.block(topology.grpc_endpoint(node), signer, _NO_CHANNEL, timeout=timeout)
    except deliver.ChannelNotFoundError:
        return


def orderer_admin(topology: Topology, node: Node, timeout: float) -> None:
    participation.list_channels(topology.admin_endpoint(node), timeout)


def orderer_status(topology: Topology, node: Node, channel: str, timeout: float) -> ChannelStatus | None:
    return participation.channel_status(topology.admin_endpoint(node), channel, timeout)


def orderer_ledger(topology: Topology, node: Node, channel: str, timeout: float) -> Ledger:
    """Read the newest block, which an orderer hands out only while it knows a leader.

    Raises NoLeaderError when it knows none, ChannelNotFoundError when it does not have the channel.
    """
    endpoint, signer = topology.grpc_endpoint(node), topology.signer(node.organization)
    try:
        block = deliver.block(endpoint, signer, channel, timeout=timeout)
    except NotReadyError as error:
        # Deliver's status, to be told from gRPC's UNAVAILABLE: common/deliver/deliver.go, "consenter error".
        if common_pb2.Status.Name(common_pb2.SERVICE_UNAVAILABLE) in error.what:
            raise NoLeaderError("it knows no leader", error.where, error.next_step) from error
        raise
    return _ledger_until(block)


def orderer_block(topology: Topology, node: Node, channel: str, number: int, timeout: float) -> Ledger:
    """Read a block: the ledger as if it ended with it."""
    endpoint, signer = topology.grpc_endpoint(node), topology.signer(node.organization)
    return _ledger_until(deliver.block(endpoint, signer, channel, number, timeout=timeout))


def peer_block(topology: Topology, node: Node, channel: str, number: int, timeout: float) -> Ledger:
    """The same of a peer."""
    endpoint, signer = topology.grpc_endpoint(node), topology.signer(node.organization)
    return _ledger_until(peer_channels.block(endpoint, signer, channel, number, timeout))


def _ledger_until(block: common_pb2.Block) -> Ledger:
    header = block.header
    return Ledger(
        int(header.number) + 1, header_hash(header), header.previous_hash.hex(), block_damage(block)
    )


def peer_joined(topology: Topology, node: Node, timeout: float) -> list[str]:
    signer = topology.signer(node.organization)
    return peer_channels.list_channels(topology.grpc_endpoint(node), signer, timeout)


def peer_ledger(topology: Topology, node: Node, channel: str, timeout: float) -> Ledger:
    """What the peer knows by heart, and its newest block as it reads it from its files."""
    endpoint, signer = topology.grpc_endpoint(node), topology.signer(node.organization)
    info = peer_channels.chain_info(endpoint, signer, channel, timeout)
    known = Ledger(info.height, info.current_block_hash, info.previous_block_hash)
    try:
        block = peer_channels.block(endpoint, signer, channel, info.height - 1, timeout)
    except NotReadyError:
        raise
    except FabricError as error:
        if _FROM_SNAPSHOT in error.what:
            return known
        said = error.what.rpartition(" failed: ")[2]
        return replace(known, damage=f"cannot be read: {said}")
    return replace(known, damage=block_damage(block, info.current_block_hash))


def block_damage(block: common_pb2.Block, expected_hash: str = "") -> str:
    """What is wrong with a block that was read; empty when its parts fit together.

    :param expected_hash: hex of its header's hash, where it is known from elsewhere
    """
    if hashlib.sha256(b"".join(block.data.data)).digest() != block.header.data_hash:
        return "is damaged: its transactions are not those of its header"
    if expected_hash and header_hash(block.header) != expected_hash:
        return "is damaged: its header is not the one that was committed"
    return ""


def peer_state(topology: Topology, node: Node, channel: str, timeout: float) -> State | None:
    """Ask for the committed chaincodes, which the peer looks up in the channel's state database.

    None where the channel's capabilities are older than the question.
    """
    endpoint, signer = topology.grpc_endpoint(node), topology.signer(node.organization)
    args = lifecycle_pb2.QueryChaincodeDefinitionsArgs()
    question = [b"QueryChaincodeDefinitions", args.SerializeToString()]
    try:
        answer = endorser.process_proposal(
            endpoint, new_proposal(signer, channel, "_lifecycle", question), timeout
        )
    except FabricError as error:
        if _OLD_LIFECYCLE in error.what:
            return None
        raise
    found = lifecycle_pb2.QueryChaincodeDefinitionsResult.FromString(answer.response.payload)
    names = tuple(item.name for item in found.chaincode_definitions)
    return State(names, signing_certificate(answer.endorsement.endorser))


def signing_certificate(endorser_bytes: bytes) -> str:
    """The PEM certificate in an endorsement's identity; empty when there is none to read."""
    try:
        return str(identities_pb2.SerializedIdentity.FromString(endorser_bytes).id_bytes.decode())
    except ValueError:
        return ""


def peer_chaincode(topology: Topology, node: Node, channel: str, chaincode: str, timeout: float) -> None:
    """Raises NotReadyError when the chaincode does not answer through this peer."""
    signer = topology.signer(node.organization)
    endorser.require_answer(topology.grpc_endpoint(node), signer, channel, chaincode, timeout)


def authority_operations(topology: Topology, authority: Authority, timeout: float) -> Operations:
    user = topology.secret(f"{authority.mount}/users/{topology.user}")
    tls_ca = topology.secret(f"{authority.mount}/msp")["tls_ca_cert"]
    endpoint = Endpoint(
        authority.operations_address, authority.server_name, tls_ca, user["tls_cert"], user["tls_key"]
    )
    return operations.read_operations(endpoint, timeout)


def authority_certificates(topology: Topology, authority: Authority) -> Certificates:
    return certificates_of(topology.secret(f"{authority.mount}/msp"))


def authority_info(topology: Topology, authority: Authority, timeout: float) -> AuthorityInfo:
    """``/cainfo`` of both CAs of a server, compared with the store."""
    msp = topology.secret(f"{authority.mount}/msp")
    endpoint = Endpoint(authority.address, authority.server_name, msp["tls_ca_cert"])
    names = {ENROLLMENT: msp["ca_cert"], TLS: msp["tls_ca_cert"]}
    answers = operations.get(endpoint, [f"/cainfo?ca={name}" for name in names], timeout)
    version, foreign = "", []
    for (name, expected), (status, body) in zip(names.items(), answers.replies, strict=True):
        answer = operations.decode(body, f"/cainfo of its CA {name!r}", endpoint)
        if not answer.get("success"):
            errors = answer.get("errors") or [{"message": f"HTTP {status}"}]
            raise FabricError(f"its CA {name!r} answers: {errors[0].get('message')}", str(endpoint))
        version = str(answer["result"].get("Version", ""))
        if not _same_chain(answer["result"].get("CAChain", ""), expected):
            foreign.append(name)
    return AuthorityInfo(version, tuple(foreign), answers.certificate_pem)


def _same_chain(encoded: str, expected_pem: str) -> bool:
    """Whether the base64 of a PEM chain begins with the expected certificate."""
    try:
        found = x509.load_certificate(base64.b64decode(encoded).decode())
    except (ValueError, FabricError):
        return False
    return found == x509.load_certificate(expected_pem)


def store_state(options: Mapping[str, Any], timeout: float) -> StoreEvidence:
    """Ask the store that the modules' ``store`` option names; needs no login, nor ``cert_file`` and ``key_file``.

    Raises NotReadyError when it does not answer, FabricError when TLS fails or one of the option's files is
    missing.
    """
    url = str(options["url"])
    try:
        files = [options.get(name) for name in ("ca_file", "cert_file", "key_file")]
        ca, cert, key = (Path(name).read_text() if name else "" for name in files)
    except OSError as error:
        raise FabricError(
            f"{error.filename}: {error.strerror}", url, "run bootstrap.yml, it makes this file"
        ) from error
    target = urlsplit(url)
    endpoint = Endpoint(target.netloc, options.get("server_name") or target.hostname or "", ca, cert, key)
    # Without these the state would hide in the HTTP status alone.
    codes = "standbyok=true&sealedcode=200&uninitcode=200"
    answers = operations.get(endpoint, [f"/v1/sys/health?{codes}"], timeout)
    body = answers.replies[0][1]
    clock = clock_of(body, "server_time_utc", answers.dates[0], answers.moments[0])
    return replace(store_answer(body, answers.certificate_pem), clock=clock)


def store_answer(body: bytes, certificate_pem: str) -> StoreEvidence:
    """Read an answer of ``/v1/sys/health``. Raises FabricError when it is none."""
    found = operations.decode(body, "the store's answer", Endpoint("", "store", ""))
    return StoreEvidence(
        bool(found.get("initialized")),
        bool(found.get("sealed", True)),
        bool(found.get("standby")),
        str(found.get("version", "")),
        certificate_pem,
    )


def header_hash(header: common_pb2.BlockHeader) -> str:
    """Hex SHA-256 of a block header's ASN.1 DER, which names a block (protoutil/blockutils.go)."""
    number = int(header.number)
    integer = number.to_bytes(number.bit_length() // 8 + 1, "big")
    body = b"".join((_der(0x02, integer), _der(0x04, header.previous_hash), _der(0x04, header.data_hash)))
    return hashlib.sha256(_der(0x30, body)).hexdigest()


def _der(tag: int, content: bytes) -> bytes:
    # One byte of length will do: two SHA-256 hashes and a number make less than 128 bytes.
    return bytes((tag, len(content))) + content
