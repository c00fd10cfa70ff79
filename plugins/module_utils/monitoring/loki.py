"""Loki's configuration: one process that takes logs over mutual TLS, keeps them for a time, and answers questions.

Loki bounds what it keeps by time. That it stays within a size as well is the work of its parent
(images/helper/cmd/loki-keeper): it shortens the time in Loki's runtime configuration to what fits. Loki then deletes by
itself, which takes a while; so it takes no more in that while than there is room for.

Source: grafana/loki v3.5.0, docs/sources/shared/configuration.md, operations/storage/{wal,retention,schema}.md and
send-data/otel/_index.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

FOLDER = "/etc/loki"
DATA_FOLDER = "/var/lib/loki"
LIMITS_FILE = "limits.yml"
# Until the oldest chunks of a folder that has its size are gone: the keeper looks (5 minutes), retention is applied
# (7.5: between compactions and half of it), who reads an index has heard of it (10: twice its resync_interval), chunks
# are deleted (1), and a quarter more to be sure.
_DELETED_WITHIN_S = 1800
_MOST_MB_A_SECOND = 8.0
_MOST_MB_AT_ONCE = 512.0
_MB = 2**20


@dataclass(frozen=True)
class Loki:
    """What differs between one Loki and another.

    :param address: where it listens
    :param retention_hours: how long lines are kept, if they fit
    :param size_bytes: how much of the disk its folder may take
    :param cert_file: certificate, key, and the CA of who may come; without these it serves in the clear
    :param grpc_port: for its own parts, which speak to each other on the loopback address
    """

    address: str
    port: int
    retention_hours: int
    size_bytes: int
    cert_file: str = ""
    key_file: str = ""
    client_ca_file: str = ""
    data: str = DATA_FOLDER
    grpc_port: int = 9095

    @property
    def rate_mb(self) -> float:
        """How much it takes in a second from all hosts together, MB of lines. What comes faster waits on its host.

        The keeper leaves a quarter of the size free. Lines that cannot be compressed are in chunks, and for up to ten
        minutes in the write-ahead log as well. Until the oldest are gone there come at most three 32nds into chunks (a
        burst, and this rate), and the log has at most a 32nd and a 48th.
        """
        return min(_MOST_MB_A_SECOND, self.size_bytes / 16 / _DELETED_WITHIN_S / _MB)

    @property
    def burst_mb(self) -> float:
        """How much it takes at once, MB."""
        return min(_MOST_MB_AT_ONCE, self.size_bytes / 32 / _MB)

    @property
    def limits_file(self) -> str:
        """Its runtime configuration."""
        return f"{self.data}/{LIMITS_FILE}"


def loki_config(loki: Loki, labels: Iterable[str]) -> dict[str, Any]:
    """The whole configuration, to be written as YAML. No secret in it.

    :param labels: the attributes of a line's source that become labels
    """
    server: dict[str, Any] = {
        "http_listen_address": loki.address,
        "http_listen_port": loki.port,
        "grpc_listen_address": "127.0.0.1",
        "grpc_listen_port": loki.grpc_port,
        "log_level": "warn",
        # Who stops it waits for what is being written.
        "graceful_shutdown_timeout": "20s",
    }
    if loki.cert_file:
        server["http_tls_config"] = {
            "cert_file": loki.cert_file,
            "key_file": loki.key_file,
            "client_auth_type": "RequireAndVerifyClientCert",
            "client_ca_file": loki.client_ca_file,
        }
        server["tls_min_version"] = "VersionTLS12"
    return {
        "auth_enabled": False,
        "target": "all",
        "server": server,
        # One process: its parts find each other in its own memory, on the loopback address.
        "common": {
            "instance_addr": "127.0.0.1",
            "path_prefix": loki.data,
            "replication_factor": 1,
            "ring": {"kvstore": {"store": "inmemory"}, "instance_addr": "127.0.0.1"},
            "storage": {
                "filesystem": {
                    "chunks_directory": f"{loki.data}/chunks",
                    "rules_directory": f"{loki.data}/rules",
                }
            },
        },
        "schema_config": {
            "configs": [
                {
                    "from": "2024-01-01",
                    "store": "tsdb",
                    "object_store": "filesystem",
                    "schema": "v13",
                    "index": {"prefix": "index_", "period": "24h"},
                }
            ]
        },
        "ingester": {
            # What was taken is on disk before the sender hears so.
            "wal": {"enabled": True, "dir": f"{loki.data}/wal", "flush_on_shutdown": True},
            "chunk_idle_period": "30m",
            # Half of it is how much later than the newest line of a source an older one may come: after a collector was
            # away, a rotated file and the current one are read side by side.
            "max_chunk_age": "24h",
        },
        # As long as lines may be with the ingester alone.
        "querier": {"query_ingesters_within": "25h"},
        "compactor": {
            "working_directory": f"{loki.data}/compactor",
            "retention_enabled": True,
            "delete_request_store": "filesystem",
            "compaction_interval": "5m",
            # Whoever looks for lines may have an index that is five minutes old.
            "retention_delete_delay": "10m",
        },
        # What the keeper says of the retention period counts for more than what is said below.
        "runtime_config": {"file": loki.limits_file, "period": "10s"},
        "limits_config": {
            "retention_period": f"{loki.retention_hours}h",
            "ingestion_rate_mb": round(loki.rate_mb, 4),
            "ingestion_burst_size_mb": round(loki.burst_mb, 4),
            "per_stream_rate_limit": "8MB",
            "per_stream_rate_limit_burst": "16MB",
            # Who may read may not delete: the audit log is here too.
            "deletion_mode": "disabled",
            # A line that waited on its host for days is still wanted: a refusal would lose it for good.
            "reject_old_samples": False,
            # The engine writes lines of 16 KB at most; of a longer one in the journal the beginning is kept.
            "max_line_size": "256KB",
            "max_line_size_truncate": True,
            "allow_structured_metadata": True,
            # Labels are ours alone.
            "discover_service_name": [],
            "discover_log_levels": False,
            "max_label_names_per_series": 15,
            "otlp_config": {
                "resource_attributes": {
                    "ignore_defaults": True,
                    "attributes_config": [{"action": "index_label", "attributes": list(labels)}],
                }
            },
        },
        # Nobody is told of it.
        "analytics": {"reporting_enabled": False},
        "memberlist": {"bind_addr": ["127.0.0.1"]},
        "frontend": {"address": "127.0.0.1"},
        "query_range": {"results_cache": {"cache": {"embedded_cache": {"enabled": True, "max_size_mb": 16}}}},
    }
