"""The health exporter: ``main(["/etc/selvedge/exporter.json"])``, until SIGTERM."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.config import Config
from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.endpoint import Endpoint
from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.watch import Watch
from ansible_collections.selvedge.fabric.plugins.module_utils.fabric.errors import FabricError

_LOG = logging.getLogger("exporter")


def main(arguments: Sequence[str]) -> int:
    """Return the process's exit code: 2 for a configuration that cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    try:
        (path,) = arguments
        config = Config.read(Path(path))
        watch = Watch(config)
        endpoint = Endpoint(
            config.listen,
            config.cert_file,
            config.key_file,
            config.client_ca_file,
            lambda: watch.snapshot,
            config.hosts,
            3 * config.interval + config.timeout,
        )
    except ValueError:
        _LOG.error("say which configuration file to use, such as /etc/selvedge/exporter.json")
        return 2
    except (FabricError, OSError) as error:
        _LOG.error("%s", error)
        return 2

    def end(number: int, frame: object) -> None:
        # From a handler, shutdown() would wait for itself.
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    watch.start()
    _LOG.info("serving https://%s/metrics", config.listen)
    try:
        endpoint.serve_forever()
    finally:
        watch.stop.set()
        endpoint.server_close()
    return 0
