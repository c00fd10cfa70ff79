"""Compose services of the logs: Loki, each host's collector, and the guard of the engine's socket beside it."""

from __future__ import annotations

from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.compose import (
    WATCHER_EVERY,
    bind,
    digest_of,
    shell,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import (
    GUARD,
    Network,
    Service,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import (
    DATA,
    IN_SECRETS,
    MONITORING,
    TEXTFILES,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import COLLECTORS
from ansible_collections.selvedge.fabric.plugins.module_utils.model.secrets_layout import folder_of, uid_of
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring import (
    fluent_bit,
    log_collector,
    loki,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.logs import (
    COLLECTOR_FILE,
    FLUENT_BIT_FILE,
    HOST_LOG,
    LOKI_FILE,
    own_loki,
)

KINDS = (*COLLECTORS, "loki")
_HEALTHCHECK = "/usr/local/bin/healthcheck"
_LOKI_KEEPER = "/usr/local/bin/loki-keeper"
_ENGINE_WATCH = "/usr/local/bin/engine-watch"
_ENGINE_FOLDER = "/run/engine"
_ENGINE_SOCKET = "/var/run/docker.sock"
_TEXTFILES = "/textfiles"


def service(
    network: Network, item: Service, image: str, files: dict[str, str], revision: str
) -> dict[str, Any]:
    """Loki or a collector; parameters as of ``services.service``."""
    parts = {"loki": _loki, "otel-collector": _collector, "fluent-bit": _fluent_bit}
    folder, probe, command, data = parts[item.kind](network, item)
    volumes = [
        bind(f"{MONITORING}/{item.kind}", folder),
        bind(folder_of(item), IN_SECRETS),
        bind(f"{DATA}/{item.name}", data, read_only=False),
    ]
    definition = {
        **shell(item.name, image, item.settings, probe, WATCHER_EVERY),
        # It keeps Loki's folder within its size, and is its parent.
        **({"entrypoint": [_LOKI_KEEPER]} if item.kind == "loki" else {}),
        "user": f"{uid_of(item)}:{uid_of(item)}",
        "ports": [f"{port}:{port}" for port in item.ports.values()],
        "command": command,
        "labels": {
            "selvedge.config": digest_of(*(f"{name} {files[name]}" for name in sorted(files)), revision)
        },
        # Before a container is killed: what it has in hand goes to its disk.
        "stop_grace_period": "30s",
    }
    if item.kind in COLLECTORS:
        volumes += [
            bind("/var/lib/docker/containers", "/var/lib/docker/containers"),
            # Not the journal's own folder, which is missing where the journal is kept in memory only.
            bind("/var/log", HOST_LOG),
            bind(engine_folder(network, item), _ENGINE_FOLDER),
        ]
    return {**definition, "volumes": volumes}


def _loki(network: Network, item: Service) -> tuple[str, list[str], list[str], str]:
    probe = [
        _HEALTHCHECK,
        f"https://127.0.0.1:{item.ports['main']}/ready",
        "-ca", f"{IN_SECRETS}/tls/ca.crt",
        "-cert", f"{IN_SECRETS}/tls/server.crt",
        "-key", f"{IN_SECRETS}/tls/server.key",
        "-server-name", item.name,
    ]  # fmt: skip
    settings = own_loki(network, item)
    command = [
        *("-data", settings.data),
        *("-size", str(settings.size_bytes)),
        *("-period", f"{settings.retention_hours}h"),
        *("-limits", settings.limits_file),
        "--",
        "/usr/local/bin/loki",
        f"-config.file={loki.FOLDER}/{LOKI_FILE}",
    ]
    return loki.FOLDER, probe, command, loki.DATA_FOLDER


def _collector(_network: Network, _item: Service) -> tuple[str, list[str], list[str], str]:
    probe = [_HEALTHCHECK, f"http://127.0.0.1:{log_collector.HEALTH_PORT}/"]
    command = [
        f"--config={log_collector.FOLDER}/{COLLECTOR_FILE}",
        f"--feature-gates={log_collector.FEATURE_GATES}",
    ]
    return log_collector.FOLDER, probe, command, log_collector.DATA_FOLDER


def _fluent_bit(_network: Network, _item: Service) -> tuple[str, list[str], list[str], str]:
    probe = [_HEALTHCHECK, f"http://127.0.0.1:{fluent_bit.HEALTH_PORT}/"]
    return fluent_bit.FOLDER, probe, ["-c", f"{fluent_bit.FOLDER}/{FLUENT_BIT_FILE}"], fluent_bit.DATA_FOLDER


def engine_folder(network: Network, item: Service) -> str:
    """Where the guard has its socket and what it remembers, on the host of a collector."""
    return f"{DATA}/{network.guard(item)}"


def engine_watch(network: Network, item: Service, image: str) -> dict[str, Any]:
    """The service that stands between a host's collector and the engine: it alone has the engine's socket.

    It has no network, and hands on only questions about containers. What happens to them it writes to its own log,
    which comes along like everybody's, and how often they were started to a file for the node exporter.

    :param image: the collector's, which has the program
    """
    name = network.guard(item)
    socket = f"{_ENGINE_FOLDER}/engine.sock"
    return {
        name: {
            **shell(name, image, GUARD, [_ENGINE_WATCH, "-check", "-listen", socket], WATCHER_EVERY),
            "user": f"{uid_of(item)}:{uid_of(item)}",
            "network_mode": "none",
            "entrypoint": [_ENGINE_WATCH],
            "command": [
                *("-engine", _ENGINE_SOCKET),
                *("-listen", socket),
                *("-state", f"{_ENGINE_FOLDER}/last"),
                *("-starts", f"{_TEXTFILES}/engine.prom"),
            ],
            "labels": {"selvedge.config": "-"},
            "volumes": [
                bind(_ENGINE_SOCKET, _ENGINE_SOCKET),
                bind(engine_folder(network, item), _ENGINE_FOLDER, read_only=False),
                bind(TEXTFILES, _TEXTFILES, read_only=False),
            ],
        }
    }
