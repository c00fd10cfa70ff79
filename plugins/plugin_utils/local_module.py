# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""A module that works on the controller, in the process of its task.

Ansible packs a module and its library into an archive, starts a Python for it and has that compile everything: a second
of processor time for each module that speaks with Fabric, which is longer than most of them work. Where the module is
to run on this machine, as this user and by this Python, none of that is needed.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from contextlib import chdir
from importlib import import_module
from multiprocessing import parent_process
from types import ModuleType
from typing import Any, NoReturn

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase
from ansible_collections.selvedge.fabric.plugins.plugin_utils.plain import plain

_MODULES = "ansible_collections.selvedge.fabric.plugins.modules"
_PR_SET_PDEATHSIG = 1


class _Ended(BaseException):
    """What a module answered. No error, so that no ``except`` of the library takes it for one."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__()
        self.result = result


class _LocalModule:
    """As much of AnsibleModule as the controller's modules use."""

    def __init__(self, params: dict[str, Any], check_mode: bool) -> None:
        self.params = params
        self.check_mode = check_mode

    def exit_json(self, **result: Any) -> NoReturn:
        raise _Ended(result)

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        raise _Ended({**result, "failed": True, "msg": msg})


class LocalAction(ActionBase):  # type: ignore[misc]
    """Has a module of this collection work in this process where that is the same, else as any module.

    The module's file has ``ARGUMENTS``, ``run(module)`` and, for what its options demand of each other, ``RULES``.
    """

    _supports_check_mode = True

    def perform(self, name: str, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """What the module answers. A failure is in it; AnsibleActionFail when its options are wrong."""
        if not self._is_here(variables):
            done: dict[str, Any] = self._execute_module(
                module_name=f"selvedge.fabric.{name}",
                module_args=arguments,
                task_vars=variables,
                wrap_async=self._task.async_val,
            )
            return done
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        _end_with_the_run()
        before = dict(os.environ)
        os.environ.update({key: str(value) for key, value in environment.items()})
        try:
            # Where Ansible starts local processes: relative paths are the playbook's.
            with chdir(self._loader.get_basedir()):
                return _call(import_module(f"{_MODULES}.{name}"), arguments, self._task.check_mode)
        finally:
            # The next item of a loop has the same process.
            os.environ.clear()
            os.environ.update(before)

    def _is_here(self, variables: dict[str, Any]) -> bool:
        """Whether the module would run on this machine, as this user and by this Python."""
        if sys.platform != "linux" or self._task.async_val:
            return False
        if self._connection.transport != "local" or self._connection.become is not None:
            return False
        host = variables.get("ansible_delegated_vars", {}).get(self._task.delegate_to, variables)
        return bool(self._templar.template(host.get("ansible_python_interpreter", "")) == sys.executable)


class ModuleAction(LocalAction):
    """The action of the module of the same name."""

    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        name = type(self).__module__.rpartition(".")[2]
        return {**result, **self.perform(name, self._task.args, task_vars or {})}


def _call(library: ModuleType, arguments: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Have a module's file do its work."""
    rules = getattr(library, "RULES", {})
    found = ArgumentSpecValidator(library.ARGUMENTS, **rules).validate(plain(arguments))
    if found.error_messages:
        # Ansible's words for an option that is not known: "nmae. Supported parameters include: name."
        said = [
            f"Unsupported parameters: {error}" if isinstance(error, UnsupportedError) else str(error)
            for error in found.errors
        ]
        raise AnsibleActionFail("; ".join(remove_values(said, found._no_log_values)))
    try:
        library.run(_LocalModule(found.validated_parameters, check_mode))
    except _Ended as ended:
        told: dict[str, Any] = json.loads(json.dumps(remove_values(ended.result, found._no_log_values)))
        return told
    except SystemExit as error:
        # It would end the worker, and with it the run.
        raise AnsibleActionFail(f"{library.__name__} ended with {error.code}") from error
    raise AnsibleActionFail(f"{library.__name__} ended without an answer")


def _end_with_the_run() -> None:
    """Have this worker killed when its run is, or more exactly the run's thread that has forked it.

    Of a run that was killed, the next one finds the modules, and waits for them (see host_lock). A worker looks like
    any ansible-playbook.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    run = parent_process()
    if run and os.getppid() != run.pid:
        # It was killed before that, and somebody else has adopted this worker.
        os._exit(1)
