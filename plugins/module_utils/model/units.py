"""What makes a host come back from a reboot on its own: systemd units and two small scripts.

Order at boot: boot material to tmpfs, the agent logs in and renders secrets to tmpfs, then each stack is started
once its files are there. The engine's own restart would start containers before their secrets exist, and not try
again.
"""

from __future__ import annotations

from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import (
    AGENT,
    CLEAR_CREDENTIALS,
    CONFIG,
    CREDENTIALS,
    LIBRARY,
    SECRETS,
    UID,
)

AGENT_UNIT = "selvedge-agent.service"
SECRET_ID_FILE = f"/run/credentials/{AGENT_UNIT}/secret_id"

WAIT_SECRETS = f"""#!/bin/sh
# wait-secrets STACK SECONDS: return 0 when every secret that STACK mounts is in tmpfs, 1 when time is up.
# A line of the stack's list is a path, or a path and the text that the file must have.
set -eu
left=$(($2 * 10))
while read -r path text; do
    until [ -s "$path" ] && {{ [ -z "$text" ] || [ "$(cat "$path")" = "$text" ]; }}; do
        left=$((left - 1))
        if [ "$left" -le 0 ]; then
            echo "$path is not there: look at 'journalctl -u {AGENT_UNIT}' and at the store" >&2
            exit 1
        fi
        sleep 0.1
    done
done < "{CONFIG}/stacks/$1/secrets"
"""

INSTALL_MATERIAL = f"""#!/bin/sh
# install-material STACK: put the unit's credentials where STACK's container mounts them, in tmpfs.
set -eu
target={SECRETS}/$1
install -d -m 0755 {SECRETS}
install -d -m 0700 -o {UID} -g {UID} "$target"
for file in "$CREDENTIALS_DIRECTORY"/*; do
    install -m 0400 -o {UID} -g {UID} "$file" "$target/.$(basename "$file").new"
    mv "$target/.$(basename "$file").new" "$target/$(basename "$file")"
done
"""

FETCH_AGENT = f"""#!/bin/sh
# fetch-agent: take the store's program, which is also its agent, out of the pinned image, unless it is there.
#
#   fetch-agent [IMAGE]    default is the image that the host's configuration names
set -eu
image=${{1:-$(cat {AGENT}/image)}}
if [ -x {LIBRARY}/bao ] && [ "$(cat {LIBRARY}/bao.image 2>/dev/null)" = "$image" ]; then
    exit 0
fi
name=selvedge-fetch-agent
docker rm --force $name >/dev/null 2>&1 || true
trap 'docker rm --force $name >/dev/null 2>&1' EXIT
docker create --name $name "$image" >/dev/null
# In upstream's image it is a link to where upstream has it.
docker cp --follow-link $name:/usr/local/bin/bao {LIBRARY}/bao.new
mv {LIBRARY}/bao.new {LIBRARY}/bao
echo "$image" > {LIBRARY}/bao.image
"""

_AGENT_SERVICE = f"""[Unit]
Description=Selvedge: the secrets store's agent, renders secrets to {SECRETS}
Wants=network-online.target
After=network-online.target docker.service
# At a boot the store may be late; giving up after five attempts would leave the host without secrets.
StartLimitIntervalSec=0

[Service]
@CREDENTIAL@
ExecStartPre={LIBRARY}/fetch-agent
ExecStartPre=/usr/bin/install -d -m 0755 {SECRETS}
# What it runs with, for those who ask whether it has to be restarted.
ExecStartPre=/usr/bin/install -m 0644 {AGENT}/revision /run/selvedge/agent.revision
ExecStart={LIBRARY}/bao agent -config={AGENT}/agent.json
Restart=always
RestartSec=2
LimitCORE=0
NoNewPrivileges=true

[Install]
WantedBy=multi-user.target
"""

STACK_SERVICE = f"""[Unit]
Description=Selvedge: the containers of stack %i
# Not Requires: a restart of the engine, as by an update of its package, would stop and start what live-restore keeps.
Wants=network-online.target docker.service {AGENT_UNIT}
After=network-online.target docker.service {AGENT_UNIT} selvedge-material-%i.service

[Service]
Type=oneshot
RemainAfterExit=true
ExecStartPre={LIBRARY}/wait-secrets %i 600
ExecStart=/usr/bin/docker compose -f {CONFIG}/stacks/%i/compose.yml up --detach --no-recreate
ExecStop=/usr/bin/docker compose -f {CONFIG}/stacks/%i/compose.yml stop
TimeoutStartSec=900
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
"""


def credential(seal: str, stack: str, name: str) -> str:
    """The line of a unit that brings one piece of boot material to its memory.

    :param seal: ``systemd-creds``, or ``none`` for a file in the clear, which needs systemd 247 only
    """
    if seal == "none":
        return f"LoadCredential={name}:{CLEAR_CREDENTIALS}/selvedge-{stack}-{name}"
    return f"LoadCredentialEncrypted={name}:{CREDENTIALS}/selvedge-{stack}-{name}"


def agent_service(seal: str) -> str:
    """The unit of the store's agent, on a host with this seal."""
    return _AGENT_SERVICE.replace("@CREDENTIAL@", credential(seal, "agent", "secret_id"))


def stack_unit(stack: str) -> str:
    return f"selvedge-stack@{stack}.service"


def material_unit(stack: str) -> str:
    return f"selvedge-material-{stack}.service"


def material_service(stack: str, names: list[str], seal: str) -> str:
    """The unit that brings a stack's boot material, sealed on disk, to tmpfs."""
    credentials = "\n".join(credential(seal, stack, name) for name in names)
    return f"""[Unit]
Description=Selvedge: boot material of stack {stack}
Before={stack_unit(stack)}

[Service]
Type=oneshot
RemainAfterExit=true
{credentials}
ExecStart={LIBRARY}/install-material {stack}

[Install]
WantedBy=multi-user.target
"""
