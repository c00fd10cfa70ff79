"""Lab hosts: containers that behave as hosts, for `make demo` and the scenarios. Docker's SDK for Python throughout."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

with suppress(ImportError):  # the module says which package is missing
    import docker
    from docker.models.containers import Container
    from docker.types import IPAMConfig, IPAMPool

SSH_PORT = 2222
LABEL = "selvedge.lab"
# What a host can be made from, with the recipe's arguments: with an engine, or without, for `bootstrap.yml`.
IMAGES: dict[str, list[str]] = {
    "debian-13": [],
    "debian-13-bare": ["--bare"],
    "debian-12-bare": ["--release", "bookworm", "--bare"],
}


class LabError(Exception):
    """A lab host did not come up, or the engine refused something."""


@dataclass(frozen=True)
class LabHost:
    """One lab host.

    :param name: its inventory name; the container is ``<lab>-<name>``
    :param loopback: the loopback address of this machine that its ports are published on
    :param address: its address in the lab's network
    :param ports: TCP ports to publish beside SSH
    :param image: what it is made from, one of IMAGES
    """

    name: str
    loopback: str
    address: str
    ports: list[int]
    image: str = "debian-13"


def run_options(cgroup_version: str) -> dict[str, Any]:
    """What makes a container boot systemd and run an engine of its own.

    Measured (design, section 5): on cgroup v1 without ``privileged``, which fails where CAP_SYS_RESOURCE is missing
    from the bounding set; on cgroup v2 ``privileged`` with a private cgroup namespace is cleaner.
    """
    common: dict[str, Any] = {"tmpfs": {"/run": "", "/run/lock": "", "/tmp": ""}}  # noqa: S108 - mounts inside
    if cgroup_version == "2":
        return {**common, "privileged": True, "cgroupns": "private"}
    return {
        **common,
        "cap_add": ["ALL"],
        "cap_drop": ["SYS_RESOURCE", "SYS_TIME", "SYS_MODULE", "SYS_RAWIO"],
        "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
        "cgroupns": "host",
    }


def run_binds(cgroup_version: str) -> dict[str, dict[str, str]]:
    """Host paths that a lab host shares; on cgroup v1 the hierarchy itself."""
    return {} if cgroup_version == "2" else {"/sys/fs/cgroup": {"bind": "/sys/fs/cgroup", "mode": "rw"}}


class Lab:
    """A set of lab hosts on one network; everything it makes carries its name.

    :param name: prefix of containers, volumes and the network
    """

    def __init__(self, name: str, progress: Callable[[str], None] = lambda line: None) -> None:
        self.name = name
        self._progress = progress
        self._docker = docker.from_env()

    def ensure_image(self, tag: str, make: Callable[[], Path]) -> bool:
        """Import the root file system under ``tag`` unless it is there; return whether it was imported."""
        if self._docker.images.list(name=tag):
            return False
        rootfs = make()
        repository, version = tag.rsplit(":", 1)
        self._docker.api.import_image(
            str(rootfs), repository=repository, tag=version, changes=['CMD ["/sbin/init"]']
        )
        rootfs.unlink()
        return True

    def missing(self, hosts: list[LabHost]) -> list[LabHost]:
        """Hosts that have no running container."""
        running = {item.name for item in self._containers() if item.status == "running"}
        return [host for host in hosts if self._container_name(host) not in running]

    def create(
        self, hosts: list[LabHost], tags: dict[str, str], subnet: str, public_key: str, timeout_s: float
    ) -> str:
        """Create or start hosts, wait until each has booted; return the lines of a ``known_hosts`` file.

        :param tags: a host's ``image`` to the tag that it has in the engine
        """
        self._ensure_network(subnet)
        containers = [(host, self._ensure_host(host, tags[host.image], public_key)) for host in hosts]
        until = time.monotonic() + timeout_s
        return "".join(self._booted(host, container, until) for host, container in containers)

    def remove(self) -> list[str]:
        """Remove the lab's containers with their volumes, and its network; return their names."""
        removed = []
        for container in self._containers(all=True):
            removed.append(str(container.name))
            container.remove(force=True, v=True)
        for volume in self._docker.volumes.list(filters={"label": f"{LABEL}={self.name}"}):
            removed.append(str(volume.name))
            volume.remove(force=True)
        for network in self._docker.networks.list(filters={"label": f"{LABEL}={self.name}"}):
            removed.append(str(network.name))
            network.remove()
        return removed

    def exists(self) -> bool:
        """Whether anything of the lab is there, also what a broken removal left."""
        own = {"label": f"{LABEL}={self.name}"}
        others = [*self._docker.volumes.list(filters=own), *self._docker.networks.list(filters=own)]
        return bool(others or self._containers(all=True))

    def _cgroup_version(self) -> str:
        return str(self._docker.info().get("CgroupVersion", "1"))

    def _container_name(self, host: LabHost) -> str:
        return f"{self.name}-{host.name}"

    def _containers(self, **kwargs: Any) -> list[Container]:
        found: list[Container] = self._docker.containers.list(
            filters={"label": f"{LABEL}={self.name}"}, **kwargs
        )
        return found

    def _ensure_network(self, subnet: str) -> None:
        if not self._docker.networks.list(names=[f"^{self.name}$"]):
            pool = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)])
            self._docker.networks.create(self.name, ipam=pool, labels={LABEL: self.name})

    def _ensure_host(self, host: LabHost, image: str, public_key: str) -> Container:
        name = self._container_name(host)
        existing = [item for item in self._containers(all=True) if item.name == name]
        if existing:
            existing[0].start()
            return existing[0]
        self._progress(f"creating {name}")
        binds = dict(run_binds(self._cgroup_version()))
        for folder in ("docker", "selvedge"):
            volume = self._docker.volumes.create(f"{name}-{folder}", labels={LABEL: self.name})
            binds[str(volume.name)] = {"bind": f"/var/lib/{folder}", "mode": "rw"}
        ports = {f"{port}/tcp": (host.loopback, port) for port in host.ports}
        ports["22/tcp"] = (host.loopback, SSH_PORT)
        api = self._docker.api
        host_config = api.create_host_config(
            binds=binds, port_bindings=ports, network_mode=self.name, **run_options(self._cgroup_version())
        )
        # What the command line calls systempaths=unconfined: the engine inside mounts /proc and /sys itself.
        host_config.update({"MaskedPaths": [], "ReadonlyPaths": []})
        created = api.create_container(
            image,
            ["/sbin/init", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"],
            name=name,
            hostname=host.name,
            # What tells systemd to shut down: a restart of the container is a reboot of the host.
            stop_signal="SIGRTMIN+3",
            host_config=host_config,
            networking_config=api.create_networking_config(
                {self.name: api.create_endpoint_config(ipv4_address=host.address)}
            ),
            ports=[22, *host.ports],
            environment={"container": "docker"},
            labels={LABEL: self.name},
        )
        container: Container = self._docker.containers.get(created["Id"])
        container.put_archive("/", _authorized_keys(public_key))
        container.start()
        return container

    def _booted(self, host: LabHost, container: Container, until: float) -> str:
        """Wait for systemd to report ``running`` and for sshd's key; return the host's ``known_hosts`` line."""
        state = ""
        while time.monotonic() < until:
            state = container.exec_run(["systemctl", "is-system-running"]).output.decode().strip()
            if state == "running":
                key = container.exec_run(["cat", "/etc/ssh/ssh_host_ed25519_key.pub"]).output.decode().split()
                return f"[{host.loopback}]:{SSH_PORT} {key[0]} {key[1]}\n"
            if state == "degraded":
                break
            time.sleep(0.1)
        failed = container.exec_run(["systemctl", "--failed", "--no-legend", "--plain"]).output.decode()
        raise LabError(
            f"{container.name} did not boot: systemd says '{state}', failed units: {failed.strip() or 'none'}"
        )


def _authorized_keys(public_key: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        folder = tarfile.TarInfo("root/.ssh")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o700
        tar.addfile(folder)
        data = public_key.encode()
        info = tarfile.TarInfo("root/.ssh/authorized_keys")
        info.size, info.mode = len(data), 0o600
        tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
