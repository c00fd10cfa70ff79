"""The OpenTelemetry Collector's configuration on one host: logs of containers, journal and engine, and metrics.

Every line carries the labels ``host``, ``node``, ``source`` and ``level``, and ``organization`` and ``channel`` where
it has them. ``node`` is the container's full name, or the host's name for its journal.

Nothing is lost on the way: the receivers keep on disk how far they have read, what they read is written to a queue on
disk before that mark moves on (``FEATURE_GATES``), and it leaves the queue when the sink has it. While the sink is
away the queue grows to its limit; then reading stops, and the containers' own files are the buffer.

Source: opentelemetry-collector-contrib v0.149.0, receiver/{filelog,journald,dockerstats,hostmetrics}receiver,
pkg/stanza/docs, extension/storage/filestorage; opentelemetry-collector v0.149.0, exporter/exporterhelper/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring import log_formats

# Lines are handed on before the mark of what was read moves; without it a kill loses what was read in the last 0.1 s.
FEATURE_GATES = "stanza.synchronousLogEmitter"
FOLDER = "/etc/otel-collector"
DATA_FOLDER = "/var/lib/otel-collector"
HEALTH_PORT = 13133
# Labels of Loki, in the order in which people ask. All else is with the line, but no label.
LABELS = ("organization", "node", "channel", "level", "host", "source")
CONTAINER, JOURNAL, AUDIT, ENGINE = "container", "journal", "audit", "engine"

Operators = list[dict[str, Any]]


@dataclass(frozen=True)
class Sink:
    """Where logs go.

    :param url: of an OTLP endpoint over HTTP, without ``/v1/logs``: Loki's ends with ``/otlp``
    :param ca_file: CA of its certificate; empty for those that the image knows
    :param cert_file: our client certificate, where it asks for one
    :param key_file: and its key
    :param token_file: a bearer token, where it asks for one
    :param server_name: the name in its certificate, where it differs from the URL's
    """

    url: str
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    token_file: str = ""
    server_name: str = ""


@dataclass(frozen=True)
class Server:
    """Where Prometheus fetches the metrics, and by which certificates; without files in the clear.

    :param address: ``host:port`` to listen on
    """

    address: str
    cert_file: str = ""
    key_file: str = ""
    client_ca_file: str = ""


@dataclass(frozen=True)
class Places:
    """Where things lie, as the collector sees them.

    :param containers: the engine's folder of containers; empty to leave them out
    :param journal: the journal's folder; empty to leave it out
    :param data: what it keeps: how far it has read, and the queue
    :param engine: the socket of the engine's guard; empty to leave out containers' metrics
    """

    containers: str = "/var/lib/docker/containers"
    journal: str = "/var/log/journal"
    data: str = DATA_FOLDER
    engine: str = "/run/engine/engine.sock"


@dataclass(frozen=True)
class HostLogs:
    """What a host's collector is told.

    :param host: the host's name in the inventory
    :param organizations: names of all organisations
    :param channels: names of all channels
    :param queue_bytes: how much may wait for the sink on the host's disk
    :param interval: how often metrics are taken, as a duration
    """

    host: str
    domain: str
    organizations: tuple[str, ...]
    channels: tuple[str, ...]
    sink: Sink
    metrics: Server
    queue_bytes: int = 256_000_000
    interval: str = "1m"
    places: Places = field(default_factory=Places)


def collector_config(logs: HostLogs) -> dict[str, Any]:
    """The whole configuration, to be written as YAML. No secret in it."""
    places = logs.places
    receivers: dict[str, Any] = {}
    if places.containers:
        receivers["file_log/containers"] = _containers(logs)
    if places.journal:
        receivers["journald"] = _journal(logs)
    metrics: dict[str, Any] = {"hostmetrics": _host_metrics(logs)}
    if places.engine:
        metrics["docker_stats"] = {
            "endpoint": f"unix://{places.engine}",
            # Whatever the engine speaks; the default is 1.44, which engines before 25 refuse.
            "api_version": "",
            "collection_interval": logs.interval,
            "timeout": "10s",
        }
    extensions: dict[str, Any] = {
        "file_storage": {
            "directory": places.data,
            # After a crash of the whole machine a torn file must not keep logs away for good.
            "recreate": True,
            "compaction": {
                "directory": places.data,
                "on_start": True,
                "on_rebound": True,
                "cleanup_on_start": True,
            },
        },
        "health_check": {"endpoint": f"127.0.0.1:{HEALTH_PORT}"},
    }
    if logs.sink.token_file:
        # Read anew when it changes.
        extensions["bearertokenauth"] = {"filename": logs.sink.token_file}
    config = {
        "extensions": extensions,
        "receivers": {**receivers, **metrics},
        "exporters": {"otlp_http": _exporter(logs), "prometheus": _prometheus(logs.metrics)},
        "service": {
            "extensions": list(extensions),
            # It reads its own log as well: the less it says, the less it says of that.
            "telemetry": {"logs": {"level": "warn", "encoding": "json"}, "metrics": {"level": "none"}},
            "pipelines": {
                **({"logs": {"receivers": list(receivers), "exporters": ["otlp_http"]}} if receivers else {}),
                "metrics": {"receivers": list(metrics), "exporters": ["prometheus"]},
            },
        },
    }
    escaped: dict[str, Any] = _escaped(config)
    return escaped


def _escaped(value: Any) -> Any:
    """The collector takes ``${NAME}`` in a configuration for something to fill in, and ``$$`` for a dollar."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    return [_escaped(item) for item in value] if isinstance(value, list) else value


def _exporter(logs: HostLogs) -> dict[str, Any]:
    sink = logs.sink
    tls = {
        key: value
        for key, value in (
            ("ca_file", sink.ca_file),
            ("cert_file", sink.cert_file),
            ("key_file", sink.key_file),
            ("server_name_override", sink.server_name),
        )
        if value
    }
    if sink.url.startswith("https://"):
        # Certificates are renewed under a running collector.
        tls |= {"min_version": "1.2", "reload_interval": "1m"} if sink.cert_file else {"min_version": "1.2"}
    return {
        "endpoint": sink.url,
        "compression": "gzip",
        "timeout": "30s",
        **({"tls": tls} if tls else {}),
        **({"auth": {"authenticator": "bearertokenauth"}} if sink.token_file else {}),
        "retry_on_failure": {
            "enabled": True,
            "initial_interval": "1s",
            "max_interval": "15s",
            # Never given up.
            "max_elapsed_time": "0s",
        },
        "sending_queue": {
            "storage": "file_storage",
            # One after the other: lines of one node arrive in their order.
            "num_consumers": 1,
            "sizer": "bytes",
            "queue_size": logs.queue_bytes,
            # A full queue stops the reading; without this it would throw lines away.
            "block_on_overflow": True,
            # Loki takes 4 MB at once.
            "batch": {
                "sizer": "bytes",
                # A request costs both ends more than the lines in it.
                "flush_timeout": "2s",
                "min_size": 250_000,
                "max_size": 1_000_000,
            },
        },
    }


def _prometheus(server: Server) -> dict[str, Any]:
    tls = {
        key: value
        for key, value in (
            ("cert_file", server.cert_file),
            ("key_file", server.key_file),
            ("client_ca_file", server.client_ca_file),
        )
        if value
    }
    return {
        "endpoint": server.address,
        **({"tls": {**tls, "min_version": "1.2", "reload_interval": "1m"}} if tls else {}),
        # A container's name becomes a label.
        "resource_to_telemetry_conversion": {"enabled": True},
        "metric_expiration": "2m",
    }


def _host_metrics(logs: HostLogs) -> dict[str, Any]:
    """What a container's own /proc says of its host. Disks and network are the node exporter's."""
    return {
        "collection_interval": logs.interval,
        "scrapers": {"cpu": {}, "load": {}, "memory": {}, "paging": {}},
    }


def _containers(logs: HostLogs) -> dict[str, Any]:
    """All that containers write to stdout and stderr, as the engine's json-file driver keeps it."""
    return {
        # With what was rotated away: a file may be turned over between two looks.
        "include": [f"{logs.places.containers}/*/*-json.log", f"{logs.places.containers}/*/*-json.log.*"],
        # Of a container that was there before the collector.
        "start_at": "beginning",
        "include_file_path": True,
        "include_file_name": False,
        "storage": "file_storage",
        # Files of the same container may begin with the same line; their time stamps do not.
        "fingerprint_size": "1kb",
        # Each look opens every file. Whatever a container can write in it is far from the engine's 30 MB.
        "poll_interval": "2s",
        "max_concurrent_files": 256,
        "retry_on_failure": {"enabled": True, "max_elapsed_time": "0s"},
        "resource": {"host": logs.host, "source": CONTAINER},
        "operators": [
            *_engine_line(),
            *_named(logs),
            *_events(),
            _organization(logs),
            *_read(logs),
            *_without("attrs", "level", "log.file.path", "time"),
        ],
    }


def _engine_line() -> Operators:
    """One line of the json-file driver: ``log``, ``stream``, ``time``, and ``attrs`` with the container's name."""
    return [
        {
            "type": "json_parser",
            "parse_from": "body",
            "parse_to": "attributes",
            "timestamp": {
                "parse_from": "attributes.time",
                "layout_type": "gotime",
                "layout": "2006-01-02T15:04:05.999999999Z07:00",
            },
        },
        {"type": "move", "if": "attributes.log != nil", "from": "attributes.log", "to": "body"},
    ]


def _named(logs: HostLogs) -> Operators:
    """``node``. A container that is not Selvedge's has no tag: its short id stands for it."""
    return [
        {
            "type": "move",
            "if": "attributes.attrs != nil and attributes.attrs.tag != nil",
            "from": "attributes.attrs.tag",
            "to": "resource.node",
        },
        {
            "type": "regex_parser",
            "if": "resource.node == nil",
            "parse_from": 'attributes["log.file.path"]',
            "parse_to": "resource",
            "regex": r"/(?P<node>[0-9a-f]{12})[0-9a-f]*-json\.log",
            "on_error": "send_quiet",
        },
        {
            "type": "add",
            "if": f"resource.node == 'store.{logs.domain}' and body matches `{log_formats.AUDIT}`",
            "field": "resource.source",
            "value": AUDIT,
        },
        {
            "type": "add",
            "if": f"resource.source == '{AUDIT}'",
            "field": "resource.level",
            "value": f"EXPR(body matches `{log_formats.AUDIT_FAILED}` ? 'warn' : 'info')",
        },
    ]


def _events() -> Operators:
    """What the guard of the engine's socket writes of its events; it says of which container each is."""
    return [
        {
            "type": "regex_parser",
            "if": """body startsWith '{"event":'""",
            "parse_from": "body",
            "parse_to": "resource",
            "regex": r'^\{"event":"[^"]*","node":"(?P<node>[^"]*)"',
            "on_error": "send_quiet",
        },
        {
            "type": "add",
            "if": """body startsWith '{"event":'""",
            "field": "resource.source",
            "value": ENGINE,
        },
    ]


def _organization(logs: HostLogs) -> dict[str, Any]:
    """Whose a node is; after events have got the name of the container that they are about."""
    return {
        "type": "regex_parser",
        "if": "resource.node != nil",
        "parse_from": "resource.node",
        "parse_to": "resource",
        "regex": log_formats.organization_pattern(logs.organizations, logs.domain),
        "on_error": "send_quiet",
    }


def _read(logs: HostLogs, otherwise: str = f"'{log_formats.UNKNOWN}'") -> Operators:
    """Level and channel of a line, and the line without colours and secrets.

    :param otherwise: an expression for the level of a line that names none
    """
    found: Operators = [
        # The end of the line, which the engine keeps.
        {
            "type": "add",
            "if": r"body endsWith '\n'",
            "field": "body",
            "value": r"EXPR(trimSuffix(trimSuffix(body, '\n'), '\r'))",
        },
        {
            "type": "regex_replace",
            "if": r"body contains '\x1b'",
            "field": "body",
            "regex": log_formats.COLOURS,
            "replace_with": "",
        },
        {"type": "filter", "expr": "body == ''"},
        _parser(log_formats.LEVEL),
        {**_parser(log_formats.BARE_LEVEL), "if": "attributes.level == nil"},
    ]
    if logs.channels:
        named = " or ".join(f"body contains '{name}'" for name in logs.channels)
        found.append(
            {**_parser(log_formats.channel_pattern(logs.channels)), "if": named, "parse_to": "resource"}
        )
    names = ", ".join(f"{short!r}: {name!r}" for short, name in log_formats.LEVELS.items())
    return [
        *found,
        {
            "type": "add",
            "if": "resource.level == nil and attributes.level != nil",
            "field": "resource.level",
            "value": f"EXPR({{{names}}}[lower(attributes.level)])",
        },
        {
            "type": "add",
            "if": "resource.level == nil",
            "field": "resource.level",
            "value": f"EXPR({otherwise})",
        },
        {
            "type": "severity_parser",
            "if": f"resource.level != '{log_formats.UNKNOWN}'",
            "parse_from": "resource.level",
        },
        *(
            {
                "type": "regex_replace",
                "if": " and ".join((f"resource.source != '{AUDIT}'", *_has_one_of(secret.hints))),
                "field": "body",
                "regex": secret.regex,
                "replace_with": secret.replacement,
            }
            for secret in log_formats.SECRETS
        ),
    ]


def _has_one_of(words: tuple[str, ...]) -> Iterator[str]:
    """A condition for a line that has one of these words, in whatever case; none where there are no words."""
    if words:
        yield f"(let small = lower(body); {' or '.join(f'small contains {word!r}' for word in words)})"


def _parser(regex: str) -> dict[str, Any]:
    return {
        "type": "regex_parser",
        "parse_from": "body",
        "parse_to": "attributes",
        "regex": regex,
        # A line that names none is no error.
        "on_error": "send_quiet",
    }


def _journal(logs: HostLogs) -> dict[str, Any]:
    """The host's own log. Of its fields only the message, the unit and the program go along, no command lines."""
    levels = ", ".join(f"{number!r}: {name!r}" for number, name in log_formats.PRIORITIES.items())
    unit = "body._SYSTEMD_UNIT != nil ? body._SYSTEMD_UNIT : body.SYSLOG_IDENTIFIER"
    return {
        "directory": logs.places.journal,
        "start_at": "beginning",
        # All that is there; the default leaves out what is not at least informational.
        "priority": "debug",
        # Bytes that are no text.
        "convert_message_bytes": True,
        # Of former boots too: else only the current one is followed, and the last lines before a reboot are lost.
        "merge": True,
        "storage": "file_storage",
        "retry_on_failure": {"enabled": True, "max_elapsed_time": "0s"},
        "resource": {"host": logs.host, "node": logs.host, "source": JOURNAL},
        "operators": [
            {"type": "add", "if": f"({unit}) != nil", "field": "attributes.unit", "value": f"EXPR({unit})"},
            {
                "type": "add",
                "if": "body.PRIORITY != nil",
                "field": "attributes.priority",
                "value": f"EXPR({{{levels}}}[body.PRIORITY])",
            },
            {"type": "filter", "expr": "body.MESSAGE == nil"},
            {"type": "move", "from": "body.MESSAGE", "to": "body"},
            # What the line says of itself counts for more: dockerd writes everything at one priority.
            *_read(logs, f"attributes.priority ?? '{log_formats.UNKNOWN}'"),
            *_without("priority", "level"),
        ],
    }


def _without(*names: str) -> Iterator[dict[str, Any]]:
    """Leave attributes out that have served."""
    for name in names:
        yield {"type": "remove", "if": f'attributes["{name}"] != nil', "field": f'attributes["{name}"]'}
