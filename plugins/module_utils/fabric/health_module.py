"""What the modules that judge health have in common: options, and how a check becomes a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NoReturn

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health import (
    Health,
    UnhealthyError,
    table,
    wait_until_healthy,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.health_evidence import (
    Authority,
    ChaincodeMembers,
    ChannelMembers,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.network_health import NetworkCheck
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.topology import Topology
from ansible_collections.selvedge.fabric.plugins.module_utils.module import Module

HEALTH_ARGUMENTS: dict[str, Any] = {
    "wait": {"type": "float", "default": 0},
    "stable_for": {"type": "float", "default": 0},
    "certificate_days_min": {"type": "int", "default": 14},
    "max_skew": {"type": "float", "default": 60},
    "fail": {"type": "bool", "default": True},
}
CHANNEL_ARGUMENTS: dict[str, Any] = {
    "channels": {"type": "list", "elements": "dict", "default": []},
    "level": {"type": "str", "choices": ["serving", "channels"], "default": "channels"},
    "max_lag": {"type": "int", "default": 0},
    "organizations": {"type": "list", "elements": "str", "default": []},
    "nodes": {"type": "list", "elements": "str", "default": []},
}
CHAINCODE_ARGUMENTS: dict[str, Any] = {"chaincodes": {"type": "list", "elements": "dict", "default": []}}
AUTHORITY_ARGUMENTS: dict[str, Any] = {"authorities": {"type": "list", "elements": "dict", "default": []}}
ORDERERS, PEERS = "orderers", "peers"


def narrowed(topology: Topology, params: Mapping[str, Any], kinds: Sequence[str]) -> Topology:
    """The nodes of these kinds, and of the organisations that ``organizations`` names. Raises FabricError for an
    organisation that is not there."""
    wanted = {topology.organization(name).name for name in params["organizations"]}
    orderers, peers = (
        [node for node in nodes if kind in kinds and (not wanted or node.organization in wanted)]
        for kind, nodes in ((ORDERERS, topology.orderers), (PEERS, topology.peers))
    )
    return topology.narrowed(orderers, peers)


def channel_members(params: Mapping[str, Any], topology: Topology) -> list[ChannelMembers]:
    """The channels of the option, with those of their members that ``topology`` has."""
    orderers = {node.name for node in topology.orderers}
    peers = {node.name for node in topology.peers}
    found = [ChannelMembers.from_option(item) for item in params["channels"]]
    return [
        ChannelMembers(
            item.name,
            tuple(name for name in item.orderers if name in orderers),
            tuple(name for name in item.peers if name in peers),
        )
        for item in found
    ]


def chaincode_members(params: Mapping[str, Any]) -> list[ChaincodeMembers]:
    return [ChaincodeMembers.from_option(item) for item in params["chaincodes"]]


def node_check(
    params: Mapping[str, Any], topology: Topology, without: Collection[str] = (), **more: Any
) -> NetworkCheck:
    """The check of nodes that HEALTH_ARGUMENTS and CHANNEL_ARGUMENTS describe.

    :param topology: what ``narrowed`` left
    :param without: orderers that are about to be stopped: then all orderers are judged, whatever ``nodes`` says
    :param more: what else NetworkCheck takes
    """
    return NetworkCheck(
        topology=topology,
        channels=channel_members(params, topology),
        level=params["level"],
        certificate_days_min=params["certificate_days_min"],
        max_lag=params["max_lag"],
        max_skew=params["max_skew"],
        nodes=[node.name for node in topology.orderers] if without else params["nodes"],
        **more,
    )


def authorities(params: Mapping[str, Any], organizations: Sequence[str] = ()) -> list[Authority]:
    """The fabric-ca servers of the option, of these organisations where there are any."""
    found = [Authority.from_option(item) for item in params["authorities"]]
    return [item for item in found if not organizations or item.organization in organizations]


def answer(module: Module, check: Callable[[], list[Health]], maybe_nothing: bool = False) -> NoReturn:
    """Wait as the options say, and end the module with the verdicts.

    :param maybe_nothing: whether nothing to judge is well, and no mistake in the options
    """
    params = module.params
    started = time.monotonic()
    try:
        results = wait_until_healthy(check, params["wait"], stable_for_s=params["stable_for"])
        problem = ""
    except UnhealthyError as error:
        results, problem = error.results, str(error)
    if not results and not maybe_nothing:
        raise FabricError("there is nothing to judge", next_step="see what the options leave of the network")
    found = {
        "changed": False,
        "healthy": not problem,
        "unhealthy_nodes": [result.subject for result in results if not result.healthy],
        "results": [result.as_dict() for result in results],
        "table": table(results),
        "elapsed": round(time.monotonic() - started, 2),
    }
    if problem and params["fail"]:
        module.fail_json(msg=problem, **found)
    module.exit_json(**found)
