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
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import ModelError

from . import large
from .plays import ROOT, Play, attempt, changed_tasks, count_modules, play
from .rows import at_most, head, row

QUIET = ROOT / "tools" / "bench" / "quiet-host.sh"
# A module on a host costs about 0.17 s, a host has at most 12; the rest is for the model, arguments, what is skipped.
CPU_A_HOST_S = 3.0
MODULES_A_HOST = 12
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
    network = large.network()
    size = f"{len(network.hosts)} hosts, {len(network.peers)} peers"
    counts = count_modules(site.output)
    counts.pop("controller", None)
    if len(counts) != large.HOSTS or changed_tasks(site.output):
        raise SystemExit(f"site.yml did not do on {large.HOSTS} quiet hosts what a run without changes does")
    head()
    fits = [
        at_most(f"modules on a host of {large.HOSTS}, nothing to change", max(counts.values()), MODULES_A_HOST),
        row(f"{size}: model validated and rendered, controller CPU", f"{render.cpu:.1f} s"),
        at_most(f"{size}: site.yml, nothing to change, controller CPU", site.cpu,
                CPU_A_HOST_S * large.HOSTS, "s", 1),
        at_most("  a host", site.cpu / large.HOSTS, CPU_A_HOST_S, "s", 2),
        row("  a module on a host", f"{site.cpu / sum(counts.values()):.2f} s"),
        row("  from start to end, on this machine", f"{site.seconds:.1f} s"),
    ]  # fmt: skip
    fits += [refusal_row(hosts, refused) for hosts, refused in refusals.items()]
    row("  Ansible's own share, for one task that fails", f"{nothing.cpu:.1f} s")
    fits += [
        validation_row("without a mistake", large.model()),
        validation_row("two in each node", large.model_full_of_mistakes()),
    ]
    return all(fits)


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
