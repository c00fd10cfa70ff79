"""The ``topology`` option that the modules share which talk to Fabric."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  topology:
    description:
      - The network as the controller reaches it, without any secret. The collection's filters make it from
        the network model.
      - C(organizations) is a list of dicts with C(name), C(msp_id), C(mount) (the organisation's mount in the
        store) and C(role) (C(orderer) or C(peer)).
      - C(orderers) and C(peers) are lists of dicts with C(name) (the name in the node's TLS certificate),
        C(organization), C(address) and C(operations_address) (C(host:port) as the controller reaches them)
        and C(endpoint) (C(host:port) as other nodes reach it; this one stands in the channel's
        configuration).
      - An orderer has C(admin_address) too, its participation API. A peer may have C(anchor), whether it is
        an anchor peer of its organisation.
    type: dict
    required: true
"""
