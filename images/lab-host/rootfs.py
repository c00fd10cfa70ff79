"""Make the root file system of a lab host: Debian 13 with systemd, sshd, a Docker engine and Compose.

    rootfs.py OUTPUT_TAR

Needs mmdebstrap; as root, or as a plain user with subordinate ids (package uidmap). Takes about a minute.
"""

from __future__ import annotations

import os
import subprocess
import sys

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PACKAGES = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "docker.io",
    "docker-cli",
    "docker-compose",
    "python3",
    "python3-yaml",
    "iptables",
    "iproute2",
    "ca-certificates",
    "procps",
    "kmod",
]

# systemd credentials silently stay empty where mounts do not propagate; a container's root does not, by default.
SHARED_MOUNTS = """[Unit]
Description=Make mounts propagate, as on a machine
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/usr/bin/mount --make-rshared /
[Install]
WantedBy=sysinit.target
"""
NOT_IN_A_CONTAINER = (
    "systemd-networkd.service systemd-resolved.service systemd-logind.service systemd-udevd.service "
    "systemd-timesyncd.service getty.target console-getty.service"
)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    unit = "/etc/systemd/system/selvedge-lab-mounts.service"
    hooks = [
        f"printf '%s' '{SHARED_MOUNTS}' > \"$1\"{unit}",
        'chroot "$1" systemctl enable selvedge-lab-mounts.service ssh.service docker.service',
        f'chroot "$1" systemctl mask {NOT_IN_A_CONTAINER}',
        # Every lab host makes its own.
        'rm -f "$1"/etc/ssh/ssh_host_* "$1"/var/lib/systemd/credential.secret',
        'printf "%s\\n" "PermitRootLogin prohibit-password" "PasswordAuthentication no" "UseDNS no" '
        '> "$1"/etc/ssh/sshd_config.d/lab.conf',
        'mkdir -p "$1"/etc/systemd/system/ssh.service.d && '
        'printf "[Service]\\nExecStartPre=\\nExecStartPre=/usr/bin/ssh-keygen -A\\n'
        'ExecStartPre=/usr/sbin/sshd -t\\n" > "$1"/etc/systemd/system/ssh.service.d/keys.conf',
        'rm -f "$1"/etc/machine-id && touch "$1"/etc/machine-id',
    ]
    command = [
        "mmdebstrap",
        "--variant=minbase",
        f"--mode={'root' if os.geteuid() == 0 else 'unshare'}",
        "--format=tar",
        f"--keyring={KEYRING}",
        f"--include={','.join(PACKAGES)}",
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "locale")),
        *(f"--customize-hook={hook}" for hook in hooks),
        "trixie",
        sys.argv[1],
    ]
    return subprocess.run(
        command, env={**os.environ, "SOURCE_DATE_EPOCH": "1750000000"}, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
