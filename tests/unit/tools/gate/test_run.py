"""Commands with a bound: what is ended leaves nothing behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.selvedge.fabric.plugins.module_utils.runs import start_of
from ansible_collections.selvedge.fabric.tools.gate.run import MARK, Interrupt, environment, run

# A child in a session of its own that does not care for SIGTERM, whose parent ends at once.
STUBBORN = (
    "import os, signal, time\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "    open('pid', 'w').write(str(os.getpid()))\n"
    "    time.sleep(60)\n"
    "time.sleep({seconds})\n"
)


def test_output_and_code_of_a_command(tmp_path: Path) -> None:
    log, ticks = tmp_path / "log", list[float]()
    command = ["bash", "-c", "echo out; echo err >&2; sleep 0.3; exit 3"]
    ended = run(command, tmp_path, log, 30, Interrupt(), environment(), ticks.append)
    assert (ended.code, ended.by) == (3, "")
    assert log.read_text() == "out\nerr\n"
    assert ticks and ticks == sorted(ticks)


def test_the_bound_ends_all_of_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STUBBORN.format(seconds=60)]
    begun = time.monotonic()
    ended = run(command, tmp_path, tmp_path / "log", 1, Interrupt(), environment(), grace_s=0.5)
    assert ended.by == "time" and ended.code == -signal.SIGTERM
    assert time.monotonic() - begun < 20
    assert not start_of(int((tmp_path / "pid").read_text()))


def test_an_interrupt_ends_it(tmp_path: Path) -> None:
    interrupt = Interrupt()
    with interrupt.watched():
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        ended = run(["sleep", "60"], tmp_path, tmp_path / "log", 60, interrupt, environment())
    assert ended.by == "interrupt" and interrupt.asked


def test_what_outlives_a_command_does_not_hold_it_up(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STUBBORN.format(seconds=0.3)]
    ended = run(command, tmp_path, tmp_path / "log", 30, Interrupt(), environment())
    pid = int((tmp_path / "pid").read_text())
    assert ended.code == 0 and ended.seconds < 15 and start_of(pid)
    os.kill(pid, signal.SIGKILL)


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    log = tmp_path / "log"
    ended = run(["./nothing"], tmp_path, log, 30, Interrupt(), environment())
    assert ended.code == 127
    assert "./nothing cannot be started: No such file" in log.read_text()


def test_a_job_does_not_inherit_the_call_of_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAKEFLAGS", "JOBS", "CHANGED", "KEPT"):
        monkeypatch.setenv(name, "x")
    found = environment(MORE="y")
    assert not {"MAKEFLAGS", "JOBS", "CHANGED", MARK} & set(found)
    assert (found["KEPT"], found["MORE"], found["NO_COLOR"]) == ("x", "y", "1")
