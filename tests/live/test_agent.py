"""The real agent renders what Selvedge configures."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric import x509
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao_admin import Host
from ansible_collections.selvedge.fabric.tests.live.stores import (
    LiveAgent,
    LiveStore,
    eventually,
    running_store,
)

_PEM = x509.make_root("a", "b", 1).key_pem


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStore]:
    with running_store(tmp_path_factory.mktemp("store")) as live:
        paths = ["org1/nodes/p0", "org1/nodes/late"]
        live.configure(["org1"], [Host("host1", "host1", paths, ["127.0.0.0/8"])])
        live.open().write("org1/nodes/p0", {"key": _PEM, "cert": "one"})
        yield live


@pytest.fixture
def agent(tmp_path: Path, store: LiveStore) -> Iterator[LiveAgent]:
    live = LiveAgent(tmp_path, store, "host1", [])
    yield live
    live.stop()


def template(folder: Path, name: str, field: str, secret: str = "nodes/p0", **more: Any) -> dict[str, Any]:
    contents = '{{ with secret "org1/data/' + secret + '" }}{{ .Data.data.' + field + " }}{{ end }}"
    return {"dest": str(folder / "out" / name), "contents": contents, "perms": "0400", **more}


def test_renders_a_key_exactly_and_at_once(agent: LiveAgent) -> None:
    agent.configure([template(agent.folder, "key", "key")])
    begin = time.monotonic()
    agent.start()
    key = agent.folder / "out" / "key"
    eventually(key.exists)
    taken = time.monotonic() - begin
    assert key.read_text() == _PEM
    assert stat.S_IMODE(key.stat().st_mode) == 0o400
    print(f"rendered {taken:.2f} s after the agent's start")
    assert taken < 10, "measured 0.2 s on an idle machine; this only notices an agent that waits for a poll"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_gives_files_to_the_service_user(agent: LiveAgent) -> None:
    agent.configure([template(agent.folder, "key", "key", user="10001", group="10001")])
    agent.start()
    key = agent.folder / "out" / "key"
    eventually(key.exists)
    eventually(lambda: (key.stat().st_uid, key.stat().st_gid) == (10001, 10001))


def test_starts_a_second_time_with_the_same_secret_id(agent: LiveAgent) -> None:
    agent.configure([template(agent.folder, "key", "key")])
    key = agent.folder / "out" / "key"
    for _unused in range(2):
        agent.start()
        eventually(key.exists)
        agent.stop()
        key.unlink()
    assert (agent.folder / "secret_id").exists()


def test_a_secret_that_comes_later_holds_up_no_other(agent: LiveAgent, store: LiveStore) -> None:
    agent.configure(
        [template(agent.folder, "late", "key", "nodes/late"), template(agent.folder, "key", "key")]
    )
    agent.start()
    late, key = agent.folder / "out" / "late", agent.folder / "out" / "key"
    eventually(key.exists)
    time.sleep(2)
    assert not late.exists()
    assert "template server error" not in agent.process.log, "it must not give up and start over"
    begin = time.monotonic()
    store.open().write("org1/nodes/late", {"key": _PEM})
    eventually(late.exists, 5)
    print(f"rendered {time.monotonic() - begin:.2f} s after the secret was written")
    assert late.read_text() == _PEM


def test_a_changed_secret_is_rendered_anew_without_a_copy_of_the_old(
    agent: LiveAgent, store: LiveStore
) -> None:
    agent.configure([template(agent.folder, "cert", "cert")], poll_s=1)
    agent.start()
    cert = agent.folder / "out" / "cert"
    eventually(cert.exists)
    value = str(time.time())
    store.open().write("org1/nodes/p0", {"key": _PEM, "cert": value})
    eventually(lambda: cert.read_text() == value, 5)
    assert [path.name for path in cert.parent.iterdir()] == ["cert"]


def test_a_missing_field_is_no_file_and_heals(agent: LiveAgent, store: LiveStore) -> None:
    agent.configure([template(agent.folder, "none", "nothing"), template(agent.folder, "key", "key")])
    agent.start()
    eventually(lambda: "nothing" in agent.process.log)
    time.sleep(1)
    assert not (agent.folder / "out").exists(), "such a template also stops those after it"
    store.open().write("org1/nodes/p0", {"key": _PEM, "nothing": "something"})
    eventually((agent.folder / "out" / "key").exists, 5)
    assert (agent.folder / "out" / "none").read_text() == "something"


def test_no_secret_is_logged(agent: LiveAgent) -> None:
    agent.configure([template(agent.folder, "key", "key")])
    agent.start()
    eventually((agent.folder / "out" / "key").exists)
    agent.stop()
    assert "rendered" in agent.process.log
    assert _PEM.splitlines()[1] not in agent.process.log
    assert (agent.folder / "secret_id").read_text() not in agent.process.log
