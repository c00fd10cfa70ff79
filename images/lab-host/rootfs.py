"""Make the root file system of a lab host: Debian with systemd, sshd and Python, and a Docker engine with Compose.

    rootfs.py OUTPUT_TAR [--release trixie|bookworm] [--bare] [--with PACKAGE,...] [--print]

`--bare` leaves out the engine and what comes with it: such a host is what `bootstrap.yml` is for. `--print` shows the
command and runs nothing.
Needs mmdebstrap; as root, or as a plain user with subordinate ids (package uidmap). Takes about a minute.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
BARE = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "python3",
    "iproute2",
    "ca-certificates",
    "procps",
    "kmod",
]
# Only trixie has Compose v2; a host with bookworm is always bare.
ENGINE = ["docker.io", "docker-cli", "docker-compose", "python3-yaml", "iptables"]

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


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("output")
    parser.add_argument("--release", choices=("trixie", "bookworm"), default="trixie")
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--with", dest="more", default="", help="more packages, with commas between them")
    parser.add_argument("--print", action="store_true")
    given = parser.parse_args()
    if given.release == "bookworm" and not given.bare:
        parser.error("bookworm has no Compose v2: give --bare")
    return given


def command(given: argparse.Namespace) -> list[str]:
    """The call of mmdebstrap."""
    unit = "/etc/systemd/system/selvedge-lab-mounts.service"
    services = ["selvedge-lab-mounts.service", "ssh.service", *([] if given.bare else ["docker.service"])]
    hooks = [
        f"printf '%s' '{SHARED_MOUNTS}' > \"$1\"{unit}",
        f'chroot "$1" systemctl enable {" ".join(services)}',
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
    return [
        "mmdebstrap",
        "--variant=minbase",
        f"--mode={'root' if os.geteuid() == 0 else 'unshare'}",
        "--format=tar",
        f"--keyring={KEYRING}",
        f"--include={','.join([*BARE, *([] if given.bare else ENGINE), *filter(None, given.more.split(','))])}",
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "locale")),
        *(f"--customize-hook={hook}" for hook in hooks),
        given.release,
        given.output,
    ]


def main() -> int:
    given = arguments()
    if given.print:
        print("\n".join(command(given)))
        return 0
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1750000000"}
    return subprocess.run(command(given), env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
