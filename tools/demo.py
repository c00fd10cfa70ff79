"""`make demo`: a Fabric network on three lab hosts, stage by stage, with elapsed times.

    demo.py up [INVENTORY]       create the lab, deploy, commit a transaction
    demo.py down [INVENTORY]     remove the lab

Each stage is one playbook; its whole output goes to a log below the inventory's .state folder.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Stage:
    """One step of the demo: its title, and the playbook or Python program that does it."""

    title: str
    program: str

    def command(self, inventory: Path) -> list[str]:
        if self.program.endswith(".py"):
            return [sys.executable, self.program, str(inventory)]
        return ["ansible-playbook", "-i", str(inventory), self.program]


UP = (
    Stage("build", "tools/images.py"),
    Stage("lab hosts", "molecule/shared/create.yml"),
    Stage("bootstrap", "playbooks/bootstrap.yml"),
    Stage("images", "playbooks/images.yml"),
    Stage("site", "playbooks/site.yml"),
    Stage("verify", "playbooks/verify.yml"),
    Stage("transaction", "examples/playbooks/transaction.yml"),
)


def run(stage: Stage, inventory: Path, log: Path, started: float) -> tuple[int, str]:
    """Run a stage; print one line a task with the time since the demo began. Return exit code and output."""
    command = stage.command(inventory)
    # Colours and YAML wrapping are for people; the log is for searching.
    env = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}
    lines = []
    with (
        subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
        log.open("w") as file,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            file.write(line)
            if said := headline(stage, line):
                print(f"{time.monotonic() - started:7.1f} s    {said}", flush=True)
    return process.returncode, "".join(lines)


def headline(stage: Stage, line: str) -> str:
    """What of a line of output is worth showing: a task's name, or what a program of ours says."""
    if stage.program.endswith(".py"):
        return line.rstrip()
    task = re.match(r"(?:TASK|RUNNING HANDLER) \[(?:[\w.]+ : )?(.*?)\] \*", line)
    return task[1] if task and not task[1].startswith("Validating arguments") else ""


def message_of(output: str) -> str:
    """The text of the last debug message in a playbook's output."""
    found = re.findall(r"^    msg: \|-\n((?:        .*\n|\n)+)", output, flags=re.MULTILINE)
    return "\n".join(line[8:] for line in found[-1].rstrip().splitlines()) if found else ""


def failure_of(output: str) -> str:
    """What of a failed playbook's output says why."""
    start = output.find("[ERROR]")
    return output[start if start >= 0 else -4000 :]


def up(inventory: Path) -> int:
    """Run all stages; print a summary and the way in."""
    started = time.monotonic()
    kind = "warm" if (ROOT / ".cache" / "images").is_dir() else "cold"
    logs = inventory / ".state" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    took, output = [], ""
    for number, stage in enumerate(UP, 1):
        begun = time.monotonic()
        print(f"{begun - started:7.1f} s  [{number}/{len(UP)}] {stage.title}", flush=True)
        code, output = run(stage, inventory, logs / f"{number}-{stage.title.replace(' ', '-')}.log", started)
        if code:
            print(failure_of(output))
            print(f"stage '{stage.title}' failed; the whole output is in {logs}", file=sys.stderr)
            return code
        took.append((stage.title, time.monotonic() - begun))
    print("\n" + "\n".join(f"{seconds:7.1f} s  {title}" for title, seconds in took))
    elapsed = time.monotonic() - started
    remember(kind, elapsed)
    print(f"{elapsed:7.1f} s  in all, {kind}\n")
    print(message_of(output))
    print(way_in(inventory))
    return 0


def remember(kind: str, seconds: float) -> None:
    """Note how long the last cold run (nothing built) and the last warm one took, for `make bench`."""
    times = ROOT / ".cache" / "demo-times.json"
    known = json.loads(times.read_text()) if times.is_file() else {}
    times.write_text(json.dumps({**known, kind: round(seconds, 1)}))


def way_in(inventory: Path) -> str:
    """Where to look next."""
    shown = inventory.relative_to(ROOT) if inventory.is_relative_to(ROOT) else inventory
    return f"""
The way in:
  . .venv/bin/activate
  ansible-playbook -i {shown} playbooks/verify.yml             the health of everything, in one table
  ansible-playbook -i {shown} examples/playbooks/transaction.yml   another transaction
  ansible -i {shown} host1 -a 'docker ps'                      what runs on a host
  ansible -i {shown} host1 -a 'docker compose -f /etc/selvedge/stacks/ledger/compose.yml logs --tail 20'
  ssh -i {shown}/.state/ssh/id_ed25519 -o UserKnownHostsFile={shown}/.state/ssh/known_hosts -p 2222 root@127.0.10.1
  make demo-clean                                              remove all of it
"""


def down(inventory: Path) -> int:
    """Remove the lab; say what stays elsewhere."""
    log = ROOT / ".cache" / "demo-clean.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    code, output = run(Stage("remove", "molecule/shared/destroy.yml"), inventory, log, time.monotonic())
    if code:
        print(failure_of(output), file=sys.stderr)
        return code
    print("Removed: the lab's hosts, volumes and network, its keys and its lock of digests.")
    print(
        "Left: the lab host image selvedge/lab-host in the engine, and .venv, .cache and .ansible in this folder."
    )
    engine = Path("/var/run/selvedge-dockerd.pid")
    if engine.is_file():
        print(f"Left: the container engine that was started, process {engine.read_text().strip()}.")
    packages = ROOT / ".cache" / "installed-packages"
    if packages.is_file():
        print(f"Left: packages that were installed: {' '.join(packages.read_text().split())}")
    return 0


def main() -> int:
    """Entry point."""
    verbs = {"up": up, "down": down}
    if len(sys.argv) < 2 or sys.argv[1] not in verbs:
        print(__doc__, file=sys.stderr)
        return 2
    inventory = Path(sys.argv[2] if len(sys.argv) > 2 else "inventory/lab").resolve()
    return verbs[sys.argv[1]](inventory)


if __name__ == "__main__":
    sys.exit(main())
