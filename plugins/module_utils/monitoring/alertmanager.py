"""Alertmanager's configuration: who hears of what, and what is left unsaid because something graver says it.

No secret in it: addresses of webhooks and passwords are read from files. Source: its manual, "Configuration".
"""

from __future__ import annotations

from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import IN_SECRETS

FOLDER = "/etc/alertmanager"
# Who is told when nobody is: alerts are then only shown.
NOBODY = "nobody"
_DEFAULT_SEVERITIES = ("critical", "warning")


def alertmanager_config(network: Network) -> dict[str, Any]:
    """The whole configuration, for a network whose model has monitoring."""
    receivers = network.settings["monitoring"]["receivers"]
    return {
        "route": {
            "receiver": NOBODY,
            # One message for what happens to one channel, or to several hosts in the same way.
            "group_by": ["alertname", "channel"],
            "group_wait": "15s",
            "group_interval": "1m",
            "repeat_interval": "4h",
            "routes": [_route(item) for item in receivers],
        },
        "inhibit_rules": INHIBITIONS,
        "receivers": [{"name": NOBODY}, *(_receiver(item) for item in receivers)],
    }


def _inhibition(source: str, target: str, *equal: str) -> dict[str, Any]:
    return {"source_matchers": [source], "target_matchers": [target], "equal": list(equal)}


INHIBITIONS = [
    # A host that is down silences its nodes.
    _inhibition('alertname="HostDown"', 'alertname!="HostDown"', "host"),
    # A node that is down is not also behind, unhealthy or restarting.
    _inhibition(
        'alertname="NodeDown"',
        'alertname=~"NodeUnhealthy|NodeDegraded|HeightDiverging|ContainerRestarting"',
        "node",
    ),
    _inhibition('alertname="StoreSealed"', 'alertname=~"NodeDown|NodeUnhealthy"', "node"),
    # Without a quorum there is no leader, and no commit; orderers that have only this to say have the channel's label.
    _inhibition(
        'alertname="QuorumLost"',
        'alertname=~"NoLeader|QuorumAtRisk|CommitProbeFailing|CommitProbeSlow|NodeUnhealthy"',
        "channel",
    ),
    _inhibition(
        'alertname="NoLeader"', 'alertname=~"CommitProbeFailing|CommitProbeSlow|NodeUnhealthy"', "channel"
    ),
    _inhibition('alertname="QuorumAtRisk"', 'alertname="NodeDegraded"', "channel"),
    _inhibition('alertname="CommitProbeFailing"', 'alertname="CommitProbeSlow"', "channel"),
    _inhibition('alertname="DiskFull"', 'alertname="DiskFilling"', "host", "mountpoint"),
    _inhibition('alertname="NodeUnhealthy"', 'alertname="NodeDegraded"', "node"),
]


def _route(item: dict[str, Any]) -> dict[str, Any]:
    severities = "|".join(item["severities"] or _DEFAULT_SEVERITIES)
    # Each receiver decides for itself, so the next one is asked as well.
    return {"receiver": item["name"], "matchers": [f'severity=~"{severities}"'], "continue": True}


def _receiver(item: dict[str, Any]) -> dict[str, Any]:
    secret = f"{IN_SECRETS}/receivers/{item['name']}"
    if item["kind"] == "webhook":
        return {"name": item["name"], "webhook_configs": [{"url_file": secret, "send_resolved": True}]}
    mail = {
        "to": item["to"],
        "from": item["from"],
        "smarthost": item["smarthost"],
        "require_tls": True,
        "send_resolved": True,
    }
    if item["user"]:
        mail |= {"auth_username": item["user"], "auth_password_file": secret}
    return {"name": item["name"], "email_configs": [mail]}
