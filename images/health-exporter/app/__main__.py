"""Run the health exporter: ``python3 /opt/selvedge CONFIGURATION``. Its library lies beside it."""

from __future__ import annotations

import sys

from ansible_collections.selvedge.fabric.plugins.module_utils.exporter.program import main

sys.exit(main(sys.argv[1:]))
