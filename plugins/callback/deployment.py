# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Tell what a run did: a table for who started it, files for who watches."""

from __future__ import annotations

DOCUMENTATION = r"""
name: deployment
type: aggregate
short_description: Durations, changes and failures of a run, by stage
description:
  - At the end of a playbook, prints a short table, and writes what is asked for; metrics for the textfile collector of
    Prometheus' node exporter, JUnit XML and JSON for CI.
  - A stage is a role as the play names it, together with the roles that it includes. Tasks outside of roles are a stage
    with the name of their play.
  - Files have names, counts and durations. No argument, variable or result of a task is in them. JUnit also has the
    messages of failed tasks, without those that C(no_log) hides.
  - Files are named after network, playbook and mode, such as C(lab_site.xml), or C(lab_site_check.xml) of a run in
    check mode. Each has the last run, and is replaced by rename.
  - A run that was ended by Ctrl-C, or by an error of Ansible itself, is told of as aborted, as far as it got. One that
    was killed otherwise writes nothing.
  - A report that cannot be written is a warning. It never fails a run.
options:
  table:
    description:
      - Whether to print the table.
      - It is only printed where a callback for people writes to the screen, such as C(ansible.builtin.default), so that
        a reader of JSON gets nothing else.
    type: bool
    default: true
    ini: [{section: callback_deployment, key: table}]
    env: [{name: SELVEDGE_DEPLOYMENT_TABLE}]
  slowest:
    description: How many of the slowest tasks the table, the metrics and the JSON file name.
    type: int
    default: 5
    ini: [{section: callback_deployment, key: slowest}]
    env: [{name: SELVEDGE_DEPLOYMENT_SLOWEST}]
  textfile_dir:
    description:
      - A folder on the controller for metrics. It has to be there. No file is written without.
      - Where the controller is a host of the network, its node exporter reads V(/var/lib/selvedge/textfiles); one of
        Debian's V(/var/lib/prometheus/node-exporter). From elsewhere the files have to be copied to a host.
    type: path
    ini: [{section: callback_deployment, key: textfile_dir}]
    env: [{name: SELVEDGE_DEPLOYMENT_TEXTFILE_DIR}]
  junit_dir:
    description: A folder for JUnit XML, made if it is not there. No file is written without.
    type: path
    ini: [{section: callback_deployment, key: junit_dir}]
    env: [{name: SELVEDGE_DEPLOYMENT_JUNIT_DIR}]
  json_dir:
    description: A folder for JSON, made if it is not there. No file is written without.
    type: path
    ini: [{section: callback_deployment, key: json_dir}]
    env: [{name: SELVEDGE_DEPLOYMENT_JSON_DIR}]
requirements:
  - It has to be enabled, as C(selvedge.fabric.deployment) in C(callbacks_enabled) of C(ansible.cfg).
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Enable it in ansible.cfg
  community.general.ini_file:
    path: ansible.cfg
    section: defaults
    option: callbacks_enabled
    value: selvedge.fabric.deployment

- name: Have its metrics read by the node exporter, where the controller is a host of the network
  community.general.ini_file:
    path: ansible.cfg
    section: callback_deployment
    option: textfile_dir
    value: /var/lib/selvedge/textfiles
"""

import atexit
import json
import os
from pathlib import Path
from typing import Any

from ansible import constants, context
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import filter_loader
from ansible.release import __version__ as ansible_version
from ansible_collections.selvedge.fabric.plugins.module_utils.atomic import write_text
from ansible_collections.selvedge.fabric.plugins.module_utils.deployment import junit, prometheus, table
from ansible_collections.selvedge.fabric.plugins.module_utils.deployment.recorder import Recorder
from ansible_collections.selvedge.fabric.plugins.module_utils.deployment.run import About, Run
from ansible_collections.selvedge.fabric.plugins.module_utils.version import VERSION

_COLLECTION = "selvedge.fabric."
# A single task by the command `ansible`, with bin_ansible_callbacks set: no run that anybody looks for.
_AD_HOC = "__adhoc_playbook__"
# Callbacks that write for people. Whoever chose another one may read what it writes by machine.
_FOR_PEOPLE = ("default", "yaml", "debug", "dense", "skippy", "unixy", "default_without_diff", "minimal")


def network_of(playbook: Any) -> str:
    """The network's name in the model of the inventory; empty where there is none that can be read before a run."""
    try:
        manager = playbook.get_plays()[0].get_variable_manager()
        host = manager._inventory.get_hosts("all", ignore_limits=True)[0]
        name = manager.get_vars(host=host, include_hostvars=False)["selvedge_network"]["name"]
    except Exception:
        # Whatever is wrong with a model, the run itself says it better.
        return ""
    return str(name) if str(name).replace("-", "").replace("_", "").isalnum() else ""


def about(playbook: Any) -> About:
    chosen = context.CLIARGS
    tags = tuple(str(tag) for tag in chosen.get("tags") or ())
    return About(
        playbook=Path(str(playbook._file_name)).stem,
        network=network_of(playbook),
        collection=VERSION,
        ansible=ansible_version,
        check_mode=bool(chosen.get("check")),
        limit=str(chosen.get("subset") or ""),
        tags=() if tags == ("all",) else tags,
    )


def stage_of(task: Any, play: str) -> str:
    """The outermost role of a task, or the play."""
    chain = task._parent.get_dep_chain() if task._parent else None
    role = chain[0] if chain else task._role
    return str(role.get_name()).removeprefix(_COLLECTION) if role else play


def written_name(task: Any) -> str:
    """A task's name as it stands in its file, with its role in front as Ansible has it."""
    written = task.get_ds()
    name = str(written.get("name") or task.action) if isinstance(written, dict) else str(task.action)
    return f"{task._role.get_name()} : {name}" if task._role else name


def message_of(result: Any) -> str:
    """What a failed task says, and each of its loop's items; nothing of what ``no_log`` hides."""
    parts = [result.result, *(item for item in result.result.get("results") or [] if _failed(item))]
    said = [str(part.get("msg") or "").strip() for part in parts if not _hidden(part)]
    return "\n".join(filter(None, said))


def _failed(item: Any) -> bool:
    return isinstance(item, dict) and bool(item.get("failed") or item.get("unreachable"))


def _hidden(result: dict[str, Any]) -> bool:
    return bool(result.get("_ansible_no_log")) or "censored" in result


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "selvedge.fabric.deployment"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, display: Any = None, options: Any = None) -> None:
        super().__init__(display, options)
        self._recorder: Recorder | None = None
        self._play = ""
        self._failures: dict[str, int] = {}

    # --- what happens ---

    def v2_playbook_on_start(self, playbook: Any) -> None:
        if playbook._file_name == _AD_HOC:
            return
        self._recorder = Recorder(about(playbook))
        # By the way: the process of each task on each host is a copy of this one, and would load all filters itself.
        filter_loader.get("ansible.builtin.from_json")
        process = os.getpid()
        atexit.register(lambda: self._finish(None) if os.getpid() == process else None)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = str(play.get_name())

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        if self._recorder:
            self._recorder.task_started(task._uuid, stage_of(task, self._play), str(task.get_name()))

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self.v2_playbook_on_task_start(task, False)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        if self._recorder:
            for host in included_file._hosts:
                self._recorder.finished(included_file._task._uuid, host.get_name(), False)

    def v2_runner_on_ok(self, result: Any) -> None:
        # As Ansible does, a dynamic include is counted when the file was read.
        if self._recorder and not isinstance(result.task, TaskInclude):
            self._hide(result)
            self._recorder.finished(result.task._uuid, result.host.get_name(), result.is_changed())

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if self._recorder:
            self._hide(result)
            self._recorder.failed(
                result.task._uuid,
                result.host.get_name(),
                message_of(result),
                bool(ignore_errors),
                result.is_changed(),
            )

    def v2_runner_on_unreachable(self, result: Any) -> None:
        if self._recorder:
            ignored = bool(result.task.ignore_unreachable)
            host = result.host.get_name()
            self._recorder.unreachable(result.task._uuid, host, message_of(result), ignored)

    def v2_runner_on_skipped(self, result: Any) -> None:
        if self._recorder:
            self._hide(result)
            self._recorder.skipped(result.task._uuid, result.host.get_name())

    def v2_runner_retry(self, result: Any) -> None:
        if self._recorder:
            self._recorder.retried(result.task._uuid)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        before, self._failures = self._failures, dict(stats.failures)
        self._finish({host: count - before.get(host, 0) for host, count in self._failures.items()})

    def _hide(self, result: Any) -> None:
        """With ``no_log``, a task's name is told as it stands in its file, without the values of variables."""
        if self._recorder and (result.task.no_log or _hidden(result.result)):
            self._recorder.rename(result.task._uuid, written_name(result.task))

    # --- what is told ---

    def _finish(self, failures: dict[str, int] | None) -> None:
        """Once for each playbook: at its end, or when Ansible ends without one."""
        if not self._recorder:
            return
        run, self._recorder = self._recorder.finish(failures), None
        if self.get_option("table") and self._for_people():
            self._display.banner("DEPLOYMENT")
            self._display.display(table.render(run, self.get_option("slowest")))
        self._write(run)

    def _write(self, run: Run) -> None:
        stem = prometheus.file_stem(run.about)
        shown = json.dumps(run.as_dict(self.get_option("slowest")), indent=1) + "\n"
        metrics = prometheus.render(run, self.get_option("slowest"))
        self._write_file("textfile_dir", f"selvedge_deployment_{stem}.prom", metrics, False)
        self._write_file("junit_dir", f"{stem}.xml", junit.render(run), True)
        self._write_file("json_dir", f"{stem}.json", shown, True)

    def _write_file(self, option: str, name: str, text: str, make: bool) -> None:
        folder = self.get_option(option)
        if not folder:
            return
        try:
            if make:
                Path(folder).mkdir(parents=True, exist_ok=True)
            write_text(Path(folder) / name, text)
        except OSError as error:
            self._display.warning(
                f"{self.CALLBACK_NAME}: {option}: {Path(folder) / name} is not written: {error.strerror}. "
                f"Next: make {folder} a folder that {option} can be written to, or unset {option}"
            )

    @staticmethod
    def _for_people() -> bool:
        name = str(constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK"))
        return name.rpartition(".")[2] in _FOR_PEOPLE
