from __future__ import annotations

import json

from ansible_collections.selvedge.fabric.plugins.module_utils.model import ca_config


def test_only_the_main_file_and_the_keys_hold_secrets() -> None:
    files = ca_config.server_config()
    with_placeholder = {name for name, text in files.items() if "{{" in text}
    assert with_placeholder == {ca_config.MAIN_FILE, *ca_config.SECRET_FILES}
    assert files["tls_key"] == "{{ .Data.data.tls_key }}"
    assert files[ca_config.MAIN_FILE].count("{{") == 1


def test_the_template_around_a_file_ends_where_it_should() -> None:
    # JSON closes with many braces; two of them before the agent's own would end an action.
    text = ca_config.server_config()[ca_config.MAIN_FILE]
    assert "}}" not in text.replace("bootstrap_password }}", "")


def test_the_two_authorities_share_their_identities_and_nothing_else() -> None:
    files = ca_config.server_config(secrets_dir="/s", home="/h", data_dir="/d")
    main, second = (json.loads(files[name]) for name in (ca_config.MAIN_FILE, ca_config.TLS_FILE))
    assert main["cafiles"] == ["/h/tls/fabric-ca-server-config.yaml"]
    assert (main["ca"]["name"], second["ca"]["name"]) == ("enrollment", "tls")
    assert not set(main["ca"].values()) & set(second["ca"].values())
    assert main["db"] == second["db"] == {"type": "sqlite3", "datasource": "/d/fabric-ca.db"}
    assert "registry" not in second, "the registrar is taken over from the main file"


def test_no_authority_signs_another_and_none_locks_out() -> None:
    for name in (ca_config.MAIN_FILE, ca_config.TLS_FILE):
        config = json.loads(ca_config.server_config(node_expiry_h=24)[name])
        assert "ca" not in config["signing"]["profiles"]
        assert config["signing"]["default"]["expiry"] == "24h"
        assert config["cfg"]["identities"]["passwordattempts"] == 0


def test_operations_want_a_client_certificate() -> None:
    tls = json.loads(ca_config.server_config()[ca_config.MAIN_FILE])["operations"]["tls"]
    assert tls["clientcertrequired"] is True
    assert tls["clientcacertfiles"] == ["/run/secrets/tls_cert"]
