"""Whether a run has ended, by what a lock says of it, and what a refusal says."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils import runs
from ansible_collections.selvedge.fabric.plugins.module_utils.runs import (
    booted,
    controller_id,
    holder_of,
    installation,
    is_dead,
    machine,
    numbering,
    refusal,
    start_of,
)


@pytest.fixture(autouse=True)
def identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This machine's id and its number, for the test alone."""
    path = tmp_path / "machine-id"
    path.write_text("3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    monkeypatch.setattr(runs, "MACHINE_ID", path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return path


def before_the_boot(**changed: Any) -> dict[str, Any]:
    """What a run on this machine wrote a minute before its last boot, under a number that is a process's again."""
    name, _unused, boot = controller_id().partition(" ")
    record = holder_of(os.getpid(), "site")
    return {
        **record,
        "controller": f"{name} {boot[::-1]}",
        "numbering": "pid:[1]",  # numbers of namespaces begin anew, too
        "taken": f"{booted() - 60:.3f}",
        **changed,
    }


def test_a_process_that_runs_is_not_dead() -> None:
    assert not is_dead(holder_of(os.getpid(), "site"))


def test_a_process_that_ended_is_dead_even_before_its_parent_noticed() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    record = holder_of(process.pid, "site")
    assert not is_dead(record)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(record)  # a zombie
    process.wait()
    assert is_dead(record)
    assert start_of(process.pid) == ""


def test_another_process_of_the_same_number_does_not_count() -> None:
    assert is_dead({**holder_of(os.getpid(), "site"), "started": "1"})


def test_a_run_on_another_machine_is_never_known_to_be_dead() -> None:
    record = before_the_boot(controller="elsewhere 1", machine="another")
    assert not is_dead({**record, "started": "1"})


def test_what_ran_before_this_machine_was_booted_is_dead() -> None:
    assert is_dead(before_the_boot())


def test_a_twin_that_took_its_lock_after_this_boot_lives() -> None:
    """Another machine with the same name, id and number; this one was at work by then, in this boot."""
    assert not is_dead(before_the_boot(taken=f"{booted() + 1:.3f}"))


@pytest.mark.parametrize("content", [None, "", "\n", "uninitialized\n"])
def test_a_machine_without_an_id_never_knows_that_it_was_booted(identity: Path, content: str | None) -> None:
    if content is None:
        identity.unlink()
    else:
        identity.write_text(content)
    assert machine() == ""
    assert not is_dead(before_the_boot())
    # Of this boot it knows as ever.
    assert is_dead({**holder_of(os.getpid(), "site"), "started": "1"})


def test_what_one_image_gives_to_many_machines_is_no_identity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same name, same machine id, and each has made up a number of its own."""
    record = before_the_boot()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "twin"))
    assert machine() != record["machine"]
    assert not is_dead(record)


def test_what_one_home_gives_to_many_machines_is_no_identity(
    identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, own = before_the_boot(), machine()
    with monkeypatch.context() as named:
        named.setattr(socket, "gethostname", lambda: "other")
        assert machine() not in ("", own)
        assert not is_dead(record)
    assert is_dead(record)
    identity.write_text("00000000000000000000000000000001\n")
    assert not is_dead(record)


def test_the_identity_stays_and_gives_no_machine_id_away(identity: Path) -> None:
    assert machine() == machine() != ""
    assert identity.read_text().strip() not in str(holder_of(os.getpid(), "site"))


def test_workers_that_come_first_together_agree_on_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, make = Barrier(8, timeout=30), secrets.token_hex

    def token(size: int) -> str:
        together.wait()
        return make(size)

    monkeypatch.setattr(secrets, "token_hex", token)
    with ThreadPoolExecutor(8) as pool:
        numbers = set(pool.map(lambda _unused: installation(), range(8)))
    assert numbers == {installation()}
    assert len(numbers.pop()) == 32
    assert [item.name for item in (tmp_path / "state" / "selvedge").iterdir()] == ["installation"]


def test_without_a_place_to_keep_a_number_a_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert holder_of(os.getpid(), "site")["machine"] == ""
    assert not is_dead(before_the_boot())


def test_a_process_of_another_container_on_this_kernel_is_not_looked_for() -> None:
    assert numbering().startswith("pid:[")
    assert not is_dead({**holder_of(os.getpid(), "site"), "started": "1", "numbering": "pid:[1]"})


def test_locks_of_older_versions_are_judged_by_what_they_say() -> None:
    new = ("machine", "numbering", "taken")
    former = {key: value for key, value in holder_of(os.getpid(), "site").items() if key not in new}
    assert not is_dead(former)
    assert is_dead({**former, "started": "1"})
    assert not is_dead({**former, "controller": before_the_boot()["controller"]})


@pytest.mark.parametrize("wrong", [{"taken": ""}, {"taken": "today"}, {"taken": None}, {"machine": None}])
def test_a_record_that_is_not_understood_is_no_proof(wrong: dict[str, Any]) -> None:
    assert not is_dead(before_the_boot(**wrong))
    assert not is_dead({"run": "x"})
    own = holder_of(os.getpid(), "site")
    assert not is_dead({**own, "process": "../self"})
    assert not is_dead({key: value for key, value in own.items() if key != "started"})


def test_the_refusal_names_the_run_and_the_way_out() -> None:
    other = {**holder_of(4711, "Bring the network to the model"), "user": "ann", "run": "box-4711-9"}
    other["controller"] = "box 5a1c"
    assert refusal(other, "/x/run.lock") == (
        "another run is at work here (/x/run.lock): 'Bring the network to the model' by ann on box, process 4711. "
        "Next: wait until it ends. If you know that it is gone, run again with -e selvedge_break_lock=box-4711-9"
    )
