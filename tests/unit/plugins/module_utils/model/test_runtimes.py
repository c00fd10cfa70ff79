"""Which runtimes a host's services ask for."""

from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import load
from ansible_collections.selvedge.fabric.plugins.module_utils.model.runtimes import REGISTRATIONS, runtimes_of
from ansible_collections.selvedge.fabric.tests.unit.plugins.module_utils.model.samples import (
    LAB_HOSTS,
    WIDE_HOSTS,
    all_services,
    lab_model,
    sample,
    views,
    wide_model,
)


def test_runc_alone_asks_for_nothing() -> None:
    assert [runtimes_of(sample("lab"), host) for host in LAB_HOSTS] == [{}, {}, {}]


def test_each_host_gets_what_its_own_services_ask_for() -> None:
    found = {host: list(runtimes_of(sample("wide"), host)) for host in WIDE_HOSTS}
    # The store with crun lies on west, a peer with runsc on east.
    assert found == {"core": [], "east": ["runsc"], "west": ["crun"], "spare": []}


@pytest.mark.parametrize("kind", ["ca", "orderers", "peers", "chaincode", "secrets_store"])
def test_every_kind_of_service_is_asked(kind: str) -> None:
    model = lab_model()
    orderers, org1 = model["organizations"][:2]
    {
        "ca": org1["ca"],
        "orderers": orderers["orderers"][1],
        "peers": org1["peers"][1],
        "chaincode": model["chaincodes"][0],
        "secrets_store": model["secrets_store"],
    }[kind]["runtime"] = "kata"
    network = load(model, LAB_HOSTS)
    hosts = {host for host in LAB_HOSTS if runtimes_of(network, host) == {"kata": REGISTRATIONS["kata"]}}
    # One chaincode instance stands beside each peer.
    assert hosts == {"chaincode": set(LAB_HOSTS), "secrets_store": {"host1"}}.get(kind, {"host2"})


@pytest.mark.parametrize("name", ["lab", "wide"])
def test_nothing_is_rendered_that_the_engine_is_not_told_of(name: str) -> None:
    network = sample(name)
    for host, view in views(network).items():
        rendered = {
            item["runtime"] for stack in view["stacks"].values() for item in stack["services"].values()
        }
        assert rendered - {"runc"} == set(runtimes_of(network, host))
    assert "runc" in {item["runtime"] for item in all_services(network).values()}


def test_entries_are_the_callers_own() -> None:
    model = wide_model()
    first = runtimes_of(load(model, WIDE_HOSTS), "west")
    first["crun"]["path"] = "/changed"
    assert runtimes_of(load(wide_model(), WIDE_HOSTS), "west")["crun"] == {"path": "/usr/bin/crun"}
