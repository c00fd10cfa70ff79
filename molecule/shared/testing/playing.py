"""Run a playbook as an operator does, on a scenario's inventory."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def play(inventory: Path, playbook: str, *options: str, fails: bool = False) -> str:
    """Run ``playbook`` (from the checkout) and return its output; its exit code has to be as expected."""
    env = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_VERBOSITY": "0",
    }
    command = ["ansible-playbook", "-i", str(inventory), playbook, *options]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert bool(done.returncode) is fails, said[-6000:]
    return said


def changed_of(output: str) -> dict[str, int]:
    """Number of changed tasks by host, out of a playbook's output."""
    found = re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", output, flags=re.MULTILINE)
    assert found, output[-6000:]
    return {host: int(changed) for host, changed in found}
