"""The options that the modules share which judge health."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  wait:
    description:
      - For how many seconds to repeat the check until all is healthy; V(0) waits for nothing.
      - Ends early when all that is left is nothing that heals by waiting.
    type: float
    default: 0
  stable_for:
    description:
      - For how many seconds in a row all must be healthy. What becomes unhealthy in between begins anew, as long as
        O(wait) lasts.
    type: float
    default: 0
  certificate_days_min:
    description: A certificate with fewer days left makes its owner degraded.
    type: int
    default: 14
  max_skew:
    description:
      - How many seconds a clock may be off that of the machine that asks; more is degraded, 15 minutes unhealthy.
      - The time is the one that stands in the answer of the operations endpoint (of the store, in its health), and half
        of the answer's way is allowed for.
      - The default is what M(selvedge.fabric.preflight_report) refuses, too.
    type: float
    default: 60
  fail:
    description: Whether to fail when something is not healthy.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    description: Changes nothing anyway.
"""

    # What those share that ask nodes for their channels.
    CHANNELS = r"""
options:
  channels:
    description:
      - The channels that should exist, each with C(name) and C(definition), and in that at least C(orderers)
        and C(peers), lists of names; as for M(selvedge.fabric.channel).
    type: list
    elements: dict
    default: []
  level:
    description: V(serving) before channels exist, V(channels) when they should.
    type: str
    choices: [serving, channels]
    default: channels
  max_lag:
    description: How many blocks a node may be behind the others. On a busy network V(0) is too few.
    type: int
    default: 0
  organizations:
    description:
      - Judge only the nodes of these organisations, and ask no others; empty means all. No secret of another
        organisation is read.
    type: list
    elements: str
    default: []
  nodes:
    description:
      - Judge only these, by the names that stand in RV(results). Empty means all.
      - Other members of their channels are still asked, to compare with.
    type: list
    elements: str
    default: []
"""

    CHAINCODES = r"""
options:
  chaincodes:
    description:
      - The chaincodes that should answer, each with C(name), C(channel) and C(peers), the names of the peers through
        which they should; each is asked for its metadata, on each of these peers. Other keys are ignored.
    type: list
    elements: dict
    default: []
"""

    AUTHORITIES = r"""
options:
  authorities:
    description:
      - The fabric-ca servers, each with C(name) (its organisation; C(organization) if it differs), C(mount)
        (the organisation's mount in the store), C(ca_address) and C(operations_address) (C(host:port) as the
        controller reaches them) and C(server_name) (the name in its TLS certificate, and in RV(results)).
      - Without C(operations_address) its operations endpoint is not asked. Other keys are ignored.
    type: list
    elements: dict
    default: []
"""
