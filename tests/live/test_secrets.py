"""The store that Selvedge configures, and what the modules make of it, on a real OpenBao."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hvac
import pytest
import requests
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import x509
from ansible_collections.selvedge.fabric.plugins.module_utils.model.store_config import policy_text
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.bundle import holds
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao_admin import Admin
from ansible_collections.selvedge.fabric.plugins.modules import (
    client_bundle,
    generated_secret,
    host_credential,
    secret,
    store_config,
)
from ansible_collections.selvedge.fabric.tests.live.stores import (
    ADDRESS,
    REPOSITORY,
    LiveStore,
    eventually,
    free_port,
    running_store,
)
from ansible_collections.selvedge.fabric.tests.unit.plugins.modules.run import ModuleRunner
from requests.adapters import HTTPAdapter

_PEM = x509.make_root("a", "b", 1).key_pem


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStore]:
    with running_store(tmp_path_factory.mktemp("store")) as live:
        live.configure(["org1"], [])
        yield live


def model(store: LiveStore, *hosts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Arguments of the module store_config."""
    options = {"mounts": [{"path": "org1"}], "hosts": list(hosts), "token_period": 600, "purge": False}
    return {**options, "new_services": [], "store": store.option, **more}


def host(name: str, *paths: str, cidrs: tuple[str, ...] = (ADDRESS,)) -> dict[str, Any]:
    return {"name": name, "role_id": f"{name}-role", "paths": list(paths), "cidrs": list(cidrs)}


def log_in(store: LiveStore, role_id: str, secret_id: str, source: str = ADDRESS) -> hvac.Client:
    """A client with a host's token, coming from ``source``."""

    class From(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, source_address=(source, 0), **kwargs)

    session = requests.Session()
    session.verify = str(store.folder / "ca")
    session.mount("https://", From())
    client = hvac.Client(url=store.url, session=session)
    client.token = None
    client.auth.approle.login(role_id, secret_id)
    return client


def kv(client: hvac.Client, name: str) -> Any:
    return client.secrets.kv.v2.read_secret_version(name, mount_point="org1", raise_on_deleted_version=True)


def test_it_initialises_itself_and_the_controller_gets_in(tmp_path: Path) -> None:
    begin = time.monotonic()
    with running_store(tmp_path) as fresh:
        assert fresh.open().list("org1") == []
        print(f"usable {time.monotonic() - begin:.1f} s after its first start")
        begin = time.monotonic()
        fresh.stop()
        fresh.start()
        assert fresh.open().list("org1") == []
        print(f"usable {time.monotonic() - begin:.1f} s after its second start")


def test_it_unseals_itself_after_a_restart(store: LiveStore) -> None:
    store.open().write("org1/kept", {"key": _PEM})
    store.stop()
    store.start()
    assert store.open().read("org1/kept") == {"key": _PEM}


def test_it_stays_closed_with_another_seal_key(tmp_path: Path) -> None:
    with running_store(tmp_path) as fresh:
        fresh.open().list("org1")
        fresh.stop()
        (tmp_path / "seal_key").write_bytes(os.urandom(32))
        fresh.start()
        with pytest.raises(SecretsError):
            fresh.open(timeout=2).list("org1")


def test_no_root_token_is_left(store: LiveStore) -> None:
    # Only a policy made for it may look at tokens; the controller can make one, being an administrator.
    rules = {"auth/token/accessors": ["list", "sudo"], "auth/token/lookup-accessor": ["update"]}
    admin = store.open()
    write = {"policy": policy_text(rules)}
    admin.call("w", "", lambda client: client.write_data("sys/policies/acl/probe", data=write))
    role = admin.call("r", "", lambda client: client.read("auth/cert/certs/controller"))["data"]
    role = {key: role[key] for key in ("certificate", "allowed_common_names")}
    for name, kind in (("probe", "service"), ("probe-batch", "batch")):
        data = {**role, "token_policies": "probe", "token_type": kind}
        path = f"auth/cert/certs/{name}"
        admin.call("w", "", lambda client, path=path, data=data: client.write_data(path, data=data))
    probe = store.open(role="probe")

    def policies(accessor: str) -> list[str]:
        data = {"accessor": accessor}
        path = "auth/token/lookup-accessor"
        found = probe.call("l", "", lambda client: client.write_data(path, data=data))
        return list(found["data"]["policies"])

    accessors = probe.call("l", "", lambda client: client.list("auth/token/accessors"))["data"]["keys"]
    held = [policies(accessor) for accessor in accessors]
    assert ["default", "probe"] in held, "the probe itself must be among them, or this test sees nothing"
    assert not [names for names in held if "root" in names]
    assert "s.token" not in store.process.log and "Root Token" not in store.process.log
    for name in ("probe", "probe-batch"):
        admin.call("d", "", lambda client, name=name: client.delete(f"auth/cert/certs/{name}"))


def test_another_certificate_of_the_same_authority_does_not_get_in(store: LiveStore) -> None:
    intruder = store.open(
        cert_file=str(store.folder / "server_cert"), key_file=str(store.folder / "server_key"), timeout=2
    )
    with pytest.raises(SecretsError, match=r"logging in.* Next: the folder \.state must be"):
        intruder.list("org1")


def test_a_server_with_another_name_is_not_trusted(store: LiveStore) -> None:
    begin = time.monotonic()
    with pytest.raises(SecretsError, match="server_name"):
        store.open(server_name="elsewhere.lab").list("org1")
    assert time.monotonic() - begin < 2, "waiting does not make a certificate right"


def test_waiting_for_an_absent_store_is_bounded(store: LiveStore) -> None:
    begin = time.monotonic()
    with pytest.raises(SecretsError, match=r"preflight\.yml tells .* start\.yml starts it"):
        store.open(url=f"https://{ADDRESS}:{free_port()}", timeout=1).list("org1")
    assert 1 <= time.monotonic() - begin < 3


def test_secrets_are_kept_exactly(store: LiveStore) -> None:
    backend = store.open()
    assert backend.read("org1/a/b") is None
    assert backend.write("org1/a/b", {"key": _PEM, "other": "ü \n x"}) == 1
    assert backend.write("org1/a/b", {"key": _PEM}) == 2
    found = backend.get("org1/a/b")
    assert found and (found.fields, found.version) == ({"key": _PEM}, 2)
    assert backend.list("org1/a") == ["b"]
    assert "PRIVATE" not in repr(found)
    backend.delete("org1/a/b")
    assert backend.get_many(["org1/a/b", "org1/kept?"]) == {"org1/a/b": None, "org1/kept?": None}


def test_only_one_of_two_writers_creates(store: LiveStore) -> None:
    backend = store.open()
    backend.write("org1/once", {"a": "1"}, expected_version=0)
    with pytest.raises(
        SecretsError, match="check-and-set.* Next: somebody else has written it meanwhile: run again"
    ):
        backend.write("org1/once", {"a": "2"}, expected_version=0)
    assert backend.read("org1/once") == {"a": "1"}


def test_values_are_not_in_the_audit_log_or_on_disk(store: LiveStore) -> None:
    value = "4f1c9d-very-special"
    store.open().write("org1/audited", {"field": value})
    assert store.open().read("org1/audited") == {"field": value}
    log = store.audit_file.read_text()
    assert "org1/data/audited" in log
    assert value not in log
    assert not [
        path for path in store.folder.rglob("*") if path.is_file() and value.encode() in path.read_bytes()
    ]


def test_store_config_check_run_run_check(store: LiveStore) -> None:
    arguments = model(store, host("h1", "org1/nodes/p1"), mounts=[{"path": "org1"}, {"path": "org9"}])
    planned = store_config.ensure(arguments, check_mode=True)
    assert planned["changed"]
    assert {"mount org9", "policy host-h1", "role h1", "policy org9-admin"} <= set(planned["changes"])
    assert store_config.ensure(arguments, check_mode=True) == planned, "check mode changed something"
    assert store_config.ensure(arguments, check_mode=False)["changes"] == planned["changes"]
    for check_mode in (False, True):
        assert store_config.ensure(arguments, check_mode=check_mode)["changes"] == []


def test_store_config_of_a_store_that_a_run_creates_first(store: LiveStore) -> None:
    """Check mode asks nobody then: everything is missing. A run asks all the same."""
    arguments = model(store, host("h8", "org1/x"), new_services=["store"])
    store_config.ensure(arguments, check_mode=False)
    assert store_config.ensure(arguments, check_mode=False)["changes"] == []
    assert {"mount org1", "policy host-h8", "role h8"} <= set(store_config.ensure(arguments, True)["changes"])


def test_store_config_changes_only_what_differs_and_purges_when_told(store: LiveStore) -> None:
    hosts = [host("h2", "org1/nodes/p2"), host("h3", "org1/nodes/p3")]
    store_config.ensure(model(store, *hosts, purge=True), check_mode=False)
    moved = [host("h2", "org1/nodes/p2", cidrs=("192.0.2.0/28", ADDRESS)), hosts[1]]
    assert store_config.ensure(model(store, *moved, purge=True), False)["changes"] == ["role h2"]
    assert store_config.ensure(model(store, *moved, purge=True), False)["changes"] == []
    assert store_config.ensure(model(store, moved[0]), False)["changes"] == []
    removed = store_config.ensure(model(store, moved[0], purge=True), False)
    assert removed["changes"] == ["role h3", "policy host-h3"]
    assert store_config.ensure(model(store, moved[0], purge=True), False)["changes"] == []


def test_a_host_reads_its_own_secrets_and_nothing_else(store: LiveStore) -> None:
    backend = store.open()
    backend.write("org1/nodes/own", {"a": "1"})
    backend.write("org1/nodes/own2", {"a": "2"})
    store_config.ensure(model(store, host("h4", "org1/nodes/own")), check_mode=False)
    secret_id, _unused = Admin(backend).issue_secret_id("h4")
    client = log_in(store, "h4-role", secret_id)
    assert kv(client, "nodes/own")["data"]["data"] == {"a": "1"}
    client.auth.token.renew_self()
    for request in (
        lambda: kv(client, "nodes/own2"),
        lambda: client.secrets.kv.v2.list_secrets("nodes", mount_point="org1"),
        lambda: client.secrets.kv.v2.create_or_update_secret("nodes/own", {"a": "3"}, mount_point="org1"),
        lambda: client.secrets.kv.v2.read_secret_metadata("nodes/own", mount_point="org1"),
        lambda: client.write_data("cubbyhole/x", data={"a": "b"}),
    ):
        with pytest.raises(hvac.exceptions.Forbidden):
            request()


def test_a_host_gets_in_only_from_its_address(store: LiveStore) -> None:
    store_config.ensure(model(store, host("h5", "org1/nodes/own")), check_mode=False)
    secret_id, _unused = Admin(store.open()).issue_secret_id("h5")
    with pytest.raises(hvac.exceptions.VaultError):
        log_in(store, "h5-role", secret_id, source="127.0.20.2")
    token = log_in(store, "h5-role", secret_id).token
    elsewhere = requests.get(f"{store.url}/v1/auth/token/lookup-self", headers={"X-Vault-Token": token},
                             verify=str(store.folder / "ca"), timeout=5)  # fmt: skip
    assert elsewhere.status_code == 403, "the connection's own address is 127.0.0.1, which is not bound"


def test_only_the_newest_credential_is_valid(store: LiveStore) -> None:
    store_config.ensure(model(store, host("h6", "org1/x"), host("h7", "org1/x")), check_mode=False)

    def issue(**more: Any) -> dict[str, Any]:
        return host_credential.issue(
            {"hosts": ["h6", "h7"], "store": store.option, "revoke_older": True, **more}
        )

    first, second = issue()["secret_ids"], issue(revoke_older=False)["secret_ids"]
    for secret_ids in (first, second):
        log_in(store, "h6-role", secret_ids["h6"])
    third = issue()
    assert third["revoked"] == {"h6": 2, "h7": 2}
    log_in(store, "h7-role", third["secret_ids"]["h7"])
    for secret_ids in (first, second):
        with pytest.raises(hvac.exceptions.VaultError):
            log_in(store, "h6-role", secret_ids["h6"])


def test_a_credential_for_an_unknown_host_names_it(store: LiveStore) -> None:
    with pytest.raises(SecretsError, match="no AppRole 'nobody'"):
        host_credential.issue({"hosts": ["nobody"], "store": store.option, "revoke_older": True})


def test_the_secret_module_check_run_run_check(store: LiveStore) -> None:
    backend, fields = store.open(), {"a": "value-a", "b": "value-b"}
    planned = secret.ensure(backend, "org1/m", fields, check_mode=True)
    assert planned["changed"] and backend.read("org1/m") is None
    assert secret.ensure(backend, "org1/m", fields, check_mode=False)["version"] == 1
    assert not secret.ensure(backend, "org1/m", fields, check_mode=False)["changed"]
    changed = secret.ensure(backend, "org1/m", {"a": "value-a", "b": "value-c"}, check_mode=False)
    assert changed["fields"] == {"a": "unchanged", "b": "changed"}
    assert "value-" not in json.dumps(changed)
    assert secret.ensure(backend, "org1/m", None, check_mode=True)["changed"]
    assert backend.read("org1/m")
    assert secret.ensure(backend, "org1/m", None, check_mode=False)["changed"]
    assert not secret.ensure(backend, "org1/m", None, check_mode=False)["changed"]


def test_a_generated_secret_is_made_once_and_never_again(store: LiveStore) -> None:
    backend = store.open()
    wanted = [{"path": "org1/users/grafana", "fields": ["admin_password", "secret_key"]}]
    planned = generated_secret.ensure(backend, wanted, check_mode=True)
    assert planned["changed_secrets"] == ["org1/users/grafana"]
    assert backend.read("org1/users/grafana") is None
    made = generated_secret.ensure(backend, wanted, check_mode=False)
    first = backend.read("org1/users/grafana") or {}
    assert set(first) == {"admin_password", "secret_key"}
    assert len(set(first.values())) == 2 and all(len(value) == 43 for value in first.values())
    assert not any(value in json.dumps([planned, made]) for value in first.values())
    again = generated_secret.ensure(backend, wanted, check_mode=False)
    assert again == {"changed": False, "changed_secrets": [], "diff": {"before": {}, "after": {}}}
    # What a later release wants as well is added to what is there.
    wanted[0]["fields"] = [*wanted[0]["fields"], "metrics_password"]
    added = generated_secret.ensure(backend, wanted, check_mode=False)
    assert added["diff"]["before"]["org1/users/grafana"] == dict.fromkeys(sorted(first), "present")
    second = backend.read("org1/users/grafana") or {}
    assert {name: second[name] for name in first} == first and second["metrics_password"]


_PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - selvedge.fabric.secret:
        path: org1/play
        fields: {first: "%(value)s", second: two-two}
        store: "{{ store }}"
    - selvedge.fabric.secret_info: {paths: [org1/play], folders: [org1], store: "{{ store }}"}
    - ansible.builtin.assert:
        that: lookup('selvedge.fabric.secret', 'org1/play', field='first', store=store) | length == 21
"""


def test_through_ansible_no_value_is_shown(store: LiveStore, tmp_path: Path) -> None:
    value = "9c7-quite-conspicuous"
    (tmp_path / "play.yml").write_text(_PLAY % {"value": value})
    variables = {"store": store.option, "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    run = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", "-c", "local", "--diff", "-vvv", tmp_path / "play.yml"]
        + ["-e", json.dumps(variables)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert "first: added" in run.stdout
    assert value not in run.stdout + run.stderr
    assert store.open().read("org1/play") == {"first": value, "second": "two-two"}


def test_a_login_lasts_for_all_requests_of_a_run(store: LiveStore) -> None:
    before = store.audit_file.read_text().count('"path":"auth/cert/login"')
    backend = store.open()
    backend.get_many([f"org1/none{number}" for number in range(20)])

    def logins() -> int:
        return store.audit_file.read_text().count('"path":"auth/cert/login"') - before

    assert eventually(logins) == 2, "one request and one response"


def test_a_run_that_outlives_its_token_goes_on(store: LiveStore) -> None:
    admin = store.open()
    role = admin.call("r", "", lambda client: client.read("auth/cert/certs/controller"))["data"]
    kept = {key: role[key] for key in ("certificate", "allowed_common_names", "token_policies")}
    path = "auth/cert/certs/brief"
    # The store cuts the time of a token's birth to a whole second: a fifth of its life must be more than that.
    brief = {**kept, "token_type": "batch", "token_ttl": 6}
    admin.call("w", "", lambda client: client.write_data(path, data=brief))
    backend = store.open(role="brief")
    assert backend.get("org1/none") is None
    token = backend.call("t", "", lambda client: client.token)

    def lapsed() -> bool:
        answer = requests.get(
            f"{store.url}/v1/org1/data/none", headers={"X-Vault-Token": token}, verify=admin._client.session.verify,
            cert=admin._client.session.cert, timeout=5)  # fmt: skip
        return answer.status_code == 403

    assert eventually(lapsed)
    assert backend.get("org1/none") is None
    admin.call("d", "", lambda client: client.delete(path))


def test_a_browsers_bundle_check_run_run(
    store: LiveStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The client of the store, in a file that the passphrase opens; a new certificate makes a new file."""
    client, runner = store.open(), ModuleRunner(capsys)

    def enrol() -> dict[str, str]:
        root = x509.make_root("tlsca.org1", "org1", 10)
        pair = x509.issue_server(root, "monitor.org1", "org1", ["monitor.org1"], 10)
        fields = {"tls_cert": pair.cert_pem, "tls_key": pair.key_pem, "tls_ca_cert": root.cert_pem}
        client.write("org1/nodes/monitor.org1", fields)
        return fields

    fields, path = enrol(), tmp_path / "monitor.p12"
    options = {
        "secret": "org1/nodes/monitor.org1",
        "path": str(path),
        "passphrase": "correct horse battery",
        "store": store.option,
    }
    assert runner(client_bundle.main, check=True, **options)["changed"] and not path.exists()
    made = runner(client_bundle.main, **options)
    assert made["changed"] and options["passphrase"] not in str(made)
    assert path.stat().st_mode & 0o777 == 0o600
    assert holds(path.read_bytes(), fields, options["passphrase"])
    assert not runner(client_bundle.main, **options)["changed"]
    enrol()
    assert runner(client_bundle.main, check=True, **options)["changed"]
    for wrong, said in (
        ({"secret": "org1/nodes/nobody"}, "there is no such secret: run site.yml"),
        ({"passphrase": "short"}, "fewer than 12 characters"),
        ({"path": str(tmp_path / "nowhere" / "x.p12")}, "give a path in a folder that is there"),
    ):
        assert said in runner(client_bundle.main, **{**options, **wrong})["msg"]
