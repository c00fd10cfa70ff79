"""The network as the controller sees it: who there is, where it listens, and where its keys lie in the store.

``Topology`` is built from the ``topology`` option that the modules share, and a secrets store. It hands out
endpoints and signers; keys are read when they are first needed and stay in memory.

Layout of the store, one KV version 2 mount an organisation::

    <mount>/msp             ca_cert tls_ca_cert                                     public
    <mount>/nodes/<name>    sign_cert sign_key tls_cert tls_key ca_cert tls_ca_cert
    <mount>/users/<name>    the same keys; ``admin`` carries the admin NodeOU
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.planned import Planned
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.signing import Signer
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.transport import Endpoint


class SecretReader(Protocol):
    """What the topology needs of a secrets store."""

    def read(self, path: str) -> dict[str, str] | None:
        """Return the fields of the secret at ``mount/path``, or None when there is none."""


@dataclass(frozen=True)
class Node:
    """An orderer or a peer.

    :param name: its TLS server name, ``peer0.org1.lab``
    :param organization: the name of its organisation in the model
    :param address: ``host:port`` as the controller reaches its gRPC service
    :param operations_address: ``host:port`` of its operations endpoint
    :param endpoint: ``host:port`` as other nodes reach it; stands in the channel's configuration
    :param admin_address: ``host:port`` of an orderer's participation API
    :param anchor: whether a peer is an anchor peer
    """

    name: str
    organization: str
    address: str
    operations_address: str
    endpoint: str
    admin_address: str = ""
    anchor: bool = False


@dataclass(frozen=True)
class Organization:
    """An organisation: ``role`` is ``orderer`` or ``peer``, ``mount`` its mount in the store."""

    name: str
    msp_id: str
    mount: str
    role: str


def _names(nodes: list[Node]) -> str:
    return ", ".join(node.name for node in nodes)


@dataclass
class Topology:
    """Organisations and nodes, with access to their keys.

    :param user: the user of each organisation with whose keys nodes are asked
    """

    organizations: dict[str, Organization]
    orderers: list[Node]
    peers: list[Node]
    store: SecretReader
    planned: Planned = field(default_factory=Planned)
    user: str = "admin"
    _secrets: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)

    @classmethod
    def from_option(
        cls,
        option: dict[str, Any],
        store: SecretReader,
        planned: Planned | None = None,
        user: str = "admin",
    ) -> Topology:
        """Build it from the modules' ``topology`` option."""
        return cls(
            organizations={item["name"]: Organization(**item) for item in option["organizations"]},
            orderers=[Node(**item) for item in option["orderers"]],
            peers=[Node(**item) for item in option["peers"]],
            store=store,
            planned=planned or Planned(),
            user=user,
        )

    def narrowed(self, orderers: list[Node], peers: list[Node]) -> Topology:
        """The same with these nodes only; secrets that were read are shared."""
        return replace(self, orderers=orderers, peers=peers)

    def secret(self, path: str) -> dict[str, str]:
        """The fields of a secret that must be there. Raises FabricError when it is not."""
        if path not in self._secrets:
            found = self.store.read(path)
            if found is None:
                raise FabricError(
                    "a secret is missing in the store", path, "run site.yml, it enrols what is missing"
                )
            self._secrets[path] = found
        return self._secrets[path]

    @cached_property
    def _nodes(self) -> dict[str, Node]:
        return {node.name: node for node in [*self.orderers, *self.peers]}

    def node(self, name: str) -> Node:
        return self._nodes[name]

    def peer(self, name: str) -> Node:
        """A peer by name. Raises FabricError when there is none."""
        found = [peer for peer in self.peers if peer.name == name]
        if not found:
            raise FabricError(f"there is no peer {name}", next_step=f"name one of {_names(self.peers)}")
        return found[0]

    def entrance(self, organization: str) -> Node:
        """The peer through which an organisation's users go: its first. FabricError when it has none."""
        found = [peer for peer in self.peers if peer.organization == organization]
        if not found:
            raise FabricError(
                f"organisation {organization} has no peer", next_step=f"name one of {_names(self.peers)}"
            )
        return found[0]

    def organization(self, name: str) -> Organization:
        """An organisation by name. Raises FabricError when there is none."""
        if name not in self.organizations:
            known = ", ".join(self.organizations)
            raise FabricError(f"there is no organisation {name}", next_step=f"name one of {known}")
        return self.organizations[name]

    def organization_of(self, node: Node) -> Organization:
        return self.organization(node.organization)

    def msp(self, organization: str) -> dict[str, str]:
        """``ca_cert`` and ``tls_ca_cert`` of an organisation, PEM."""
        return self.secret(f"{self.organization(organization).mount}/msp")

    def signer(self, organization: str, user: str = "") -> Signer:
        """A user of an organisation who can sign; by default the one that nodes are asked with."""
        org = self.organization(organization)
        secret = self.secret(f"{org.mount}/users/{user or self.user}")
        return Signer(org.msp_id, secret["sign_cert"], secret["sign_key"])

    def node_secret(self, node: Node) -> dict[str, str]:
        return self.secret(f"{self.organization_of(node).mount}/nodes/{node.name}")

    def grpc_endpoint(self, node: Node) -> Endpoint:
        """A node's gRPC service."""
        return Endpoint(node.address, node.name, self.msp(node.organization)["tls_ca_cert"])

    def admin_endpoint(self, node: Node) -> Endpoint:
        """An orderer's participation API, with its organisation's user as TLS client."""
        return self._mutual(node, node.admin_address)

    def operations_endpoint(self, node: Node) -> Endpoint:
        """A node's operations endpoint, with its organisation's user as TLS client."""
        return self._mutual(node, node.operations_address)

    def _mutual(self, node: Node, address: str) -> Endpoint:
        user = self.secret(f"{self.organization_of(node).mount}/users/{self.user}")
        tls_ca = self.msp(node.organization)["tls_ca_cert"]
        return Endpoint(address, node.name, tls_ca, user["tls_cert"], user["tls_key"])
