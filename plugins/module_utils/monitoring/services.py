"""Compose services of the monitoring, in the same hard shell as everything else."""

from __future__ import annotations

from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.compose import (
    WATCHER_EVERY,
    bind,
    digest_of,
    shell,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import (
    DATA,
    IN_SECRETS,
    TEXTFILES,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import GRAFANA
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import folder_of, uid_of
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring import (
    alertmanager,
    blackbox,
    fluent_bit,
    grafana,
    log_collector,
    log_services,
    loki,
    prometheus,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.files import PAGES, config_folder

NODE_EXPORTER_FOLDER = "/etc/node-exporter"
_FOLDERS = {
    "prometheus": prometheus.FOLDER,
    "alertmanager": alertmanager.FOLDER,
    "blackbox-exporter": blackbox.FOLDER,
    "node-exporter": NODE_EXPORTER_FOLDER,
}
_HEALTHY = {
    "prometheus": "/-/healthy",
    "alertmanager": "/-/healthy",
    "blackbox-exporter": "/-/healthy",
    "node-exporter": "/",
}
# Those that keep something on disk, and where.
KEEPING = {
    "prometheus": "/var/lib/prometheus",
    "alertmanager": "/var/lib/alertmanager",
    "loki": loki.DATA_FOLDER,
    "otel-collector": log_collector.DATA_FOLDER,
    "fluent-bit": fluent_bit.DATA_FOLDER,
    GRAFANA: grafana.DATA_FOLDER,
}
# What rules and pages ask for; the others cost time at each scrape. From inside a container there is no seeing the
# host's network.
_COLLECTORS = ("cpu", "diskstats", "filefd", "filesystem", "loadavg", "meminfo", "pressure", "stat",
               "textfile", "time", "timex", "uname", "vmstat")  # fmt: skip
# What is no disk of the host's: kernel file systems, and what the engine mounts for containers.
_NO_DISKS = r"^/(dev|proc|sys|run|var/lib/docker/.+|var/lib/containers/.+)(/|\z)"
_NO_TYPES = (
    "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|mqueue|nsfs|proc|pstore|"
    r"securityfs|sysfs|tmpfs|tracefs)\z"
)


def service(
    network: Network, item: Service, image: str, files: dict[str, str], revision: str
) -> dict[str, Any]:
    """One service of the monitoring.

    :param files: ``config_files``
    :param revision: of the secrets that are rendered for it
    """
    if item.kind in log_services.KINDS:
        return log_services.service(network, item, image, files, revision)
    if item.kind == GRAFANA:
        return grafana.service(item, image, files, revision)
    port, folder = item.ports["main"], _FOLDERS[item.kind]
    probe = [
        "/usr/local/bin/healthcheck",
        f"https://127.0.0.1:{port}{_HEALTHY[item.kind]}",
        "-ca", f"{IN_SECRETS}/tls/ca.crt",
        "-cert", f"{IN_SECRETS}/tls/server.crt",
        "-key", f"{IN_SECRETS}/tls/server.key",
        "-server-name", item.name,
    ]  # fmt: skip
    data = KEEPING.get(item.kind)
    volumes = [bind(config_folder(item), folder), bind(folder_of(item), IN_SECRETS)]
    if data:
        volumes.append(bind(f"{DATA}/{item.name}", data, read_only=False))
    mounted = [f"{name} {files[name]}" for name in sorted(files) if not name.startswith(f"{PAGES}/")]
    definition = {
        **shell(item.name, image, item.settings, probe, WATCHER_EVERY),
        "user": f"{uid_of(item)}:{uid_of(item)}",
        "ports": [f"{port}:{port}"],
        "command": [*_command(network, item), f"--web.config.file={folder}/web.yml",
                    f"--web.listen-address=0.0.0.0:{port}"],
        "labels": {"selvedge.config": digest_of(*mounted, revision)},
        "volumes": volumes,
    }  # fmt: skip
    if item.kind != "node-exporter":
        return definition
    # What others mount later is to be seen as well.
    root = {**bind("/", "/host"), "bind": {"create_host_path": False, "propagation": "rslave"}}
    return {**definition, "volumes": [*volumes, root, bind(TEXTFILES, "/textfiles")]}


def _command(network: Network, item: Service) -> list[str]:
    if item.kind == "prometheus":
        return [
            f"--config.file={prometheus.FOLDER}/prometheus.yml",
            f"--storage.tsdb.path={KEEPING['prometheus']}",
            f"--storage.tsdb.retention.size={network.settings['monitoring']['retention_size']}",
            f"--web.console.templates={prometheus.FOLDER}/{PAGES}",
            f"--web.console.libraries={prometheus.FOLDER}/{PAGES}",
        ]
    if item.kind == "alertmanager":
        return [
            f"--config.file={alertmanager.FOLDER}/alertmanager.yml",
            f"--storage.path={KEEPING['alertmanager']}",
            # There is one of it.
            "--cluster.listen-address=",
        ]
    if item.kind == "blackbox-exporter":
        return [f"--config.file={blackbox.FOLDER}/blackbox.yml"]
    return [
        "--path.rootfs=/host",
        "--path.procfs=/host/proc",
        "--path.sysfs=/host/sys",
        "--collector.disable-defaults",
        *(f"--collector.{name}" for name in _COLLECTORS),
        "--collector.textfile.directory=/textfiles",
        f"--collector.filesystem.mount-points-exclude={_NO_DISKS}",
        f"--collector.filesystem.fs-types-exclude={_NO_TYPES}",
    ]
