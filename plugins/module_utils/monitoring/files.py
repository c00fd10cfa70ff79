"""The configuration files of each service of the monitoring, as they lie on its host."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ansible_collections.selvedge.fabric.plugins.module_utils.model.network import Network, Service
from ansible_collections.selvedge.fabric.plugins.module_utils.model.paths import MONITORING
from ansible_collections.selvedge.fabric.plugins.module_utils.model.ports import GRAFANA
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.alertmanager import (
    alertmanager_config,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.alerts import alert_rules
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.blackbox import blackbox_config
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.fluent_bit import (
    SCRIPT,
    fluent_bit_config,
    line_script,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.grafana import grafana_config_files
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.log_collector import (
    LABELS,
    collector_config,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.logs import (
    COLLECTOR_FILE,
    FLUENT_BIT_FILE,
    LOKI_FILE,
    host_logs,
    own_loki,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.loki import loki_config
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.network_page import (
    front_page,
    network_page,
)
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.prometheus import prometheus_config
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.records import recording_rules
from ansible_collections.selvedge.fabric.plugins.module_utils.monitoring.web import web_config

with suppress(ImportError):  # the module says which package is missing
    import yaml

    # No anchors: what is said twice is read twice.
    class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        def ignore_aliases(self, data: Any) -> bool:
            return True


# Pages that Prometheus serves, in its folder. It reads them for each reader, so a new one needs no restart.
PAGES = "consoles"


def config_folder(service: Service) -> str:
    """The folder on the host that the service's container mounts."""
    return f"{MONITORING}/{service.kind}"


def config_files(network: Network, service: Service, ca_cert: str) -> dict[str, str]:
    """Name in the service's folder to content. No secret in it.

    :param ca_cert: PEM of the bootstrap CA, by which the store and the registry are known
    """
    if service.kind == GRAFANA:
        return grafana_config_files(network, service)
    files: dict[str, Any] = {}
    if service.kind == "otel-collector":
        files[COLLECTOR_FILE] = collector_config(host_logs(network, service))
    elif service.kind == "fluent-bit":
        files[FLUENT_BIT_FILE] = fluent_bit_config(host_logs(network, service))
    elif service.kind == "loki":
        files[LOKI_FILE] = loki_config(own_loki(network, service), LABELS)
    else:
        files["web.yml"] = web_config(network, service)
    if service.kind == "prometheus":
        files["prometheus.yml"] = prometheus_config(network)
        files["rules.yml"] = {"groups": [recording_rules(), alert_rules()]}
    elif service.kind == "alertmanager":
        files["alertmanager.yml"] = alertmanager_config(network)
    elif service.kind == "blackbox-exporter":
        files["blackbox.yml"] = blackbox_config(network, service)
    texts = {
        name: yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=1000)
        for name, content in files.items()
    }
    if service.kind == "fluent-bit":
        texts[SCRIPT] = line_script(host_logs(network, service))
    if service.kind in ("prometheus", "blackbox-exporter"):
        texts["ca.crt"] = ca_cert
    if service.kind == "prometheus":
        interval = network.settings["monitoring"]["scrape_interval"]
        texts[f"{PAGES}/network.html"] = network_page(network, interval)
        texts[f"{PAGES}/index.html"] = front_page()
    return texts
