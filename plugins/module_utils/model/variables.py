"""Variables that begin with ``selvedge_``: those that an operator may give, and those that the collection sets."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.selvedge.fabric.plugins.module_utils.model.schema import nearest

PREFIX = "selvedge_"
# What is read, wherever it stands: at a host, a group, or with -e. Name to meaning, for the reference.
INPUTS = {
    "selvedge_network": "the network model",
    "selvedge_address": "of a host: the IPv4 address that the other hosts use; by default `ansible_host`",
    "selvedge_seal": "of a host: how its boot material lies on its disk, `systemd-creds` (by default) or `none`",
    "selvedge_images": "the images' digests, which `images.yml` writes into the lock file",
    "selvedge_state_dir": "the controller's folder for its boot material; by default `.state` beside the inventory",
    "selvedge_break_lock": "with `-e`: the run whose locks are void, as the refusal names it",
}
# Facts that plugins set, for roles and playbooks; they are variables of the hosts from then on.
FACTS = frozenset(
    {
        "selvedge_base_files",
        "selvedge_controller",
        "selvedge_controller_state",
        "selvedge_engine",
        "selvedge_host",
        "selvedge_lab_hosts",
        "selvedge_network_name",
        "selvedge_plans",
        "selvedge_preflight",
        "selvedge_preflight_controller",
        "selvedge_registry",
        "selvedge_run",
    }
)


def ours(names: Iterable[str]) -> list[str]:
    """Those of a host's variables that look like Selvedge's, sorted."""
    return sorted(name for name in names if name.startswith(PREFIX))


def is_known(name: str) -> bool:
    return name in INPUTS or name in FACTS


def meant(name: str) -> str:
    """The variable that an operator will have meant by an unknown name; empty where it may be one of their own.

    What all begin with is left out: it would make everything alike.
    """
    near = nearest(name.removeprefix(PREFIX), (item.removeprefix(PREFIX) for item in INPUTS))
    return near and PREFIX + near
