"""A network of fifty hosts as an inventory: what a controller has to carry, without the hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model import view
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, load

from .plays import ROOT

FEW_HOSTS, MISTAKES = 3, 3
HOSTS, ORDERERS, ORGANIZATIONS, PEERS_EACH = 50, 5, 5, 18


def host_name(number: int) -> str:
    """The name of a host; numbers beyond the last begin again."""
    return f"host{number % HOSTS + 1:02d}"


def hosts(count: int = HOSTS) -> dict[str, dict[str, str]]:
    """Name to variables of each host."""
    return {
        host_name(n): {"ansible_host": f"127.0.50.{n + 1}", "selvedge_address": f"172.30.50.{n + 1}"}
        for n in range(count)
    }


def model() -> dict[str, Any]:
    """Five orderers, five organisations with eighteen peers each, three channels, four chaincodes."""
    names = [f"org{number}" for number in range(1, ORGANIZATIONS + 1)]
    peers = iter(range(ORGANIZATIONS * PEERS_EACH))
    organizations: list[dict[str, Any]] = [
        {
            "name": "orderers",
            "ca": {"host": host_name(0)},
            "orderers": [{"name": f"orderer{n + 1}", "host": host_name(10 * n)} for n in range(ORDERERS)],
        }
    ]
    organizations += [
        {
            "name": name,
            "ca": {"host": host_name(index + 1)},
            "peers": [{"name": f"peer{n}", "host": host_name(next(peers))} for n in range(PEERS_EACH)],
        }
        for index, name in enumerate(names)
    ]
    return {
        "name": "large",
        "registry": {"host": host_name(0)},
        "secrets_store": {"host": host_name(0)},
        "organizations": organizations,
        "channels": [
            {"name": "all", "organizations": names},
            {"name": "west", "organizations": names[:3]},
            {"name": "east", "organizations": names[2:]},
        ],
        "chaincodes": [
            {"name": "assets", "channel": "all", "version": "1.0"},
            {"name": "bonds", "channel": "all", "version": "1.0"},
            {"name": "coal", "channel": "west", "version": "1.0"},
            {"name": "dyes", "channel": "east", "version": "1.0"},
        ],
    }


def _with_mistakes(wrong: dict[str, Any]) -> dict[str, Any]:
    """MISTAKES of them: a host and a channel that are not there, a key that is not known."""
    wrong["organizations"][1]["peers"][0]["host"] = "host99"
    wrong["organizations"][2]["peers"][0]["memroy"] = "1g"
    wrong["chaincodes"][0]["channel"] = "al"
    return wrong


def wrong_model() -> dict[str, Any]:
    """The large network's model with mistakes."""
    return _with_mistakes(model())


def model_full_of_mistakes() -> dict[str, Any]:
    """The large network's model with two mistakes in each of its nodes."""
    wrong = model()
    for organization in wrong["organizations"]:
        for node in [*organization.get("orderers", []), *organization.get("peers", [])]:
            node["memry"] = "1g"
            node["host"] = node["host"].replace("host", "hots")
    return wrong


def few_wrong_model() -> dict[str, Any]:
    """The lab's model with mistakes."""
    file = ROOT / "inventory/lab/group_vars/all/network.yml"
    text = file.read_text().replace("host: host", "host: host0")
    return _with_mistakes(yaml.safe_load(text)["selvedge_network"])


def network(wanted: dict[str, Any] | None = None) -> Network:
    """The model, or another one of its hosts, loaded.

    :raises ModelError: with all its mistakes
    """
    known = {
        name: {"reach": item["ansible_host"], "address": item["selvedge_address"]}
        for name, item in hosts().items()
    }
    return load(wanted or model(), known)


def lock() -> dict[str, str]:
    """Digests of all images, as images.yml would lock them; nobody pulls these."""
    return {
        f"{item['name']}:{item.get('version', '1.0.0')}": f"selvedge/{item['name']}@sha256:{number:064x}"
        for number, item in enumerate(view.required_images(network()), 1)
    }


def answer() -> dict[str, Any]:
    """What every module says on a host that is as the model wants it, with the results that roles read."""
    place = network()
    digests = lock()
    views = {host: view.host_view(place, host, digests, "") for host in place.hosts}
    folders = views[host_name(0)]["listings"]
    projects = {project["name"] for host in views.values() for project in host["stacks"].values()}
    base = [Path(item["path"]) for item in view.base_files(place, host_name(0), "")]
    return {
        "changed": False,
        "missing": [],
        "actions": [],
        "healthy": True,
        # So Compose is asked what there is to do.
        "projects": sorted(projects),
        # Of what hosts differ in nothing is listed: then nothing has left the model.
        "found": {
            folder: sorted(path.name for path in base if str(path.parent) == folder) for folder in folders
        },
    }


def write(folder: Path, wanted: dict[str, Any], count: int = HOSTS) -> Path:
    """Write an inventory of the first ``count`` hosts with ``wanted`` as its model; return its folder."""
    variables = folder / "group_vars" / "all"
    variables.mkdir(parents=True)
    shared = {"ansible_connection": "local", "selvedge_images": lock(), "selvedge_network": wanted}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts(count)}}))
    (variables / "network.yml").write_text(yaml.safe_dump(shared))
    (folder / ".state").mkdir()
    (folder / ".state" / "ca.crt").write_text("the bootstrap CA's certificate; hosts would get it\n")
    return folder
