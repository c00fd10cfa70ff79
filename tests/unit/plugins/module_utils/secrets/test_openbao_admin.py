from __future__ import annotations

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao_admin import (
    Host,
    compare,
    desired_state,
)

HOST = Host("h1", "role-h1", ["org1/nodes/p0", "org1/ca/server"], ["192.0.2.7", "192.0.2.0/28"])


def test_a_host_may_read_exactly_its_paths_and_renew() -> None:
    state = desired_state([], [HOST], 600)
    assert state["policy host-h1"] == {
        "rules": {
            "auth/token/lookup-self": ["read"],
            "auth/token/renew-self": ["update"],
            "org1/data/ca/server": ["read"],
            "org1/data/nodes/p0": ["read"],
        }
    }


def test_a_host_is_bound_to_its_addresses_and_its_policy() -> None:
    role = desired_state([], [HOST], 600)["role h1"]
    assert role["secret_id_bound_cidrs"] == role["token_bound_cidrs"] == ["192.0.2.0/28", "192.0.2.7/32"]
    assert (role["role_id"], role["token_policies"]) == ("role-h1", ["host-h1"])
    assert (role["token_period"], role["token_no_default_policy"]) == (600, True)


@pytest.mark.parametrize("path", ["org1", "org1/nodes/*", "+/nodes/p0", ""])
def test_what_is_no_exact_path_is_refused(path: str) -> None:
    with pytest.raises(SecretsError, match="not the exact path"):
        desired_state([], [Host("h1", "r", [path], [])], 600)


def test_what_is_no_address_range_is_refused() -> None:
    with pytest.raises(SecretsError, match="not an address range.*h1"):
        desired_state([], [Host("h1", "r", ["a/b"], ["192.0.2.7/28"])], 600)


def test_what_is_equal_is_no_difference() -> None:
    state = desired_state(["org1"], [HOST], 600)
    assert not compare(state, desired_state(["org1"], [HOST], 600), purge=True)


def test_a_difference_shows_both_sides_and_only_what_differs() -> None:
    before = desired_state(["org1"], [HOST], 600)
    difference = compare(before, desired_state(["org1", "org2"], [HOST], 900))
    assert set(difference.changes) == {"mount org2", "policy org2-admin", "role h1"}
    assert difference.before["role h1"]["token_period"] == 600
    assert difference.after["role h1"]["token_period"] == 900
    assert "mount org2" not in difference.before


def test_objects_come_in_an_order_that_can_be_applied() -> None:
    kinds = [name.split()[0] for name in compare({}, desired_state(["org1"], [HOST], 600)).changes]
    assert kinds == ["mount", "policy", "policy", "auth", "role"]


def test_only_hosts_are_ever_removed_and_only_when_told() -> None:
    actual = {**desired_state(["old"], [HOST], 600), "policy selvedge-controller": {}}
    assert not compare(actual, {}, purge=False)
    assert list(compare(actual, {}, purge=True).changes) == ["role h1", "policy host-h1"]
