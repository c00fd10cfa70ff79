#!/usr/bin/python
# Copyright (c) The Selvedge maintainers
# Apache-2.0, see LICENSE
"""Wait until the agent has rendered what a stack mounts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secrets_ready
short_description: Wait until a stack's secrets are in tmpfs
description: Runs the script that the stack's systemd unit also waits with, so that both mean the same.
options:
  stack: {description: The stack., type: str, required: true}
  timeout: {description: Seconds to wait., type: int, default: 60}
attributes:
  check_mode: {support: full, description: Does nothing}
author: The Selvedge maintainers (@selvedge)
"""

EXAMPLES = r"""
- name: Wait for the nodes' secrets
  selvedge.fabric.secrets_ready:
    stack: ledger
"""

RETURN = r"""#"""

from ansible.module_utils.basic import AnsibleModule

SCRIPT = "/usr/local/lib/selvedge/wait-secrets"
AGENT_LOG = ["journalctl", "--unit=selvedge-agent.service", "--no-pager", "--lines=15", "--output=cat"]


def main() -> None:
    module = AnsibleModule(
        argument_spec={"stack": {"type": "str", "required": True}, "timeout": {"type": "int", "default": 60}},
        supports_check_mode=True,
    )
    if not module.check_mode:
        code, _unused, errors = module.run_command(
            [SCRIPT, module.params["stack"], str(module.params["timeout"])]
        )
        if code:
            _unused, log, _unused = module.run_command(AGENT_LOG)
            module.fail_json(
                msg=f"secrets of stack {module.params['stack']}: {errors.strip()}", agent_log=log.splitlines()
            )
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
