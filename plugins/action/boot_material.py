# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Make the boot material that a host lacks, and have it sealed there.

What is missing is made in the controller's memory and travels to the host by SSH, on the module's standard input.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.x509 import KeyPair, issue_server
from ansible_collections.selvedge.fabric.plugins.module_utils.packages import missing
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.base import SecretsError
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.openbao_admin import Admin
from ansible_collections.selvedge.fabric.plugins.module_utils.secrets.registry import open_openbao

_CERTIFICATE_DAYS = 3650


# A key and its certificate belong together; anything else that is there stays. A new seal key would lock the store.
_PAIR = {"server_cert", "server_key"}


def to_make(missing: list[str]) -> set[str]:
    """The credentials to make anew when those of ``missing`` are not there."""
    return set(missing) | (_PAIR if _PAIR & set(missing) else set())


class ActionModule(ActionBase):  # type: ignore[misc]
    """One call of ``sealed_credentials`` to look; a second one only where something is missing."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        if package := missing("cryptography"):
            raise AnsibleActionFail(
                f"the Python package {package} is missing on the controller: see requirements.txt"
            )
        arguments = self._task.args
        variables = task_vars or {}
        sealed = {key: arguments[key] for key in ("stack", "names", "unit")}
        sealed.update(
            {key: arguments[key] for key in ("seal", "data", "revision", "loaded") if arguments.get(key)}
        )
        result = self._seal(sealed, variables)
        if result.get("failed") or self._task.check_mode or not result["missing"]:
            return result
        try:
            values = self._make(arguments, variables, to_make(result["missing"]))
        except (OSError, SecretsError) as error:
            raise AnsibleActionFail(str(error)) from error
        encoded = {name: base64.b64encode(value).decode() for name, value in values.items()}
        return self._seal({**sealed, "values": encoded}, variables)

    def _is_pipelining_enabled(self, module_style: str, wrap_async: bool = False) -> bool:
        """Always: otherwise Ansible writes the module, with the secrets that it is given, to the host's disk.

        Elsewhere pipelining is the operator's setting. Here a forgotten line in ansible.cfg must not cost a key.
        """
        connection = self._connection
        able = connection.has_pipelining and (not connection.become or connection.become.pipelining)
        if not able or constants.DEFAULT_KEEP_REMOTE_FILES:
            raise AnsibleActionFail(
                "boot material must not touch the host's disk: use a connection and a become method that can pipeline "
                "(ssh; sudo), and do not keep remote files (ANSIBLE_KEEP_REMOTE_FILES)"
            )
        return True

    def _seal(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        name = "selvedge.fabric.sealed_credentials"
        result: dict[str, Any] = self._execute_module(
            module_name=name, module_args=arguments, task_vars=variables
        )
        return result

    def _make(
        self, arguments: dict[str, Any], variables: dict[str, Any], wanted: set[str]
    ) -> dict[str, bytes]:
        """The values of ``wanted``, new."""
        if arguments["names"] == ["secret_id"]:
            secret_id, _unused = Admin(open_openbao(arguments["store"])).issue_secret_id(arguments["approle"])
            return {"secret_id": secret_id.encode()}
        state_dir = Path(variables["selvedge_controller_state"])
        issuer = KeyPair((state_dir / "ca.crt").read_text(), (state_dir / "ca.key").read_text())
        server = issue_server(
            issuer, arguments["common_name"], "Selvedge", arguments["hosts"], _CERTIFICATE_DAYS
        )
        values = {
            "ca_cert": issuer.cert_pem.encode(),
            "server_cert": server.cert_pem.encode(),
            "server_key": server.key_pem.encode(),
            "seal_key": os.urandom(32),
        }
        return {name: values[name] for name in arguments["names"] if name in wanted}
