"""The ``store`` option that every module with secrets shares."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  store:
    description: The secrets store, and how the controller logs in to it.
    type: dict
    required: true
    suboptions:
      backend:
        description: Which kind of store it is. V(openbao) is built in.
        type: str
        default: openbao
      url:
        description: Where it listens, such as V(https://127.0.10.1:8200).
        type: str
        required: true
      ca_file:
        description: PEM file of the CA that signed the store's certificate. No other CA is trusted.
        type: path
        required: true
      cert_file:
        description: PEM file of the controller's client certificate.
        type: path
        required: true
      key_file:
        description: PEM file of its key.
        type: path
        required: true
      server_name:
        description: The name in the store's certificate, where it differs from the one in O(store.url).
        type: str
        default: ""
      timeout:
        description: How many seconds to wait for a store that is starting, sealed, or electing a leader.
        type: int
        default: 30
requirements:
  - hvac (for O(store.backend=openbao))
"""
