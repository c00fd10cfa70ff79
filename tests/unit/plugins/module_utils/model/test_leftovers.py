"""What left the model and is still on a host."""

from __future__ import annotations

from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.leftovers import leftovers

VIEW: dict[str, Any] = {
    "agent": True,
    "seal": "systemd-creds",
    "stacks": {"ledger": {"services": {"peer0.org1.x": {}}}, "ca": {"services": {"ca.org1.x": {}}}},
}
STACKS, SECRETS = "/etc/selvedge/stacks", "/run/selvedge/secrets"


def test_what_the_model_has_is_no_leftover() -> None:
    found = {
        STACKS: ["ledger", "ca", "registry", "store"],
        SECRETS: ["peer0.org1.x", "ca.org1.x", "store", "registry"],
    }
    assert leftovers(VIEW, found) == {"services": [], "stacks": [], "units": [], "paths": []}


def test_a_service_that_left_a_stack_that_stays() -> None:
    found = {STACKS: ["ledger"], SECRETS: ["peer0.org1.x", "peer1.org1.x"]}
    assert leftovers(VIEW, found) == {
        "services": ["peer1.org1.x"],
        "stacks": [],
        "units": [],
        "paths": ["/run/selvedge/secrets/peer1.org1.x"],
    }


def test_a_stack_of_which_nothing_is_left() -> None:
    found = {STACKS: ["ca", "ledger"], SECRETS: ["ca.org1.x", "peer0.org1.x"]}
    assert leftovers({**VIEW, "stacks": {"ca": VIEW["stacks"]["ca"]}}, found) == {
        "services": ["peer0.org1.x"],
        "stacks": ["ledger"],
        "units": ["selvedge-stack@ledger.service"],
        "paths": ["/etc/selvedge/stacks/ledger", "/run/selvedge/secrets/peer0.org1.x"],
    }


def test_the_configuration_of_couchdbs_goes_with_the_last_of_them() -> None:
    kept = {"peer0.org1.x": {}, "couchdb.peer0.org1.x": {}}
    found = {STACKS: ["ledger"], SECRETS: [*kept, "peer1.org1.x", "couchdb.peer1.org1.x"]}
    view = {**VIEW, "stacks": {"ledger": {"services": kept}}}
    assert "/etc/selvedge/couchdb" not in leftovers(view, found)["paths"]
    assert "/etc/selvedge/couchdb" in leftovers(VIEW, found)["paths"]
    assert "/etc/selvedge/couchdb" not in leftovers(VIEW, {SECRETS: ["peer1.org1.x"]})["paths"]


def test_a_bare_host_has_none() -> None:
    assert leftovers({**VIEW, "agent": False, "stacks": {}}, {})["paths"] == []


def test_the_agent_goes_with_the_last_service_and_is_stopped_before_anything_is_removed() -> None:
    found = {"/etc/selvedge/agent": ["agent.json"], STACKS: ["ledger"], SECRETS: ["peer0.org1.x"]}
    gone = leftovers({**VIEW, "agent": False, "stacks": {}}, found)
    assert gone["units"] == ["selvedge-stack@ledger.service", "selvedge-agent.service"]
    assert gone["paths"][-2:] == ["/etc/selvedge/agent", "/etc/credstore.encrypted/selvedge-agent-secret_id"]
    assert leftovers(VIEW, {"/etc/selvedge/agent": ["agent.json"]})["units"] == []
    clear = leftovers({**VIEW, "agent": False, "seal": "none", "stacks": {}}, found)
    assert clear["paths"][-1] == "/etc/credstore/selvedge-agent-secret_id"
