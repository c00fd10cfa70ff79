"""The OpenBao agent's configuration: it logs in as its host and renders secrets to tmpfs.

A template is rendered as soon as its own secrets exist, the others wait. A secret that does not exist yet is
asked for again after 0.2, 0.4, 0.8 ... seconds, at most ``retry_max_s`` apart, without end. A field that is
missing in a secret that exists is an error: it stops the templates after it as well, until it is there.

Source: OpenBao 2.4, website/content/docs/agent-and-proxy/agent, command/agent/template/template.go and
command/agent/internal/ctmanager/runner_config.go; tried in tests/live/test_agent.py.
"""

from __future__ import annotations

from typing import Any

# The agent's default of 12 attempts ends in a restart of the whole renderer after up to five minutes.
_WITHOUT_END = 1_000_000


def agent_config(
    store_url: str,
    ca_file: str,
    role_id_file: str,
    secret_id_file: str,
    templates: list[dict[str, Any]],
    *,
    server_name: str = "",
    poll_s: int = 60,
    retry_max_s: int = 5,
) -> dict[str, Any]:
    """Return the agent's configuration, to be written as JSON (``bao agent -config=FILE``). No secret in it.

    :param store_url: ``https://host:8200``
    :param ca_file: CA of the store's certificate
    :param role_id_file: file with the host's role id; not a secret, but the agent takes it only from a file
    :param secret_id_file: file with the host's secret id, read at every start and never removed
    :param templates: each ``dest`` (path), ``contents`` (template text), ``perms`` (``"0400"``), ``user``,
        ``group`` (names or numbers as strings; empty means the agent's own)
    :param server_name: the name in the store's certificate, where it differs from the URL's
    :param poll_s: how often a changed secret is looked for, in seconds
    :param retry_max_s: longest pause between attempts for what does not exist or answer yet, in seconds
    """
    store: dict[str, Any] = {
        "address": store_url,
        "ca_cert": ca_file,
        "retry": {"num_retries": _WITHOUT_END},
    }
    if server_name:
        store["tls_server_name"] = server_name
    return {
        "vault": store,
        "log_format": "json",
        "auto_auth": {
            "method": [
                {
                    "type": "approle",
                    # These two also set the pauses between attempts at a template.
                    "min_backoff": "200ms",
                    "max_backoff": f"{retry_max_s}s",
                    "config": {
                        "role_id_file_path": role_id_file,
                        "secret_id_file_path": secret_id_file,
                        # Otherwise the second start finds none and fails, and systemd still shows it active.
                        "remove_secret_id_file_after_reading": False,
                    },
                }
            ]
        },
        "template_config": {
            "static_secret_render_interval": f"{poll_s}s",
            "exit_on_retry_failure": False,
        },
        "template": [_template(template) for template in templates],
    }


def _template(template: dict[str, Any]) -> dict[str, Any]:
    owner = {key: template[key] for key in ("user", "group") if template.get(key)}
    return {
        "destination": template["dest"],
        "contents": template["contents"],
        "perms": template["perms"],
        # A field that is not there must not become the text "<no value>" in a key file.
        "error_on_missing_key": True,
        # The former file would stay beside the new one as <name>.bak.
        "backup": False,
        **owner,
    }
