"""The inventories that an operator starts from are valid, can be rendered, and hold what their comments promise."""

from __future__ import annotations

import ipaddress
from itertools import combinations
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model import view
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, load
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    CA_CERT,
    ROOT,
    lock_of,
)

NAMES = sorted(path.parent.name for path in (ROOT / "inventory").glob("*/hosts.yml"))
DOCUMENTATION = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]


def hosts_of(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "inventory" / name / "hosts.yml").read_text())[
        "all"
    ]["hosts"]
    return found


def network_of(name: str) -> Network:
    model = yaml.safe_load((ROOT / "inventory" / name / "group_vars/all/network.yml").read_text())
    hosts = {
        host: {"reach": item["ansible_host"], "address": item["selvedge_address"]}
        for host, item in hosts_of(name).items()
    }
    return load(model["selvedge_network"], hosts)


def test_all_are_here() -> None:
    assert NAMES == ["consortium", "consortium_lab", "lab", "single_host"]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_rendered_for_every_host(name: str) -> None:
    network = network_of(name)
    lock = lock_of(network)
    containers: list[str] = []
    for host in network.hosts:
        found = view.host_view(network, host, lock, CA_CERT)
        assert found["stacks"], f"{host} runs nothing"
        services = [item for stack in found["stacks"].values() for item in stack["services"].values()]
        containers += [item["container_name"] for item in services]
        published = [port.split(":")[0] for item in services for port in item.get("ports", [])]
        assert len(published) == len(set(published)), host
    expected = [*network.cas, *network.orderers, *network.peers, *network.chaincodes]
    assert len(containers) == len(set(containers)) == len(expected) + 1, "all services, and the store"
    controller = view.controller_view(network, "/state")
    assert controller["channels"] and controller["chaincodes"]


@pytest.mark.parametrize("name", ["single_host", "consortium"])
def test_placeholders_reach_nobody(name: str) -> None:
    """Addresses that no real machine has, until the operator edits them (RFC 5737, RFC 2606)."""
    for host, item in hosts_of(name).items():
        assert any(ipaddress.ip_address(item["selvedge_address"]) in net for net in DOCUMENTATION), host
        reach = item["ansible_host"]
        assert reach == item["selvedge_address"] or reach.endswith(".example.com"), host


@pytest.mark.parametrize("name", ["single_host", "consortium"])
def test_it_says_how_it_is_used(name: str) -> None:
    text = (ROOT / "inventory" / name / "hosts.yml").read_text()
    verbs = ["preflight.yml", "bootstrap.yml", "images.yml", "site.yml", "verify.yml"]
    assert all(verb in text for verb in [*verbs, f"-i inventory/{name}", "ansible_host", "selvedge_address"])
    assert all((ROOT / "playbooks" / verb).is_file() for verb in verbs)


def test_a_single_host_has_everything() -> None:
    network = network_of("single_host")
    assert list(network.hosts) == ["fabric1"]
    assert len(network.orderers) in (1, 3)
    assert [len(org.peers) for org in network.organizations.values() if org.peers] == [1, 1]


class TestConsortium:
    """Three organisations with two hosts each."""

    network = network_of("consortium")
    peer_organizations = [org for org in network.organizations.values() if org.peers]

    @staticmethod
    def owner(host: str) -> str:
        return host.rstrip("0123456789")

    def test_its_size(self) -> None:
        assert len(self.network.hosts) == 6
        assert len(self.peer_organizations) == 3
        assert len(self.network.orderers) == 5

    def test_an_organisations_nodes_lie_on_its_own_hosts(self) -> None:
        for service in [*self.network.cas, *self.network.orderers, *self.network.peers]:
            assert self.owner(service.host.name) == service.organization.removesuffix("-orderers"), (
                service.name
            )

    def test_every_organisation_orders_and_has_peers_on_two_hosts(self) -> None:
        assert {
            org.name.removesuffix("-orderers") for org in self.network.organizations.values() if org.orderers
        } == {org.name for org in self.peer_organizations}
        for org in self.peer_organizations:
            assert len({peer.host.name for peer in org.peers}) == 2, org.name
            assert all(peer.settings["anchor"] for peer in org.peers), (
                "gossip finds it whichever host is lost"
            )

    def lost(self, *hosts: str) -> tuple[int, set[str]]:
        """Orderers and organisations with a peer that stay when hosts are lost."""
        orderers = [node for node in self.network.orderers if node.host.name not in hosts]
        return len(orderers), {
            peer.organization for peer in self.network.peers if peer.host.name not in hosts
        }

    @pytest.mark.parametrize("host", network.hosts)
    def test_any_one_host_can_be_lost(self, host: str) -> None:
        orderers, organizations = self.lost(host)
        assert orderers >= 4, "no host has more than one of five"
        assert len(organizations) == 3

    @pytest.mark.parametrize("organization", [org.name for org in peer_organizations])
    def test_any_one_organisation_can_be_lost(self, organization: str) -> None:
        gone = [host for host in self.network.hosts if self.owner(host) == organization]
        orderers, organizations = self.lost(*gone)
        assert len(gone) == 2
        assert orderers >= 3, "the quorum of five"
        assert len(organizations) == 2, "the majority of three, which endorses"

    def test_any_two_hosts_can_be_lost_as_far_as_ordering_goes(self) -> None:
        assert min(self.lost(*pair)[0] for pair in combinations(self.network.hosts, 2)) >= 3

    def test_the_store_is_not_where_an_orderer_is(self) -> None:
        busy = {node.host.name for node in self.network.orderers}
        assert self.network.store_host.name not in busy
        assert self.network.registry_host.name == self.network.store_host.name

    def test_all_three_share_a_channel(self) -> None:
        (channel,) = self.network.settings["channels"]
        assert set(channel["organizations"]) == {org.name for org in self.peer_organizations}


@pytest.mark.parametrize(
    ("place", "name"),
    [("molecule/single_host/inventory", "single_host"), ("inventory/consortium_lab", "consortium")],
)
def test_a_lab_runs_the_operators_model_as_it_is(place: str, name: str) -> None:
    own = ROOT / place / "group_vars/all/network.yml"
    assert own.is_symlink() and not own.readlink().is_absolute()
    assert own.resolve() == (ROOT / "inventory" / name / "group_vars/all/network.yml").resolve()
    hosts = yaml.safe_load((ROOT / place / "hosts.yml").read_text())["all"]["hosts"]
    assert list(hosts) == list(hosts_of(name))
