"""The files by which a Grafana shows the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DOCUMENTATION = r"""
name: grafana_files
short_description: The files by which a Grafana shows the network
description:
  - Makes Grafana's dashboards of the network, a channel, a node and a host, and what has Grafana find them and its
    Prometheus. There is no key in them; Grafana reads keys where O(tls) says.
options:
  _input:
    description: Address of the network's Prometheus, as V(https://192.0.2.11:9090).
    type: str
    required: true
  server_name:
    description: The name in Prometheus' certificate, as V(prometheus.monitoring.lab.example).
    type: str
    required: true
  tls:
    description:
      - The folder with C(ca.crt), C(client.crt) and C(client.key) of the monitoring's client, as Grafana sees it.
    type: str
    required: true
  network:
    description: The network's name, which Grafana's folder of these dashboards gets.
    type: str
    required: true
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Give Grafana its dashboards
  ansible.builtin.copy:
    dest: "/etc/grafana/{{ item.path }}"
    content: "{{ item.content }}"
    mode: "0644"
  loop: >-
    {{ 'https://192.0.2.11:9090'
       | selvedge.fabric.grafana_files('prometheus.monitoring.lab.example', '/run/grafana/tls', 'lab') }}
  loop_control: {label: "{{ item.path }}"}
"""

RETURN = r"""
_value:
  description: Each file with C(path), below C(/etc/grafana), and C(content).
  type: list
  elements: dict
"""


def files(url: str, server_name: str, tls: str, network: str) -> list[dict[str, str]]:
    # Imported here: whoever uses any filter of the collection has Ansible load all of them, in each task of each host.
    from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.dashboards import grafana_files

    return grafana_files(url, server_name, tls, network)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"grafana_files": files}
