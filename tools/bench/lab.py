"""What the lab costs: three hosts of its own beside the demo's, deployed from nothing with images built, then again."""

from __future__ import annotations

import json
import subprocess

import yaml
from ansible_collections.selvedge.fabric.plugins.module_utils.images.builder import MEGABYTE, Builder

from .plays import ROOT, changed_tasks, count_modules, play, stages
from .rows import at_most, head, row

INVENTORY = ROOT / "molecule" / "default" / "inventory"
MODULES_A_HOST, MODULES_OF_THE_CONTROLLER = 12, 20
TEST_NETWORK_S, TUNED_TEST_NETWORK_S = 49, 24


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


def image_rows() -> bool:
    """The size of every image in its default version."""
    builder = Builder(ROOT, ROOT / ".cache")
    fits = True
    for name in builder.names():
        size = builder.build(name).image.size / MEGABYTE
        budget = builder.recipe(name)["budget_mb"]
        fits &= at_most(f"image {name} {builder.default_version(name)}", size, budget, "MB", 1)
    return fits


def demo_rows() -> None:
    """What `make demo` took when it was last run here, from nothing and with everything built."""
    times = ROOT / ".cache" / "demo-times.json"
    known = json.loads(times.read_text()) if times.is_file() else {}
    for kind, aim in (("cold", 15), ("warm", 4)):
        taken = f"{known[kind] / 60:.1f} min" if kind in known else "not run"
        row(f"make demo, {kind}, last run", taken, f"aim {aim} min")


def rows() -> bool:
    """Make the lab, measure, remove it; return whether all budgets are kept."""
    play(INVENTORY, "molecule/shared/destroy.yml")
    create = play(INVENTORY, "molecule/shared/create.yml")
    bootstrap = play(INVENTORY, "playbooks/bootstrap.yml")
    images = play(INVENTORY, "playbooks/images.yml")
    site = play(INVENTORY, "playbooks/site.yml")
    transaction = play(INVENTORY, "examples/playbooks/transaction.yml")
    before = restarts()
    again = play(INVENTORY, "playbooks/site.yml")
    restarted = sum(1 for name, at in restarts().items() if before.get(name) != at)
    play(INVENTORY, "molecule/shared/destroy.yml")

    counts = count_modules(again.output)
    controller = counts.pop("controller")
    head()
    fits = [
        at_most(f"modules on {host}, nothing to change", number, MODULES_A_HOST)
        for host, number in sorted(counts.items())
    ]
    fits.append(
        at_most("modules on the controller, nothing to change", controller, MODULES_OF_THE_CONTROLLER)
    )
    fits.append(at_most("tasks changed, nothing to change", changed_tasks(again.output), 0))
    fits.append(at_most("containers restarted, nothing to change", restarted, 0))
    row("site.yml, nothing to change", f"{again.seconds:.1f} s")
    total = site.seconds + transaction.seconds
    fits.append(
        at_most("booted hosts and images to the first transaction", total, TEST_NETWORK_S, "s", digits=1)
    )
    row("  against a tuned test network's", f"x {total / TUNED_TEST_NETWORK_S:.2f}")
    for name, seconds in stages(site.output):
        row(f"  of it {name}", f"{seconds:.1f} s")
    row("  of it the example transaction's playbook", f"{transaction.seconds:.1f} s")
    row("three lab hosts to booted", f"{create.seconds:.1f} s")
    row("bootstrap.yml", f"{bootstrap.seconds:.1f} s")
    row("images.yml, everything built", f"{images.seconds:.1f} s")
    demo_rows()
    fits.append(image_rows())
    return all(fits)
