from __future__ import annotations

import json
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model import store_config


def config(**more: Any) -> dict[str, Any]:
    text = store_config.server_config(
        node_id="n1",
        api_addr="https://store:8200",
        cluster_addr="https://store:8201",
        client_ca_pem="PEM",
        client_name="controller",
        **more,
    )
    return dict(json.loads(text))


def requests() -> dict[str, dict[str, Any]]:
    (block,) = config()["initialize"]
    return {name: body for request in block["controller"]["request"] for name, body in request.items()}


def test_the_root_token_is_revoked_last() -> None:
    assert list(requests())[-1] == "revoke"
    assert requests()["revoke"]["path"] == "auth/token/revoke-self"


def test_only_the_controllers_own_certificate_is_let_in() -> None:
    role = requests()["role"]["data"]
    assert (role["certificate"], role["allowed_common_names"]) == ("PEM", "controller")
    assert role["token_type"] == "batch"


def test_the_controller_can_do_everything_it_needs_and_cannot_reach_the_seal() -> None:
    rules = json.loads(requests()["policy"]["data"]["policy"])["path"]
    assert {"+/data/*", "auth/approle/*", "sys/policies/acl/*", "sys/storage/raft/*"} <= set(rules)
    assert not [path for path in rules if path in ("*", "sys/*") or "seal" in path or "generate-root" in path]


def test_the_seal_key_is_named_by_path_and_not_inside() -> None:
    seal = config(seal_key_file="/run/secrets/k", seal_key_id="2")["seal"]["static"]
    assert seal == {"current_key_id": "2", "current_key": "file:///run/secrets/k"}


def test_the_audit_device_has_a_description_or_it_would_not_be_read() -> None:
    assert config()["audit"][0]["file"]["file"]["description"]


def test_equal_rules_give_equal_policies() -> None:
    first = store_config.policy_text({"b": ["read"], "a": ["list"]})
    assert first == store_config.policy_text({"a": ["list"], "b": ["read"]})
    assert first != store_config.policy_text({"a": ["list"], "b": ["update"]})
