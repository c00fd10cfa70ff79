from __future__ import annotations

from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.agent_config import agent_config


def config(template: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    templates = [{"dest": "/run/x", "contents": "text", "perms": "0400", **(template or {})}]
    return agent_config("https://store:8200", "/ca", "/role", "/secret", templates, **more)


def test_the_secret_id_stays_for_the_next_start() -> None:
    (method,) = config()["auto_auth"]["method"]
    assert method["config"]["remove_secret_id_file_after_reading"] is False


def test_it_never_gives_up_and_never_waits_long() -> None:
    made = config(retry_max_s=3, poll_s=30)
    assert made["vault"]["retry"]["num_retries"] > 1000
    assert made["template_config"]["exit_on_retry_failure"] is False
    assert made["auto_auth"]["method"][0]["max_backoff"] == "3s"
    assert made["template_config"]["static_secret_render_interval"] == "30s"


def test_a_file_has_its_owner_and_no_copy_of_the_former() -> None:
    (template,) = config({"user": "10001", "group": ""})["template"]
    assert template["user"] == "10001" and "group" not in template
    assert (template["perms"], template["backup"], template["error_on_missing_key"]) == ("0400", False, True)


def test_a_server_name_is_only_given_where_there_is_one() -> None:
    assert "tls_server_name" not in config()["vault"]
    assert config(server_name="store.lab")["vault"]["tls_server_name"] == "store.lab"
