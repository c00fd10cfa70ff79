"""`make bench`: what Selvedge costs on this machine, as a table.

It makes a lab of its own beside the demo's, deploys from nothing with images built, runs `site.yml` again, and counts.
Times are of one run on one machine: compare them with each other, not with those of other machines.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
INVENTORY = ROOT / "molecule" / "default" / "inventory"
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import (  # noqa: E402
    MEGABYTE,
    Builder,
)

MODULES_A_HOST, MODULES_OF_THE_CONTROLLER = 12, 20
TEST_NETWORK_S, TUNED_TEST_NETWORK_S = 49, 24

# Tasks that run no module anywhere: pure functions and messages of the controller's own process.
_NO_MODULE = re.compile(r"Validating arguments|Validate the network model|Show |Fail when|Report ")


def play(playbook: str) -> tuple[float, str]:
    """Run a playbook; return its duration in seconds and its output."""
    begun = time.monotonic()
    env = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_roles"}
    command = ["ansible-playbook", "-i", str(INVENTORY), playbook]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-5000:], done.stderr[-2000:], file=sys.stderr)
        raise SystemExit(f"{playbook} failed")
    took = time.monotonic() - begun
    print(f"{took:7.1f} s  {playbook}", file=sys.stderr, flush=True)
    return took, done.stdout


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


def changed_tasks(output: str) -> int:
    return sum(int(number) for number in re.findall(r"changed=(\d+)", output))


def stages(output: str) -> list[tuple[str, float]]:
    """Seconds by role, longest first, as the profile_roles callback prints them."""
    found = re.findall(r"^(?:selvedge\.fabric\.)?([\w.]+) -+ ([\d.]+)s$", output, flags=re.MULTILINE)
    return [(name, float(seconds)) for name, seconds in found if name != "total"]


def restarts() -> dict[str, str]:
    """Every container of the lab's hosts with the time that it was started at."""
    lab = yaml.safe_load((INVENTORY / "group_vars/all/connection.yml").read_text())["lab_name"]
    hosts = yaml.safe_load((INVENTORY / "hosts.yml").read_text())["all"]["hosts"]
    script = "docker ps -aq | xargs docker inspect --format '{{.Name}} {{.State.StartedAt}}'"
    lines: list[str] = []
    for host in hosts:
        command = ["docker", "exec", f"{lab}-{host}", "sh", "-c", script]
        lines += subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(line.split(" ", 1) for line in lines)


def row(what: str, value: str, budget: str = "", fits: bool = True) -> bool:
    """Print one line of the table; return whether it is within its budget."""
    print(f"{what:<58}{value:>12}{budget:>14}{'' if fits else '  OVER'}", flush=True)
    return fits


def image_rows() -> bool:
    builder = Builder(ROOT, ROOT / ".cache")
    fits = True
    for recipe_file in sorted((ROOT / "images").glob("*/image.yml")):
        name = recipe_file.parent.name
        size = builder.build(name).image.size / MEGABYTE
        budget = builder.recipe(name)["budget_mb"]
        fits &= row(
            f"image {name} {builder.default_version(name)}",
            f"{size:.1f} MB",
            f"<= {budget} MB",
            size <= budget,
        )
    return fits


def demo_rows() -> None:
    """What `make demo` took when it was last run here, from nothing and with everything built."""
    times = ROOT / ".cache" / "demo-times.json"
    known = json.loads(times.read_text()) if times.is_file() else {}
    for kind, aim in (("cold", 15), ("warm", 4)):
        taken = f"{known[kind] / 60:.1f} min" if kind in known else "not run"
        row(f"make demo, {kind}, last run", taken, f"aim {aim} min")


def main() -> int:
    """Entry point."""
    play("molecule/shared/destroy.yml")
    create, _unused = play("molecule/shared/create.yml")
    bootstrap, _unused = play("playbooks/bootstrap.yml")
    images, _unused = play("playbooks/images.yml")
    site, first = play("playbooks/site.yml")
    transaction, _unused = play("examples/playbooks/transaction.yml")
    before = restarts()
    again, second = play("playbooks/site.yml")
    restarted = sum(1 for name, at in restarts().items() if before.get(name) != at)
    play("molecule/shared/destroy.yml")

    counts = count_modules(second)
    controller = counts.pop("controller")
    print(f"\n{'what':<58}{'measured':>12}{'budget':>14}")
    fits = [
        row(
            f"modules on {host}, nothing to change",
            str(number),
            f"<= {MODULES_A_HOST}",
            number <= MODULES_A_HOST,
        )
        for host, number in sorted(counts.items())
    ]
    budget = MODULES_OF_THE_CONTROLLER
    fits.append(
        row(
            "modules on the controller, nothing to change",
            str(controller),
            f"<= {budget}",
            controller <= budget,
        )
    )
    changed = changed_tasks(second)
    fits.append(row("tasks changed, nothing to change", str(changed), "0", changed == 0))
    fits.append(row("containers restarted, nothing to change", str(restarted), "0", restarted == 0))
    row("site.yml, nothing to change", f"{again:.1f} s")
    total = site + transaction
    fits.append(
        row(
            "booted hosts and images to the first transaction",
            f"{total:.1f} s",
            f"<= {TEST_NETWORK_S} s",
            total <= TEST_NETWORK_S,
        )
    )
    row("  against a tuned test network's", f"x {total / TUNED_TEST_NETWORK_S:.2f}")
    for name, seconds in stages(first):
        row(f"  of it {name}", f"{seconds:.1f} s")
    row("  of it the example transaction's playbook", f"{transaction:.1f} s")
    row("three lab hosts to booted", f"{create:.1f} s")
    row("bootstrap.yml", f"{bootstrap:.1f} s")
    row("images.yml, everything built", f"{images:.1f} s")
    demo_rows()
    fits.append(image_rows())
    return 0 if all(fits) else 1


if __name__ == "__main__":
    sys.exit(main())
