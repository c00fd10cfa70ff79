"""Run playbooks on an edited model, and read what they say item by item: predictions of check mode, and deeds."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.selvedge.fabric.molecule.shared.testing.deployment import Deployment

ROOT = Path(__file__).resolve().parents[3]
Model = dict[str, Any]

# A certificate that check mode cannot know yet, and one that it can, look the same to a comparison.
_CERTIFICATE = re.compile(r"\S.*? until \d{4}-\d\d-\d\d sha256:[0-9a-f]+")
# What a run does to containers is read from the engines, not from what it says.
_STACK = "selvedge.fabric.service : "


def environment(**more: str) -> dict[str, str]:
    """The environment in which a checkout's playbooks run."""
    return {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_VERBOSITY": "0",
        **more,
    }


@dataclass(frozen=True)
class Run:
    """What a playbook did.

    :param output: all of its output
    :param tasks: every task's name with its result on each host
    """

    code: int
    output: str
    tasks: list[tuple[str, dict[str, dict[str, Any]]]]

    @property
    def items(self) -> set[tuple[str, ...]]:
        """Everything that changed or would, but containers: paths, units, secrets, lines of plans."""
        found: set[tuple[str, ...]] = set()
        for name, results in self.tasks:
            if name.startswith(_STACK):
                continue
            for host, result in results.items():
                for part in result.get("results", [result]):
                    if part.get("changed"):
                        found |= {_plain(name, host, item) for item in _items(part)}
        return found

    @property
    def predicted_containers(self) -> set[tuple[str, str]]:
        """Of check mode: what happens to which container."""
        plans = [
            result["plan"]
            for name, results in self.tasks
            if name == f"{_STACK}Plan the stack"
            for result in results.values()
            if "plan" in result
        ]
        return {
            (what, name)
            for plan in plans
            for what in ("create", "recreate", "start", "remove")
            for name in plan[what]
        }

    def said(self) -> str:
        """All messages of failed tasks."""
        return "\n".join(
            str(result.get("msg", ""))
            for _unused, results in self.tasks
            for result in results.values()
            if result.get("failed") or result.get("unreachable")
        )


def _items(result: dict[str, Any]) -> list[str]:
    """What of a result says what changed; a task that says nothing is one item."""
    keys = ("changed_paths", "changed_units", "changes", "changed_secrets", "plan", "missing")
    lists = [result[key] for key in keys if isinstance(result.get(key), list)]
    return [str(item) for items in lists for item in items] or ["changed"]


def _plain(task: str, host: str, item: str) -> tuple[str, ...]:
    return (task, host, _CERTIFICATE.sub("CERTIFICATE", item))


class Operator:
    """Runs playbooks on the inventory of a deployment, perhaps with an edited model.

    :param folder: where the edited model is kept
    """

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self.inventory, self._folder = deployment.inventory, folder
        text = (self.inventory / "group_vars/all/network.yml").read_text()
        self.model: Model = yaml.safe_load(text)["selvedge_network"]
        self._images: dict[str, str] = {}
        self._added: dict[str, dict[str, Any]] = {}

    def add_host(self, name: str, **variables: Any) -> None:
        """Have one more host in the inventory for all runs that follow the next edit of the model."""
        self._added[name] = variables

    def edit(self, change: Callable[[Model], None]) -> None:
        """Change the model for all runs that follow; the inventory's own file stays as it is."""
        change(self.model)
        folder = self._folder / "group_vars"
        folder.mkdir(exist_ok=True)
        variables = {"selvedge_network": self.model}
        if self._images:
            variables["selvedge_images"] = self._images
        (folder / "all.yml").write_text(yaml.safe_dump(variables))
        (self._folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": self._added}}))

    def lock(self, image: str, reference: str) -> None:
        """Have another image in the lock, as ``images.yml`` writes it, for all runs that follow."""
        self._images = {**self.deployment().images, image: reference}
        self.edit(lambda model: None)

    def unlock(self) -> None:
        """Go back to the inventory's own lock."""
        self._images = {}
        self.edit(lambda model: None)

    def deployment(self) -> Deployment:
        """The deployment as the model is now."""
        return Deployment(self.inventory, *([self._folder] if self._is_edited else []))

    @property
    def _is_edited(self) -> bool:
        return (self._folder / "hosts.yml").exists()

    @contextmanager
    def edited(self, change: Callable[[Model], None]) -> Iterator[None]:
        """The same for a while."""
        before = copy.deepcopy(self.model)
        self.edit(change)
        try:
            yield
        finally:
            self.edit(lambda model: (model.clear(), model.update(before)))  # type: ignore[func-returns-value]

    def command(self, playbook: str, *options: str) -> list[str]:
        edited = ["-i", str(self._folder)] if self._is_edited else []
        path = playbook if "/" in playbook else f"playbooks/{playbook}"
        return ["ansible-playbook", "-i", str(self.inventory), *edited, f"{path}.yml", *options]

    def start(self, playbook: str, *options: str, **env: str) -> subprocess.Popen[str]:
        """Start a playbook in a process group of its own."""
        return subprocess.Popen(
            self.command(playbook, *options),
            cwd=ROOT,
            env=environment(**env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # Tests that run in the background were told to ignore Ctrl-C, and their children would inherit it.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, playbook: str, *options: str, fails: bool = False) -> Run:
        """Run a playbook to its end; it must end well, or with ``fails`` must not."""
        done = subprocess.run(
            self.command(playbook, *options),
            cwd=ROOT,
            env=environment(ANSIBLE_STDOUT_CALLBACK="ansible.posix.json", ANSIBLE_JSON_INDENT="0"),
            capture_output=True,
            text=True,
            check=False,
        )
        start = done.stdout.find("{")
        try:
            plays = json.loads(done.stdout[start:])["plays"] if start >= 0 else []
        except ValueError:
            plays = []
        tasks = [(task["task"]["name"], task["hosts"]) for play in plays for task in play["tasks"]]
        run = Run(done.returncode, done.stdout + done.stderr, tasks)
        shown = f"{playbook} {' '.join(options)}\n{run.said()}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert bool(done.returncode) == fails, shown
        return run
