"""The network of fifty hosts: as large as it says, right, and wrong in the ways that it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.model import view
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import ModelError, load
from ansible_collections.selvedge.fabric.tools.bench import large


def known(count: int) -> dict[str, dict[str, str]]:
    return {
        name: {"reach": item["ansible_host"], "address": item["selvedge_address"]}
        for name, item in large.hosts(count).items()
    }


def test_its_size() -> None:
    network = large.network()
    assert (len(network.hosts), len(network.orderers), len(network.peers)) == (50, 5, 90)
    assert (len(network.organizations), len(network.settings["channels"])) == (6, 3)
    assert {len(list(network.services(host))) > 0 for host in network.hosts} == {True}


def test_every_host_is_rendered_with_the_lock_of_the_bench() -> None:
    network, lock = large.network(), large.lock()
    for host in ("host01", "host50"):
        assert view.host_view(network, host, lock, "ca")["stacks"]["ledger"]["services"]


@pytest.mark.parametrize(
    ("wrong", "count"), [(large.wrong_model, large.HOSTS), (large.few_wrong_model, large.FEW_HOSTS)]
)
def test_a_wrong_model_has_the_mistakes_that_the_bench_counts_on(
    wrong: Callable[[], dict[str, Any]], count: int
) -> None:
    with pytest.raises(ModelError) as refused:
        load(wrong(), known(count))
    assert len(refused.value.problems) == large.MISTAKES


def test_each_node_can_have_two_mistakes() -> None:
    with pytest.raises(ModelError) as refused:
        large.network(large.model_full_of_mistakes())
    assert len(refused.value.problems) == 2 * (large.ORDERERS + large.ORGANIZATIONS * large.PEERS_EACH)


def test_an_inventory_is_complete(tmp_path: Path) -> None:
    folder = large.write(tmp_path / "few", large.model(), 3)
    assert list(yaml.safe_load((folder / "hosts.yml").read_text())["all"]["hosts"]) == [
        "host01",
        "host02",
        "host03",
    ]
    variables = yaml.safe_load((folder / "group_vars/all/network.yml").read_text())
    assert variables["selvedge_network"] == large.model()
    assert (folder / ".state/ca.crt").is_file()
