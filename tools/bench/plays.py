"""Runs playbooks and reads what they say."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Tasks that run no module anywhere: pure functions and messages of the controller's own process.
_NO_MODULE = re.compile(r"Validating arguments|Validate the network model|Show |Refuse to |Fail when|Report ")


@dataclass(frozen=True)
class Play:
    """One run of a playbook.

    :param seconds: from start to end
    :param cpu: seconds of processor time, of Ansible and of everything that it ran on this machine
    """

    code: int
    seconds: float
    cpu: float
    output: str


def attempt(inventory: Path, playbook: str, options: Sequence[str] = ()) -> Play:
    """Run a playbook, to whatever end."""
    env = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_roles"}
    before, begun = _children(), time.monotonic()
    command = ["ansible-playbook", "-i", str(inventory), playbook, *options]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    seconds, cpu = time.monotonic() - begun, _children() - before
    print(f"{seconds:7.1f} s  {playbook}", file=sys.stderr, flush=True)
    return Play(done.returncode, seconds, cpu, done.stdout + done.stderr)


def play(inventory: Path, playbook: str, options: Sequence[str] = ()) -> Play:
    """Run a playbook that must succeed."""
    done = attempt(inventory, playbook, options)
    if done.code:
        print(_why(done.output), file=sys.stderr)
        raise SystemExit(f"{playbook} failed")
    return done


def _why(output: str) -> str:
    """The first failure of a run, and its end."""
    start = output.find("[ERROR]")
    return (output[start : start + 2000] + "\n...\n" if start >= 0 else "") + output[-3000:]


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def count_modules(output: str) -> Counter[str]:
    """Modules executed by host; delegated tasks count for the controller."""
    counts: Counter[str] = Counter()
    task = ""
    for line in output.splitlines():
        if found := re.match(r"(?:TASK|RUNNING HANDLER) \[(?:[\w.]+ : )?(.*?)\] \*", line):
            task = found[1]
        elif (found := re.match(r"(?:ok|changed): \[(\S+?)(?: -> (\S+))?\]", line)) and not _NO_MODULE.match(
            task
        ):
            counts["controller" if found[2] else found[1]] += 1
    return counts


def count_tasks(output: str) -> Counter[str]:
    """Tasks by host, run or skipped, here or there."""
    return Counter(re.findall(r"^(?:ok|changed|skipping): \[([^\s\]]+)", output, flags=re.MULTILINE))


def changed_tasks(output: str) -> int:
    """Tasks that changed something, on all hosts."""
    return sum(int(number) for number in re.findall(r"changed=(\d+)", output))


def stages(output: str) -> list[tuple[str, float]]:
    """Seconds by role, longest first, as the profile_roles callback prints them."""
    found = re.findall(r"^(?:selvedge\.fabric\.)?([\w.]+) -+ ([\d.]+)s$", output, flags=re.MULTILINE)
    return [(name, float(seconds)) for name, seconds in found if name != "total"]
