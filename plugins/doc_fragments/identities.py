"""The options that ``identity`` and ``identity_info`` share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  organizations:
    description: The organisations of the identities.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The organisation's name.
        type: str
        required: true
      msp_id:
        description: Its MSP id; the organisation (O) of subjects without O(organizations[].subject).
        type: str
        required: true
      subject:
        description: The organisation (O) in all subjects.
        type: str
      mount:
        description: Its mount in the store, with the secrets V(msp) and V(ca/server).
        type: str
        required: true
      ca_address:
        description: Its CA server as the controller reaches it, V(127.0.10.1:7054).
        type: str
        required: true
      ca_server_name:
        description: A name in that server's certificate.
        type: str
        required: true
  identities:
    description: The identities.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Enrolment id and common name. At most 64 characters.
        type: str
        required: true
      organization:
        description: Name of its organisation.
        type: str
        required: true
      kind:
        description: What it is; becomes the organisational unit (OU) that Fabric's node OUs look at.
        type: str
        choices: [peer, orderer, client, admin]
        required: true
      secret:
        description: Where it lies in the store, V(org1/nodes/peer0.org1.lab).
        type: str
        required: true
      hosts:
        description: Names and addresses in its TLS certificate.
        type: list
        elements: str
        default: []
  renew_before_days:
    description: Renew what has fewer days left than these.
    type: int
    default: 30
"""
