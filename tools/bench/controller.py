"""What the controller costs where the network is large, and how soon it refuses a wrong model.

Fifty hosts are not to be had on one machine, and their own work is not what is asked for. ``site.yml`` runs as it is,
on hosts that answer every module with "nothing changed" (quiet-host.sh, a few ms a call, counted in). So Ansible does
all that it does for real hosts: reads the inventory, validates and renders the model for each host, fills in arguments,
puts modules together, hands them over, reads answers. Not in it are SSH, and what the controller's own modules ask the
store, the CAs and the nodes over the network: they answer in the same way.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median_high
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import ModelError

from . import large
from .plays import ROOT, Play, attempt, changed_tasks, count_modules, count_tasks, play
from .rows import at_most, head, row

QUIET = ROOT / "tools" / "bench" / "quiet-host.sh"
MODULES_A_HOST = 12
TASKS_A_HOST = 48
# Each task of each host is a process of Ansible's, which costs 10 ms of processor time on one machine and 30 ms on the
# next. So the budget is in what as many empty tasks and modules cost in the same run; the rest is for the model,
# conditions and arguments.
TIMES_EMPTY = 3.0
REFUSAL_S = 2.0
# Of that, what is not Ansible's: to find all mistakes. A right model is validated in it, too.
VALIDATION_S = 0.5


def rows() -> bool:
    """Measure and print; return whether all budgets are kept."""
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=cache) as scratch:
        right = large.write(Path(scratch) / "right", large.model())
        wrong = large.write(Path(scratch) / "wrong", large.wrong_model())
        few = large.write(Path(scratch) / "few", large.few_wrong_model(), large.FEW_HOSTS)
        answer = Path(scratch) / "answer.json"
        answer.write_text(json.dumps(large.answer()))
        os.environ["SELVEDGE_QUIET_ANSWER"] = str(answer)
        options = ["-e", f"ansible_python_interpreter={QUIET}"]
        render = play(right, "tools/bench/render.yml", options)
        site = play(right, "playbooks/site.yml", options)
        refusals = {
            large.FEW_HOSTS: attempt(few, "playbooks/site.yml"),
            large.HOSTS: attempt(wrong, "playbooks/site.yml"),
        }
        nothing = attempt(few, "tools/bench/nothing.yml")
        counts = count_modules(site.output)
        counts.pop("controller", None)
        if len(counts) != large.HOSTS or changed_tasks(site.output):
            raise SystemExit(
                f"site.yml did not do on {large.HOSTS} quiet hosts what a run without changes does"
            )
        modules = max(counts.values())
        # One of the hosts has those as well that are run once.
        tasks = median_high(count_tasks(site.output).values())
        empty_tasks = Path(scratch) / "empty.yml"
        empty_tasks.write_text(json.dumps(empty(modules, tasks - modules)))
        bare = play(right, str(empty_tasks), options)
    network = large.network()
    size = f"{len(network.hosts)} hosts, {len(network.peers)} peers"
    head()
    fits = [
        at_most(f"modules on a host of {large.HOSTS}, nothing to change", modules, MODULES_A_HOST),
        at_most("  tasks, with those that are skipped", tasks, TASKS_A_HOST),
        row(f"{size}: model validated and rendered, controller CPU", f"{render.cpu:.1f} s"),
        row(f"{size}: site.yml, nothing to change, controller CPU", f"{site.cpu:.1f} s"),
        row("  a host", f"{site.cpu / large.HOSTS:.2f} s"),
        row("  as many empty tasks and modules", f"{bare.cpu:.1f} s"),
        at_most("  times that", site.cpu / bare.cpu, TIMES_EMPTY, "", 2),
        row("  from start to end, on this machine", f"{site.seconds:.1f} s"),
    ]  # fmt: skip
    fits += [refusal_row(hosts, refused) for hosts, refused in refusals.items()]
    row("  Ansible's own share, for one task that fails", f"{nothing.cpu:.1f} s")
    fits += [
        validation_row("without a mistake", large.model()),
        validation_row("two in each node", large.model_full_of_mistakes()),
    ]
    return all(fits)


def empty(modules: int, skipped: int) -> list[dict[str, Any]]:
    """A playbook of ``modules`` that change nothing and of tasks that are skipped, for all hosts."""
    tasks = [{"name": f"Module {number}", "ansible.builtin.ping": {}} for number in range(modules)]
    tasks += [
        {"name": f"Skipped {number}", "ansible.builtin.debug": {"msg": ""}, "when": False}
        for number in range(skipped)
    ]
    return [{"name": "Do nothing", "hosts": "all", "gather_facts": False, "tasks": tasks}]


def validation_row(mistakes: str, model: dict[str, Any]) -> bool:
    """What it takes this process to validate a model of fifty hosts; ``mistakes`` says in words how many it has."""
    begun = time.process_time()
    with contextlib.suppress(ModelError):
        large.network(model)
    taken = time.process_time() - begun
    return at_most(f"  finding all mistakes of {large.HOSTS} hosts, {mistakes}", taken, VALIDATION_S, "s", 2)


def refusal_row(hosts: int, refused: Play) -> bool:
    """What it cost ``site.yml`` to refuse; it must have named all mistakes and run nothing on a host.

    Processor time of the whole command: what else the machine does is not its fault.
    """
    named = f"the network model has {large.MISTAKES} mistake(s), no host was touched" in refused.output
    if not refused.code or not named or count_modules(refused.output):
        raise SystemExit(
            f"site.yml did not refuse the wrong model of {hosts} hosts:\n{refused.output[-3000:]}"
        )
    fits = at_most(f"refusing a wrong model, {hosts} hosts, controller CPU", refused.cpu, REFUSAL_S, "s", 1)
    row("  from start to end, on this machine", f"{refused.seconds:.1f} s")
    return fits
